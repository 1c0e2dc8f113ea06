#pragma once

/* A site with a route of every kind, and what the tests of it share: the child that serves it, and short words for
 * asking it. */

#include "web/support_child.h"
#include "web/support_client.h"

enum {
    SITE_BIG = 3 * 1024 * 1024,
    SITE_BODY_MAX = 16 * 1024,
    SITE_LATE_MS = 100,
    SITE_DEADLINE_MS = 700,
    SITE_KEEPALIVE_S = 2,
    SITE_CONNECTIONS = 12,
    SITE_EACH = 8,       /* of one address */
    PATIENCE_MS = 20000, /* with a busy machine */
};

extern const struct web_config site_config; /* without a loop */
extern const struct child_parts site_parts;
extern struct child site;
#define SITE_PORT (site.ports[WEB_PLAIN])

int site_start(void **state); /* fixtures of a group */
int site_stop(void **state);

struct reply ask(struct peer *peer, const char *method, const char *path);
/* Asks, and checks the status and that the body contains `part` (when not NULL). */
void expect(struct peer *peer, const char *method, const char *path, int status, const char *part);
void expect_reply(struct peer *peer, int status, const char *body); /* reads; the body may be NULL */
int drops(void);                                                    /* handlers that were told of a drop so far */
void expect_drops(int count);                                       /* come to be that many soon */

double seconds(void);
void pause_ms(long ms);
