#pragma once

/* Where launchers connect to: the Service's IP and port, found by the operator so that a task image needs no working
 * resolver. The certificate is verified by name all the same. */

#include <uv.h>

struct address;

/* Resolves `host` now and every minute; until it is known, and when it cannot be resolved, the text is HOST:PORT
 * itself. `fixed` (IP:PORT) is taken as it is when not NULL. `changed` is called when the text is another one. */
struct address *address_new(uv_loop_t *loop, const char *host, int port, const char *fixed, void (*changed)(void *arg),
                            void *arg);
const char *address_text(const struct address *address); /* valid until `changed` */
void address_stop(struct address *address);              /* closes; freed as the loop turns; takes NULL */
