/* See sm.h. Pure, apart from the text that sm_check() returns, which holds until its next call. */

#include "base/sm.h"

#include <stdio.h>

enum { STATES_MAX = 32 };

bool sm_allows(const struct sm_state *table, unsigned from, unsigned to) {
    return from == to || (to < STATES_MAX && (table[from].next & SM_TO(to)) != 0);
}

static unsigned reachable(const struct sm_state *table, size_t count) {
    unsigned seen = 0;
    for (unsigned i = 0; i < count; i++)
        if (table[i].flags & SM_INITIAL)
            seen |= SM_TO(i);
    for (unsigned before = 0; before != seen;) {
        before = seen;
        for (unsigned i = 0; i < count; i++)
            if (before & SM_TO(i))
                seen |= table[i].next;
    }
    return seen;
}

static const char *check_state(const struct sm_state *state, size_t count) {
    if (count < STATES_MAX && state->next >> count != 0)
        return "may be followed by a state that is not in the table";
    if ((state->flags & SM_FINAL) && state->next != 0)
        return "is final but may be followed by another";
    if (!(state->flags & SM_FINAL) && state->next == 0)
        return "is not final but nothing may follow it";
    return NULL;
}

const char *sm_check(const struct sm_state *table, size_t count) {
    static char text[128];
    if (count == 0 || count > STATES_MAX)
        return "a table has 1 to 32 states";
    unsigned seen = reachable(table, count);
    if (seen == 0)
        return "no state is initial";
    for (unsigned i = 0; i < count; i++) {
        if (table[i].name == NULL)
            return "a state has no name";
        const char *problem = check_state(&table[i], count);
        if (problem == NULL && !(seen & SM_TO(i)))
            problem = "cannot be reached";
        if (problem != NULL) {
            snprintf(text, sizeof text, "%.48s %s", table[i].name, problem);
            return text;
        }
    }
    return NULL;
}
