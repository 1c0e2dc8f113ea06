/* See view.h: why a pod has not started. None of this fails by itself; how long it may last stands with the reason
 * (pipeline/reasons.h). Pure. */

#include <string.h>

#include "base/text.h"
#include "executor/view.h"
#include "pipeline/reasons.h"

static const char run_as_root_hint[] =
    "the image runs as root: set pod.spec.securityContext.runAsUser to another user, or runAsNonRoot to false";

void view_pending(const struct evidence *evidence, struct pod_view *view) {
    const struct reason *waiting = reason_find(pod_fact(evidence->facts, FACT_WAITING_REASON));
    if (waiting == NULL) {
        view->reason = pod_fact(evidence->facts, FACT_UNSCHEDULED);
        view->message = view_text(evidence, FACT_UNSCHEDULED_MESSAGE);
        return;
    }
    const char *detail = view_text(evidence, FACT_WAITING_MESSAGE);
    const char *hint = strstr(detail, "runAsNonRoot") != NULL ? run_as_root_hint : waiting->sentence;
    view->reason = waiting->name;
    view->message = arena_printf(evidence->arena, "container %s: %s%s(%s)", pod_fact(evidence->facts, FACT_WAITING),
                                 detail, text_empty(detail) ? "" : " ", hint);
}
