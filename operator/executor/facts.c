/* See facts.h. Relies on the API server's objects having the shape of core/v1 and on nothing else; what is malformed
 * counts as absent. Pure but for its one allocation. */

#include "executor/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "executor/launcher_option.h"
#include "executor/overlay.h"
#include "pipeline/names.h"
#include "pipeline/reasons.h"

enum {
    TEXT_KEPT_MAX = 2048,                  /* of one text, but for the record */
    RECORD_KEPT_MAX = 8192,                /* a container's termination message has 4096 (core/v1) */
    GRACE_BELIEVED_S = 1000 * 1000 * 1000, /* the API server takes any number */
};

struct texts {
    const char *text[FACT_COUNT];
    size_t length[FACT_COUNT];
};

static void take(struct texts *texts, enum pod_fact fact, yyjson_val *object, const char *name) {
    size_t max = fact == FACT_ENDED_MESSAGE ? RECORD_KEPT_MAX : TEXT_KEPT_MAX;
    yyjson_val *value = yyjson_obj_get(object, name);
    if (!yyjson_is_str(value))
        return;
    size_t length = yyjson_get_len(value);
    texts->text[fact] = yyjson_get_str(value);
    texts->length[fact] = strnlen(texts->text[fact], length < max ? length : max);
}

static void take_text(struct texts *texts, enum pod_fact fact, const char *text) {
    texts->text[fact] = text;
    texts->length[fact] = strlen(text);
}

/* The entry of a list of objects whose `key` is `name`; NULL. */
static yyjson_val *find(yyjson_val *list, const char *key, const char *name) {
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr(list))
        return NULL;
    yyjson_arr_foreach(list, i, count, item) {
        if (text_equal(json_text(item, key, NULL), name))
            return item;
    }
    return NULL;
}

static int32_t number_of(const char *text) {
    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text) || strlen(text) > 9)
        return 0;
    return (int32_t)strtol(text, NULL, 10);
}

/* A Pipeline that controls it. */
static yyjson_val *owner_of(yyjson_val *metadata) {
    size_t i, count;
    yyjson_val *owner;
    yyjson_val *list = yyjson_obj_get(metadata, "ownerReferences");
    if (!yyjson_is_arr(list))
        return NULL;
    yyjson_arr_foreach(list, i, count, owner) {
        if (json_bool(owner, "controller", false) && text_equal(json_text(owner, "kind", NULL), "Pipeline") &&
            text_starts_with(json_text(owner, "apiVersion", ""), WEIR_GROUP "/"))
            return owner;
    }
    return NULL;
}

static void see_metadata(yyjson_val *pod, struct pod_facts *facts, struct texts *texts) {
    yyjson_val *metadata = yyjson_obj_get(pod, "metadata");
    yyjson_val *labels = yyjson_obj_get(metadata, "labels");
    take(texts, FACT_PIPELINE, labels, LABEL_PIPELINE);
    take(texts, FACT_RUN, labels, LABEL_RUN);
    take(texts, FACT_TASK, labels, LABEL_TASK);
    take(texts, FACT_ROLE, labels, LABEL_ROLE);
    take(texts, FACT_HASH, yyjson_obj_get(metadata, "annotations"), ANNOTATION_SPEC_HASH);
    take(texts, FACT_OWNER, owner_of(metadata), "uid");
    facts->attempt = number_of(json_text(labels, LABEL_ATTEMPT, ""));
    facts->turn = number_of(json_text(labels, LABEL_TURN, ""));
    facts->held = json_lists(metadata, "finalizers", FINALIZER_RESULT);
    facts->done = yyjson_obj_get(labels, LABEL_DONE) != NULL;
    facts->created_at = json_time(metadata, "creationTimestamp");
    facts->deletion_at = json_time(metadata, "deletionTimestamp");
    int64_t grace = json_int(metadata, "deletionGracePeriodSeconds", 0);
    facts->grace_s = grace < 0 || grace > GRACE_BELIEVED_S ? 0 : (int32_t)grace;
}

