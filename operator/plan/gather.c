/* Who is there: one node for each task that the spec, the recorded status or a pod names, with its pods in the order of
 * attempts. Relies on nothing being sorted or unique; decides nothing. */

#include "plan/pass.h"

#include "base/hash.h"

static void make_slots(struct pass *pass, size_t most) {
    size_t room = 16;
    while (room < most * 2)
        room *= 2;
    pass->slots = ARENA_NEW_ARRAY(pass->arena, room, struct node *);
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
    struct node *node = find_or_add(pass, view->task);
    struct node_pod *pod = ARENA_NEW(pass->arena, struct node_pod);
    *pod = (struct node_pod){.view = view, .attempt = attempt_of(node, view)};
    struct node_pod **place = &node->pods;
    while (*place != NULL && comes_before(*place, pod))
        place = &(*place)->next;
    pod->next = *place;
    *place = pod;
}

void gather_nodes(struct pass *pass) {
    const struct run *run = pass->run;
    size_t spec_tasks = pass->spec != NULL ? pass->spec->task_count : 0;
    make_slots(pass, spec_tasks + run->recorded.task_count + run->pod_count);
    for (size_t i = 0; i < spec_tasks; i++)
        find_or_add(pass, pass->spec->tasks[i].name)->task = &pass->spec->tasks[i];
    pass->spec_count = pass->node_count;
    for (size_t i = 0; i < run->recorded.task_count; i++) {
        struct task_status *recorded = &run->recorded.tasks[i];
        if (text_empty(recorded->name))
            continue;
        struct node *node = find_or_add(pass, recorded->name);
        if (node->recorded == NULL) {
            node->recorded = recorded;
            node->status = *recorded;
            node->status.name = node->name;
        }
    }
    for (size_t i = 0; i < run->pod_count; i++)
        if (!text_empty(run->pods[i].task))
            add_pod(pass, &run->pods[i]);
    for (size_t i = pass->spec_count; i < pass->node_count; i++)
        pass->nodes[i]->removed = pass->spec != NULL;
}
