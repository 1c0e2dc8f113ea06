#pragma once

/* A Kerberos ticket for the task and for what is asked on its behalf: got with the keytab of a mounted Secret (files
 * `principal`, `keytab`, perhaps `krb5.conf`) by the image's kinit, and got anew at half of its life, in a cache of the
 * pod's own that KRB5CCNAME names: it is replaced whole, so that who reads it always finds a ticket. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "remote/environment.h"
#include "remote/helpers.h"

enum kerberos_state { KERBEROS_NONE, KERBEROS_ASKING, KERBEROS_READY, KERBEROS_FAILED };

struct kerberos {
    struct helpers *helpers;
    enum kerberos_state state;
    char keytab[512], principal[256], config[512]; /* config "": the image's */
    char cache[128], fresh[128];                   /* paths; kinit writes the second, which becomes the first */
    struct environment *env;
    int64_t began_at, next_at, asked_at, renew_ms;
    struct error err; /* FAILED: why */
};

/* `directory` NULL: no Kerberos. `env`, of the task and of helpers, gets KRB5CCNAME, and what names krb5.conf. */
int kerberos_open(struct kerberos *kerberos, const char *directory, struct environment *env, struct helpers *helpers,
                  struct error *err);
bool kerberos_settled(const struct kerberos *kerberos); /* nothing to wait for before the task starts */
void kerberos_wait(const struct kerberos *kerberos, struct wait *wait);
void kerberos_step(struct kerberos *kerberos, int64_t now);
void kerberos_close(struct kerberos *kerberos); /* removes the cache */