static void see_conditions(yyjson_val *status, struct pod_facts *facts, struct texts *texts) {
    yyjson_val *list = yyjson_obj_get(status, "conditions");
    yyjson_val *disruption = find(list, "type", "DisruptionTarget");
    yyjson_val *scheduled = find(list, "type", "PodScheduled");
    yyjson_val *ready = find(list, "type", "Ready");
    if (text_equal(json_text(disruption, "status", NULL), "True")) {
        facts->disrupted = true;
        take(texts, FACT_DISRUPTION, disruption, "reason");
        take(texts, FACT_DISRUPTION_MESSAGE, disruption, "message");
    }
    if (text_equal(json_text(scheduled, "status", NULL), "False")) {
        take(texts, FACT_UNSCHEDULED, scheduled, "reason");
        take(texts, FACT_UNSCHEDULED_MESSAGE, scheduled, "message");
    }
    /* The kubelet says both or none; only the node controller takes Ready alone back, when the node does not answer. */
    bool containers_ready = text_equal(json_text(find(list, "type", "ContainersReady"), "status", NULL), "True");
    if (containers_ready && text_equal(json_text(ready, "status", NULL), "False"))
        facts->unready_since = json_time(ready, "lastTransitionTime");
}

static const char *memory_limit(yyjson_val *containers, const char *name) {
    return json_text(json_at(find(containers, "name", name), "resources", "limits", NULL), "memory", "");
}

/* What of a container's state holds the pod back; others are on their way (ContainerCreating, PodInitializing). */
static bool see_waiting(yyjson_val *container, struct texts *texts) {
    yyjson_val *waiting = json_at(container, "state", "waiting", NULL);
    const char *seen = json_text(waiting, "reason", "");
    const struct reason *known = reason_find(text_equal(seen, "ErrImagePull") ? REASON(ImagePullBackOff) : seen);
    if (known == NULL)
        return false;
    take(texts, FACT_WAITING, container, "name");
    take_text(texts, FACT_WAITING_REASON, known->name);
    take(texts, FACT_WAITING_MESSAGE, waiting, "message");
    return true;
}

static void see_init(yyjson_val *pod, yyjson_val *container, struct pod_facts *facts, struct texts *texts) {
    yyjson_val *ended = json_at(container, "state", "terminated", NULL);
    if (facts->init_failed || json_int(ended, "exitCode", 0) == 0)
        return;
    facts->init_failed = true;
    facts->init_exit_code = (int32_t)json_int(ended, "exitCode", 0);
    facts->init_started_at = json_time(ended, "startedAt");
    facts->init_finished_at = json_time(ended, "finishedAt");
    take(texts, FACT_INIT, container, "name");
    take(texts, FACT_INIT_REASON, ended, "reason");
    take(texts, FACT_INIT_MESSAGE, ended, "message");
    yyjson_val *containers = json_at(pod, "spec", "initContainers", NULL);
    take_text(texts, FACT_INIT_MEMORY, memory_limit(containers, json_text(container, "name", "")));
}

static void see_main(yyjson_val *pod, yyjson_val *container, struct pod_facts *facts, struct texts *texts) {
    yyjson_val *running = json_at(container, "state", "running", NULL);
    yyjson_val *ended = json_at(container, "state", "terminated", NULL);
    yyjson_val *containers = json_at(pod, "spec", "containers", NULL);
    size_t at = 0;
    const char *remote =
        launcher_option(yyjson_obj_get(find(containers, "name", MAIN_CONTAINER), "command"), "--remote", &at);
    if (remote != NULL && strlen(remote) < TEXT_KEPT_MAX)
        take_text(texts, FACT_REMOTE, remote);
    take_text(texts, FACT_MEMORY, memory_limit(containers, MAIN_CONTAINER));
    facts->main = ended != NULL ? MAIN_TERMINATED : running != NULL ? MAIN_RUNNING : MAIN_NONE;
    facts->started_at = json_time(ended != NULL ? ended : running, "startedAt");
    facts->finished_at = json_time(ended, "finishedAt");
    facts->exit_code = (int32_t)json_int(ended, "exitCode", 0);
    take(texts, FACT_ENDED_REASON, ended, "reason");
    take(texts, FACT_ENDED_MESSAGE, ended, "message");
}

