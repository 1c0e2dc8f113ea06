/* See reasons.h. Data and its look-up. Pure. */

#include "pipeline/reasons.h"

#include "base/text.h"

const struct reason reasons[REASON_COUNT] = {
#define X(id, end, by, patience, sentence) [REASON_##id] = {#id, end, by, patience, sentence},
    TASK_REASONS(X)
#undef X
};

const struct reason *reason_find(const char *name) {
    if (text_empty(name))
        return NULL;
    for (size_t i = 0; i < REASON_COUNT; i++)
        if (text_equal(reasons[i].name, name))
            return &reasons[i];
    return NULL;
}

bool reason_is(const char *name, enum reason_id id) {
    return text_equal(name, reasons[id].name);
}

bool reason_decided(const char *name) {
    const struct reason *reason = reason_find(name);
    return reason != NULL && reason->by == BY_PLAN && reason->end != END_NONE;
}
