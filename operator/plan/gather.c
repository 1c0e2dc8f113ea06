/* Who is there: one node for each task that the spec, the recorded status or a pod names, with its pods in the order of
 * attempts. A pod whose UID is recorded belongs to that task whatever its labels say by now. Relies on nothing being
 * sorted or unique; decides nothing. */

#include "plan/pass.h"

#include "base/hash.h"

static void make_slots(struct pass *pass, size_t most) {
    size_t room = 16;
    while (room < most * 2)
        room *= 2;
    pass->slots = ARENA_NEW_ARRAY(pass->arena, room, struct node *);
    pass->owners = ARENA_NEW_ARRAY(pass->arena, room, struct node *);
    pass->slot_mask = room - 1;
    pass->nodes = ARENA_NEW_ARRAY(pass->arena, most + 1, struct node *);
}

static struct node *find_or_add(struct pass *pass, const char *name) {
    size_t slot = (size_t)hash_text(HASH_INIT, name) & pass->slot_mask;
    while (pass->slots[slot] != NULL && !text_equal(pass->slots[slot]->name, name))
        slot = (slot + 1) & pass->slot_mask;
    if (pass->slots[slot] == NULL) {
        struct node *node = ARENA_NEW(pass->arena, struct node);
        node->name = name;
        node->status = (struct task_status){.name = name, .percent = -1};
        pass->slots[slot] = pass->nodes[pass->node_count++] = node;
    }
    return pass->slots[slot];
}

/* Where the node stands that has recorded this pod, or the empty place for it. */
static struct node **owner_slot(const struct pass *pass, const char *pod_uid) {
    size_t slot = (size_t)hash_text(HASH_INIT, pod_uid) & pass->slot_mask;
    while (pass->owners[slot] != NULL && !text_equal(pass->owners[slot]->recorded->pod_uid, pod_uid))
        slot = (slot + 1) & pass->slot_mask;
    return &pass->owners[slot];
}

bool gather_owned(const struct pass *pass, const char *pod_uid) {
    return !text_empty(pod_uid) && *owner_slot(pass, pod_uid) != NULL;
}

static int64_t attempt_of(const struct node *node, const struct pod_view *pod) {
    const struct task_status *recorded = node->recorded;
    if (recorded != NULL && recorded->attempt > 0 && !text_empty(pod->uid) && text_equal(recorded->pod_uid, pod->uid))
        return recorded->attempt;
    return pod->attempt > 0 ? pod->attempt : 1;
}

static bool comes_before(const struct node_pod *a, const struct node_pod *b) {
    if (a->attempt != b->attempt)
        return a->attempt < b->attempt;
    return a->view->created_at < b->view->created_at;
}

static void add_pod(struct pass *pass, const struct pod_view *view) {
    struct node *owner = text_empty(view->uid) ? NULL : *owner_slot(pass, view->uid);
    if (owner == NULL && text_empty(view->task))
        return;
    struct node *node = owner != NULL ? owner : find_or_add(pass, view->task);
    struct node_pod *pod = ARENA_NEW(pass->arena, struct node_pod);
    *pod = (struct node_pod){.view = view, .attempt = attempt_of(node, view)};
    struct node_pod **place = &node->pods;
    while (*place != NULL && comes_before(*place, pod))
        place = &(*place)->next;
    pod->next = *place;
    *place = pod;
}

static bool cleans_before(const struct pod_view *a, const struct pod_view *b) {
    return a->attempt != b->attempt ? a->attempt < b->attempt : a->turn < b->turn;
}

static void add_cleaner(struct pass *pass, const struct pod_view *view) {
    if (text_empty(view->task))
        return;
    struct node_pod **place = &find_or_add(pass, view->task)->cleaners;
    while (*place != NULL && cleans_before((*place)->view, view))
        place = &(*place)->next;
    struct node_pod *pod = ARENA_NEW(pass->arena, struct node_pod);
    *pod = (struct node_pod){.view = view, .attempt = view->attempt, .next = *place};
    *place = pod;
}

