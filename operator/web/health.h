#pragma once

/* What probes and Prometheus ask: handlers for the route table. */

#include <stdbool.h>

#include "base/strbuf.h"
#include "web/server.h"

struct health {
    /* May this replica be called ready? If not, the reasons are appended, one a line. */
    bool (*ready)(void *arg, struct strbuf *reasons);
    void *arg;
};

void health_live(void *arg, struct web_request *request);    /* /healthz: 200 while the loop turns; arg unused */
void health_ready(void *arg, struct web_request *request);   /* /readyz: 200, or 503 with reasons; arg: struct health */
void health_metrics(void *arg, struct web_request *request); /* /metrics: Prometheus text; arg unused */
