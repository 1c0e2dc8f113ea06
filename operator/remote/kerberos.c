/* See kerberos.h. Neither keytab nor ticket is ever read here: kinit does that. */

#include "remote/kerberos.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    KINIT_MS = 30 * 1000,
    RENEW_MS = 60 * 60 * 1000, /* tickets of less than two hours are rare; a new one costs 10 ms */
    RETRY_MS = 60 * 1000,
};

static int read_word(const char *path, char *out, size_t size, struct error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, size - 1);
    if (fd >= 0)
        close(fd);
    if (got <= 0)
        return error_set(err, ERROR_INVALID, "kerberos: the Secret has no %.200s", path);
    out[got] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    for (const char *p = out; *p; p++)
        if (isspace((unsigned char)*p) || iscntrl((unsigned char)*p) || out[0] == '-')
            return error_set(err, ERROR_INVALID, "kerberos: %.200s holds no principal", path);
    return out[0] ? 0 : error_set(err, ERROR_INVALID, "kerberos: %.200s is empty", path);
}

/* Java does not read KRB5_CONFIG. */
static int extend(struct kerberos *kerberos, struct error *err) {
    static const char *const java[] = {"HADOOP_OPTS", "SPARK_SUBMIT_OPTS"};
    char option[sizeof kerberos->config + 40];
    if (environment_set(kerberos->env, "KRB5CCNAME", kerberos->cache, err) < 0)
        return -1;
    if (!kerberos->config[0])
        return 0;
    snprintf(option, sizeof option, "-Djava.security.krb5.conf=%s", kerberos->config);
    for (size_t i = 0; i < sizeof java / sizeof java[0]; i++)
        if (environment_append(kerberos->env, java[i], option, err) < 0)
            return -1;
    return environment_set(kerberos->env, "KRB5_CONFIG", kerberos->config, err);
}

int kerberos_open(struct kerberos *kerberos, const char *directory, struct environment *env, struct helpers *helpers,
                  struct error *err) {
    char path[512];
    *kerberos = (struct kerberos){.helpers = helpers, .env = env, .next_at = INT64_MAX};
    if (!directory)
        return 0;
    snprintf(path, sizeof path, "%s/principal", directory);
    if (read_word(path, kerberos->principal, sizeof kerberos->principal, err) < 0)
        return -1;
    snprintf(kerberos->keytab, sizeof kerberos->keytab, "%s/keytab", directory);
    if (access(kerberos->keytab, R_OK) < 0)
        return error_set(err, ERROR_INVALID, "kerberos: the Secret has no %.200s that can be read", kerberos->keytab);
    snprintf(kerberos->config, sizeof kerberos->config, "%s/krb5.conf", directory);
    if (access(kerberos->config, R_OK) < 0)
        kerberos->config[0] = '\0';
    snprintf(kerberos->cache, sizeof kerberos->cache, "FILE:/tmp/krb5cc_weir_%ld_%ld", (long)getuid(), (long)getpid());
    if (extend(kerberos, err) < 0)
        return -1;
    kerberos->state = KERBEROS_ASKING;
    kerberos->next_at = 0;
    return 0;
}

bool kerberos_settled(const struct kerberos *kerberos) {
    return kerberos->state != KERBEROS_ASKING;
}

static void on_kinit(void *context, const struct helper_result *result) {
    struct kerberos *kerberos = context;
    int length = (int)strcspn(result->output, "\r\n");
    kerberos->next_at = kerberos->asked_at + (result->exit_code == 0 ? RENEW_MS : RETRY_MS);
    if (result->exit_code == 0) {
        kerberos->state = KERBEROS_READY;
        return;
    }
    if (kerberos->state == KERBEROS_READY) /* the ticket that is there may do */
        return;
    kerberos->state = KERBEROS_FAILED;
    if (!result->started)
        error_set(&kerberos->err, ERROR_INVALID,
                  "kerberos: the image has no kinit (add Debian's krb5-user or the like): %.*s", length,
                  result->output);
    else
        error_set(&kerberos->err, ERROR_TRANSIENT, "kerberos: no ticket for %s: %.*s", kerberos->principal,
                  length ? length : 9,
                  result->timed_out ? "timed out"
                  : length          ? result->output
                                    : "no answer");
}

void kerberos_wait(const struct kerberos *kerberos, struct wait *wait) {
    if (kerberos->keytab[0])
        wait_until(wait, kerberos->next_at);
}

void kerberos_step(struct kerberos *kerberos, int64_t now) {
    struct error ignored;
    if (!kerberos->keytab[0] || now < kerberos->next_at)
        return;
    const char *argv[] = {"kinit", "-k", "-t", kerberos->keytab, kerberos->principal, NULL};
    kerberos->asked_at = now;
    kerberos->next_at = INT64_MAX;
    if (helpers_start(kerberos->helpers, argv, kerberos->env->items, KINIT_MS, on_kinit, kerberos, &ignored) < 0)
        kerberos->next_at = now + RETRY_MS;
}
