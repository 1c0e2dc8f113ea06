#pragma once

/* The credential that requests carry: as the config has it, or from its exec plugin, which is run in the background.
 *
 * - It is run when first asked for, again ahead of the credential's end, and after a 401. The old credential is used
 *   until the new one is there.
 * - After a failure, and when what it gave is refused or has no time to live, it is run again with back-off: 1 s
 * doubling to 60 s.
 * - Nothing here blocks, and no text quotes a secret. All times are boot ms. */

#include <uv.h>

#include "kube/config.h"

struct credentials;

/* The config outlives it. `seed`: of the jitter. `limit_ms`: a plugin that takes longer is killed. `ready` is called
 * from the loop when a plugin's credential has come. */
struct credentials *credentials_new(uv_loop_t *loop, struct kube_config *config, uint64_t seed, int64_t limit_ms,
                                    void (*ready)(void *arg), void *arg);
/* Kills a plugin that runs; memory goes as the loop turns. Takes NULL. */
void credentials_free(struct credentials *credentials);

/* 0: *ret_token is the bearer token, NULL when none is used, valid until the loop turns. 1: there is no credential yet;
 * `ready` will be called, and err says what is waited for. -1: there is none, err says why. */
int credentials_token(struct credentials *credentials, int64_t now, const char **ret_token, struct error *err);
/* A request that began at `began` was answered 401. */
void credentials_refused(struct credentials *credentials, int64_t began, int64_t now);
