/* See kerberos.h. The keytab is never read here: kinit does that. Of the ticket only its times are. */

#include "remote/kerberos.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "remote/ticket.h"

enum {
    KINIT_MS = 30 * 1000,
    RENEW_MS = 10 * 60 * 1000, /* when the ticket's life cannot be told; a new one costs 10 ms */
    RENEW_MIN_MS = 5 * 1000,
    RENEW_MAX_MS = 60 * 60 * 1000, /* so that one that is refused is seen early */
    RETRY_MIN_MS = 2 * 1000,
    RETRY_MAX_MS = 60 * 1000,
    AWAY_MS = 60 * 1000, /* how long a KDC that cannot be reached is waited for */
    SAID_MAX = 256,
    CACHE_MAX = 64 * 1024,
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
    char option[sizeof kerberos->config + 40], cache[sizeof kerberos->cache + 8];
    snprintf(cache, sizeof cache, "FILE:%s", kerberos->cache);
    if (environment_set(kerberos->env, "KRB5CCNAME", cache, err) < 0)
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
    snprintf(kerberos->cache, sizeof kerberos->cache, "/tmp/krb5cc_weir_%ld_%ld", (long)getuid(), (long)getpid());
    snprintf(kerberos->fresh, sizeof kerberos->fresh, "%.120s.new", kerberos->cache);
    if (extend(kerberos, err) < 0)
        return -1;
    kerberos->state = KERBEROS_ASKING;
    kerberos->next_at = 0;
    return 0;
}

bool kerberos_settled(const struct kerberos *kerberos) {
    return kerberos->state != KERBEROS_ASKING;
}

static int64_t bounded(int64_t value, int64_t least, int64_t most) {
    return value < least ? least : value > most ? most : value;
}

/* Half of the life of the ticket that kinit has written. */
static int64_t renew_after(const struct kerberos *kerberos) {
    static unsigned char bytes[CACHE_MAX];
    struct ticket_times times;
    int fd = open(kerberos->fresh, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    if (fd >= 0)
        close(fd);
    bool known = length > 0 && ticket_read(bytes, (size_t)length, &times);
    explicit_bzero(bytes, sizeof bytes);
    if (!known)
        return RENEW_MS;
    int64_t half = (times.ends - times.starts) * 1000 / 2;
    return bounded(half, RENEW_MIN_MS, RENEW_MAX_MS);
}

static bool take_ticket(struct kerberos *kerberos) {
    int64_t after = renew_after(kerberos);
    if (rename(kerberos->fresh, kerberos->cache) < 0)
        return false;
    kerberos->renew_ms = after;
    kerberos->next_at = kerberos->asked_at + after;
    kerberos->state = KERBEROS_READY;
    return true;
}

/* The last line says what went wrong; before it there may be warnings. */
static void last_line(const struct helper_result *result, char out[SAID_MAX]) {
    size_t end = result->length, begin;
    while (end > 0 && isspace((unsigned char)result->output[end - 1]))
        end--;
    for (begin = end; begin > 0 && result->output[begin - 1] != '\n'; begin--)
        ;
    size_t length = end - begin < SAID_MAX - 1 ? end - begin : SAID_MAX - 1;
    memcpy(out, result->output + begin, length);
    out[length] = '\0';
    if (length == 0)
        snprintf(out, SAID_MAX, "it exited with %d and said nothing", result->exit_code);
}

static void fail(struct kerberos *kerberos, const struct helper_result *result, const char *said) {
    kerberos->state = KERBEROS_FAILED;
    if (!result->started)
        error_set(&kerberos->err, ERROR_INVALID,
                  "kerberos: the image has no kinit (add Debian's krb5-user or the like): %.200s", said);
    else
        error_set(&kerberos->err, ERROR_TRANSIENT, "kerberos: no ticket for %.200s: %.200s", kerberos->principal,
                  result->timed_out ? "timed out" : said);
}

/* The ticket that is there may do; without one a KDC that cannot be reached is waited for. MIT and Heimdal say "any
 * KDC" then. */
static void on_kinit(void *context, const struct helper_result *result) {
    struct kerberos *kerberos = context;
    char said[SAID_MAX];
    last_line(result, said);
    bool away = result->timed_out || strstr(said, "any KDC");
    if (result->started && result->exit_code == 0 && take_ticket(kerberos))
        return;
    if (kerberos->state == KERBEROS_ASKING && away && kerberos->asked_at - kerberos->began_at < AWAY_MS)
        kerberos->next_at = kerberos->asked_at + RETRY_MIN_MS;
    else if (kerberos->state == KERBEROS_ASKING)
        fail(kerberos, result, said);
    else
        kerberos->next_at = kerberos->asked_at + bounded(kerberos->renew_ms / 5, RETRY_MIN_MS, RETRY_MAX_MS);
}

void kerberos_wait(const struct kerberos *kerberos, struct wait *wait) {
    if (kerberos->keytab[0])
        wait_until(wait, kerberos->next_at);
}

void kerberos_step(struct kerberos *kerberos, int64_t now) {
    struct error ignored;
    if (!kerberos->keytab[0] || now < kerberos->next_at)
        return;
    const char *argv[] = {"kinit", "-k", "-t", kerberos->keytab, "-c", kerberos->fresh, kerberos->principal, NULL};
    kerberos->asked_at = now;
    kerberos->began_at = kerberos->began_at ? kerberos->began_at : now;
    kerberos->next_at = INT64_MAX;
    if (helpers_start(kerberos->helpers, argv, kerberos->env->items, KINIT_MS, on_kinit, kerberos, &ignored) < 0)
        kerberos->next_at = now + RETRY_MIN_MS;
}

void kerberos_close(struct kerberos *kerberos) {
    if (!kerberos->keytab[0])
        return;
    unlink(kerberos->cache);
    unlink(kerberos->fresh);
}