/* The one that an attempt counts by: the recorded one; else the one with the name that we give; else the oldest. */
static const struct node_pod *choose(const struct pass *pass, const struct node *node, const struct node_pod *first) {
    const struct run *run = pass->run;
    const struct task_status *recorded = node->recorded;
    const char *name = names_pod(run->name, run->uid, node->name, first->attempt, pass->arena);
    const struct node_pod *chosen = NULL;
    for (const struct node_pod *pod = first; pod != NULL && pod->attempt == first->attempt; pod = pod->next) {
        if (recorded != NULL && !text_empty(recorded->pod_uid) && text_equal(recorded->pod_uid, pod->view->uid))
            return pod;
        if (chosen == NULL && text_equal(pod->view->name, name))
            chosen = pod;
    }
    return chosen != NULL ? chosen : first;
}

static void mark_surplus(const struct pass *pass, struct node *node) {
    for (struct node_pod *pod = node->pods; pod != NULL; pod = pod->next) {
        if (pod->next == NULL || pod->next->attempt != pod->attempt)
            continue;
        const struct node_pod *chosen = choose(pass, node, pod);
        int64_t attempt = pod->attempt;
        for (; pod->next != NULL && pod->next->attempt == attempt; pod = pod->next)
            pod->surplus = pod != chosen;
        pod->surplus = pod != chosen;
    }
}

static void add_recorded(struct pass *pass, struct task_status *recorded) {
    if (text_empty(recorded->name))
        return;
    struct node *node = find_or_add(pass, recorded->name);
    if (node->recorded != NULL)
        return;
    node->recorded = recorded;
    node->status = *recorded;
    node->status.name = node->name;
    node->reborn = recorded->removed && node->task != NULL;
    if (node->reborn) /* its attempts are counted on */
        node->status = (struct task_status){.name = node->name, .attempt = recorded->attempt, .percent = -1};
    if (node->reborn && recorded->cleanup.phase == CLEANUP_Pending)
        node->status.cleanup = (struct cleanup_status){CLEANUP_Pending, recorded->cleanup.message, 0};
    if (!text_empty(recorded->pod_uid))
        *owner_slot(pass, recorded->pod_uid) = node;
}

static void add_notes(struct pass *pass) {
    const struct run *run = pass->run;
    for (size_t i = 0; i < run->failure_count; i++)
        find_or_add(pass, run->failures[i].task)->failure = &run->failures[i];
    for (size_t i = 0; i < run->taken_count; i++)
        find_or_add(pass, run->taken[i].task)->taken = run->taken[i].attempt;
    for (size_t i = 0; i < run->creating_count; i++)
        find_or_add(pass, run->creating[i].task)->creating = run->creating[i].attempt;
    for (size_t i = 0; i < run->cleaner_failure_count; i++)
        find_or_add(pass, run->cleaner_failures[i].task)->cleaner_failure = &run->cleaner_failures[i];
    for (size_t i = 0; i < run->cleaning_count; i++)
        find_or_add(pass, run->cleaning[i].task)->asked_cleaner = true;
}

void gather_nodes(struct pass *pass) {
    const struct run *run = pass->run;
    size_t spec_tasks = pass->spec != NULL ? pass->spec->task_count : 0;
    make_slots(pass, spec_tasks + run->recorded.task_count + run->pod_count + run->failure_count + run->taken_count +
                         run->creating_count + run->cleaner_failure_count + run->cleaning_count);
    for (size_t i = 0; i < spec_tasks; i++)
        find_or_add(pass, pass->spec->tasks[i].name)->task = &pass->spec->tasks[i];
    pass->spec_count = pass->node_count;
    for (size_t i = 0; i < run->recorded.task_count; i++)
        add_recorded(pass, &run->recorded.tasks[i]);
    for (size_t i = 0; i < run->pod_count; i++)
        if (run->pods[i].attempts)
            add_pod(pass, &run->pods[i]);
        else if (run->pods[i].cleans)
            add_cleaner(pass, &run->pods[i]);
    add_notes(pass);
    for (size_t i = 0; i < pass->node_count; i++) {
        mark_surplus(pass, pass->nodes[i]);
        pass->nodes[i]->removed = i >= pass->spec_count && pass->spec != NULL;
    }
}
