/* Conditions in kstatus' meaning: Reconciling and Stalled are there to be False; Succeeded is the result. The time of
 * the last transition changes only with the status. */

#include "plan/pass.h"

void condition_set(struct pass *pass, int which, bool status, const char *reason, const char *message) {
    const struct condition *before = &pass->run->recorded.conditions[which];
    bool same = before->type != NULL && before->status == status && before->changed_at != 0;
    pass->plan->status.conditions[which] = (struct condition){
        .type = condition_types[which],
        .status = status,
        .reason = reason,
        .message = message,
        .changed_at = same ? before->changed_at : pass_seconds(pass->now),
        .observed_generation = pass->run->generation,
    };
}

void condition_clear(struct pass *pass, int which, const char *reason) {
    if (pass->run->recorded.conditions[which].type != NULL)
        condition_set(pass, which, false, reason, "");
}
