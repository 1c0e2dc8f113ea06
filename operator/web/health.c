/* See health.h. Renders what others know; keeps nothing, decides nothing. */

#include "web/health.h"

#include "base/metrics.h"

void health_live(void *arg, struct web_request *request) {
    (void)arg;
    web_answer_text(request, 200, "ok\n");
}

void health_ready(void *arg, struct web_request *request) {
    const struct health *health = arg;
    AUTO_STRBUF reasons = STRBUF_MAX(4096);
    if (health->ready(health->arg, &reasons)) {
        web_answer_text(request, 200, "ok\n");
        return;
    }
    web_answer(request, &(struct web_answer){.status = 503, .body = strbuf_text(&reasons), .length = reasons.length});
}

void health_metrics(void *arg, struct web_request *request) {
    (void)arg;
    AUTO_STRBUF text = STRBUF_INIT;
    metrics_render(&text);
    if (strbuf_failed(&text)) {
        web_answer_text(request, 503, "out of memory\n");
        return;
    }
    web_answer(request, &(struct web_answer){.status = 200,
                                             .type = "text/plain; version=0.0.4; charset=utf-8",
                                             .body = strbuf_text(&text),
                                             .length = text.length});
}
