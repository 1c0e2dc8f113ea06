/* See executor.h: executor_view(). Only the main container says how a task goes: sidecars that somebody injects may run
 * on for ever. What the launcher said counts for its own task and nothing else. Pure; trusts no text. */

#include "executor/view.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "pipeline/reasons.h"

enum { UNANSWERED_MS = 30 * 1000 }; /* a node that has not ended a pod this long after its grace does not answer */

const char *view_text(const struct evidence *evidence, enum pod_fact fact) {
    const char *text = pod_fact(evidence->facts, fact);
    return text_clean(text, strlen(text), STATUS_MESSAGE_MAX, evidence->arena);
}

static void take(const char **slot, const char *other) {
    if (text_empty(*slot))
        *slot = text_empty(other) ? "" : other;
}

/* What the final record left out for lack of room may stand in the report before it. */
static void complete(struct record *record, const struct record *report) {
    take(&record->application_id, report->application_id);
    take(&record->tracking_url, report->tracking_url);
    take(&record->history_url, report->history_url);
    take(&record->progress_text, report->progress_text);
    if (record->percent < 0)
        record->percent = report->percent;
    if (record->started_at == 0)
        record->started_at = report->started_at;
    if (record->application_count < report->application_count) {
        memcpy(record->application_ids, report->application_ids, sizeof record->application_ids);
        record->application_count = report->application_count;
    }
    if (record->job_count == 0) {
        memcpy(record->job_ids, report->job_ids, sizeof record->job_ids);
        record->job_count = report->job_count;
    }
}

static struct record best_record(const struct pod_facts *facts, const struct record *report, struct arena *arena) {
    static const struct record none = RECORD_INIT;
    struct record record = RECORD_INIT;
    struct error ignored = {0};
    const char *message = pod_fact(facts, FACT_ENDED_MESSAGE);
    bool durable = message[0] == '{' && record_decode(message, strlen(message), &record, arena, &ignored) == 0;
    if (!durable)
        record = report != NULL ? *report : none;
    complete(&record, report != NULL ? report : &none);
    return record;
}

static void see_identity(const struct evidence *evidence, struct pod_view *view) {
    const struct pod_facts *facts = evidence->facts;
    const char *role = pod_fact(facts, FACT_ROLE);
    view->task = pod_fact(facts, FACT_TASK);
    view->attempt = facts->attempt;
    view->attempts = text_empty(role) || text_equal(role, ROLE_LAUNCHER);
    view->cleans = text_equal(role, ROLE_CLEANER);
    view->turn = facts->turn > 0 ? facts->turn : 1;
    view->hash = pod_fact(facts, FACT_HASH);
    view->deleting = facts->deletion_at != 0;
    view->held = facts->held;
    view->done = facts->done;
    view->lingers = facts->lingers;
    view->created_at = facts->created_at;
    view->deleting_until = facts->deletion_at; /* the timestamp is when the grace period ends */
    if (view->deleting)
        view->deleting_since = facts->deletion_at - facts->grace_s * INT64_C(1000);
}

static const char *const *copy_ids(const char *const *ids, size_t count, struct arena *arena) {
    if (count == 0)
        return NULL;
    const char **copy = ARENA_NEW_ARRAY(arena, count, const char *);
    memcpy(copy, ids, count * sizeof *copy);
    return copy;
}

static void see_record(const struct evidence *evidence, struct pod_view *view) {
    const struct record *record = &evidence->record;
    view->application_id = record->application_id;
    view->tracking_url = record->tracking_url;
    view->history_url = record->history_url;
    view->percent = record->percent;
    view->progress_text = record->progress_text;
    view->application_count = record->application_count;
    view->application_ids = copy_ids(record->application_ids, record->application_count, evidence->arena);
    view->job_count = record->job_count;
    view->job_ids = copy_ids(record->job_ids, record->job_count, evidence->arena);
    view->remains = record->remains != NULL ? record->remains : "";
}

/* Of a pod whose node is gone, nobody can say that its container was not started. */
static bool may_have_run(const struct evidence *evidence) {
    const struct pod_facts *facts = evidence->facts;
    bool started = facts->main == MAIN_RUNNING || (facts->main == MAIN_TERMINATED && facts->started_at != 0);
    bool forced = facts->deletion_at != 0 && facts->grace_s == 0;
    bool unseen = facts->main == MAIN_NONE && facts->scheduled && !facts->init_failed && (forced || facts->disrupted);
    return started || unseen || evidence->record.seq > 0;
}

static void see_remote(const struct evidence *evidence, struct pod_view *view) {
    const struct record *record = &evidence->record;
    view->remote = view->attempts ? view_text(evidence, FACT_REMOTE) : "";
    view->ran = may_have_run(evidence);
    view->clear = record->final && text_empty(record->remains) && !reason_is(record->reason, REASON_RemoteUnknown);
}

/* Since when its node does not answer for it; 0: it does. */
static int64_t unreachable_since(const struct evidence *evidence) {
    const struct pod_facts *facts = evidence->facts;
    bool unanswered = facts->deletion_at != 0 && evidence->now >= facts->deletion_at + UNANSWERED_MS;
    return facts->unready_since != 0 ? facts->unready_since : unanswered ? facts->deletion_at : 0;
}

static void see_node(const struct evidence *evidence, struct pod_view *view) {
    char since[CLOCK_TEXT_MAX];
    int64_t unreachable = evidence->facts->scheduled ? unreachable_since(evidence) : 0;
    if (unreachable == 0)
        return;
    clock_format(unreachable, since);
    view->reason = REASON(NodeUnreachable);
    view->message =
        arena_printf(evidence->arena,
                     "its node has not answered since %s: when it is gone for good, delete the node, or the "
                     "pod with kubectl delete pod --force, and the task goes on elsewhere",
                     since);
}

void executor_view(const struct pod_facts *facts, const struct record *report, int64_t now, struct arena *arena,
                   struct pod_view *ret_view) {
    const struct evidence evidence = {
        .facts = facts, .record = best_record(facts, report, arena), .now = now, .arena = arena};
    *ret_view = (struct pod_view){.reason = "", .message = ""};
    see_identity(&evidence, ret_view);
    see_record(&evidence, ret_view);
    see_remote(&evidence, ret_view);
    if (view_ended(&evidence)) {
        ret_view->started_at = facts->main == MAIN_TERMINATED ? facts->started_at : 0;
        ret_view->finished_at = facts->finished_at;
        view_outcome(&evidence, ret_view);
    } else if (facts->main == MAIN_RUNNING) {
        ret_view->state = POD_RUNNING;
        ret_view->started_at = facts->started_at;
        see_node(&evidence, ret_view);
    } else {
        ret_view->state = POD_PENDING;
        view_pending(&evidence, ret_view);
        see_node(&evidence, ret_view);
    }
    ret_view->reason = text_clean(ret_view->reason, strlen(ret_view->reason), STATUS_NAME_MAX, arena);
    ret_view->message = text_clean(ret_view->message, strlen(ret_view->message), STATUS_MESSAGE_MAX, arena);
}