static void see_containers(yyjson_val *pod, yyjson_val *status, struct pod_facts *facts, struct texts *texts) {
    yyjson_val *inits = yyjson_obj_get(status, "initContainerStatuses");
    yyjson_val *containers = yyjson_obj_get(status, "containerStatuses");
    yyjson_val *main = find(containers, "name", MAIN_CONTAINER);
    bool waits = false;
    size_t i, count;
    yyjson_val *container;
    see_main(pod, main, facts, texts);
    if (yyjson_is_arr(inits))
        yyjson_arr_foreach(inits, i, count, container) {
            see_init(pod, container, facts, texts);
            waits = waits || see_waiting(container, texts);
        }
    if (!waits)
        see_waiting(main, texts);
    if (yyjson_is_arr(containers))
        yyjson_arr_foreach(containers, i, count, container) {
            bool runs = json_at(container, "state", "running", NULL) != NULL;
            facts->lingers = facts->lingers || (runs && facts->main == MAIN_TERMINATED);
        }
}

static enum pod_phase phase_of(yyjson_val *status) {
    static const char *const names[] = {"Pending", "Running", "Succeeded", "Failed"};
    const char *phase = json_text(status, "phase", "");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_equal(names[i], phase))
            return (enum pod_phase)i;
    return PHASE_Pending;
}

/* One block: the facts, and behind them the texts that are there. Offset 0 is "". */
static struct pod_facts *pack(const struct pod_facts *seen, const struct texts *texts) {
    size_t size = 1;
    for (size_t i = 0; i < FACT_COUNT; i++)
        size += texts->length[i] > 0 ? texts->length[i] + 1 : 0;
    struct pod_facts *facts = malloc(sizeof *facts + size);
    if (facts == NULL)
        abort();
    *facts = *seen;
    facts->size = (uint32_t)(sizeof *facts + size);
    facts->texts[0] = '\0';
    size_t next = 1;
    for (size_t i = 0; i < FACT_COUNT; i++) {
        size_t length = texts->length[i];
        if (length == 0)
            continue;
        facts->at[i] = (uint16_t)next;
        memcpy(facts->texts + next, texts->text[i], length);
        facts->texts[next + length] = '\0';
        next += length + 1;
    }
    return facts;
}

_Static_assert(FACT_COUNT *(TEXT_KEPT_MAX + 1) + RECORD_KEPT_MAX < UINT16_MAX, "offsets must fit");

struct pod_facts *pod_facts_new(yyjson_val *pod) {
    struct pod_facts facts = {0};
    struct texts texts = {0};
    yyjson_val *status = yyjson_obj_get(pod, "status");
    see_metadata(pod, &facts, &texts);
    facts.phase = phase_of(status);
    facts.scheduled = !text_empty(json_text(yyjson_obj_get(pod, "spec"), "nodeName", NULL));
    take(&texts, FACT_REASON, status, "reason");
    take(&texts, FACT_MESSAGE, status, "message");
    see_conditions(status, &facts, &texts);
    see_containers(pod, status, &facts, &texts);
    return pack(&facts, &texts);
}

const char *pod_fact(const struct pod_facts *facts, enum pod_fact fact) {
    return facts->texts + facts->at[fact];
}

bool pod_facts_ended(const struct pod_facts *facts) {
    bool forced = facts->deletion_at != 0 && facts->grace_s == 0;
    return facts->phase == PHASE_Succeeded || facts->phase == PHASE_Failed || facts->main == MAIN_TERMINATED || forced;
}
