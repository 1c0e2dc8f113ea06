#pragma once

/* The endpoint's key and certificate, and the bundle of CAs that launchers verify them with, in one Secret of the
 * operator's namespace (Opaque: ca.crt, ca.key, tls.crt, tls.key; PEM).
 *
 * Read every few minutes by every replica; made and renewed by the leader, with a resource version as precondition.
 * When what: pki.h. Needs get and update on that one Secret, and create. Keys are never logged. */

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "base/error.h"
#include "kube/api.h"
#include "web/server.h"

struct certificate_config {
    struct kube_api *kube;
    uv_loop_t *loop;
    struct web_server *server; /* gets each new certificate; outlives this until certificate_stop() */
    const char *namespace, *secret;
    const char *const *names; /* NULL-terminated: DNS names and IP addresses; the first is the one launchers verify */
    bool (*leads)(void *arg); /* may this replica write? */
    /* The bundle is there or has changed: certificate_bundle(). May be NULL. */
    void (*changed)(void *arg);
    void *arg;
};

struct certificate;

/* Copies the texts of the config. Begins at once; keeps a timer on the loop. */
struct certificate *certificate_new(const struct certificate_config *config);
void certificate_stop(struct certificate *certificate); /* cancels what is pending; takes NULL */
void certificate_free(struct certificate *certificate); /* when uv_run() has returned; takes NULL */

/* Look now: on becoming leader. No-op while a look is on its way. */
void certificate_check(struct certificate *certificate);

/* PEM, for launch_config.report_ca; NULL until known: no launcher can be started before. Valid until `changed`. */
const char *certificate_bundle(const struct certificate *certificate);
