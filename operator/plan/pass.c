/* What every step of a pass needs: adding actions, texts, times. Allocates from the pass's arena only. */

#include "plan/pass.h"

#include <string.h>

static struct action *add(struct pass *pass, enum action_type type) {
    struct plan *plan = pass->plan;
    if (plan->count == pass->action_room) {
        size_t room = pass->action_room == 0 ? 16 : pass->action_room * 2;
        struct action *grown = ARENA_NEW_ARRAY(pass->arena, room, struct action);
        if (plan->count > 0)
            memcpy(grown, plan->actions, plan->count * sizeof *grown);
        plan->actions = grown;
        pass->action_room = room;
    }
    struct action *action = &plan->actions[plan->count++];
    *action = (struct action){.type = type};
    return action;
}

struct action *pass_act(struct pass *pass, enum action_type type, const char *format, ...) {
    struct action *action = add(pass, type);
    va_list args;
    va_start(args, format);
    action->reason = arena_vprintf(pass->arena, format, args);
    va_end(args);
    return action;
}

struct action *pass_act_pod(struct pass *pass, enum action_type type, const struct pod_view *pod, const char *reason) {
    struct action *action = add(pass, type);
    action->pod = pod->name;
    action->pod_uid = pod->uid;
    action->attempt = pod->attempt;
    action->reason = reason;
    return action;
}

void pass_event(struct pass *pass, bool warning, const char *event_reason, const char *format, ...) {
    struct action *action = add(pass, ACTION_EVENT);
    action->warning = warning;
    action->event_reason = event_reason;
    va_list args;
    va_start(args, format);
    action->reason = arena_vprintf(pass->arena, format, args);
    va_end(args);
}

void pass_wake(struct pass *pass, int64_t at) {
    if (at > pass->now && (pass->wake == 0 || at < pass->wake))
        pass->wake = at;
}

const char *pass_message(const struct pass *pass, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(pass->arena, format, args);
    va_end(args);
    return text_clean(text, strlen(text), STATUS_MESSAGE_MAX, pass->arena);
}

int64_t pass_seconds(int64_t ms) {
    return ms - ms % 1000;
}

int64_t pass_seconds_up(int64_t ms) {
    return pass_seconds(ms + 999);
}
