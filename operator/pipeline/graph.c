/* See graph.h. Pure. Walks keep a stack of their own. */

#include "pipeline/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

struct entry {
    const char *name;
    size_t index;
};

static int compare_entries(const void *left, const void *right) {
    const struct entry *a = left;
    const struct entry *b = right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static int compare_name(const void *name, const void *entry) {
    return strcmp(name, ((const struct entry *)entry)->name);
}

struct index {
    struct entry *entries; /* by name */
    size_t count;
};

static struct index make_index(const struct pipeline *pipeline, struct arena *arena) {
    struct index index = {.entries = ARENA_NEW_ARRAY(arena, pipeline->task_count, struct entry)};
    for (size_t i = 0; i < pipeline->task_count; i++)
        if (pipeline->tasks[i].name != NULL)
            index.entries[index.count++] = (struct entry){.name = pipeline->tasks[i].name, .index = i};
    qsort(index.entries, index.count, sizeof *index.entries, compare_entries);
    return index;
}

static const struct entry *find(const struct index *index, const char *name) {
    if (index->count == 0)
        return NULL;
    return bsearch(name, index->entries, index->count, sizeof *index->entries, compare_name);
}

static void say_unknown(const struct index *index, const char *name, const char *path, struct problems *problems) {
    struct strings names = {.items = ARENA_NEW_ARRAY(problems->arena, index->count, const char *),
                            .count = index->count};
    for (size_t i = 0; i < index->count; i++)
        names.items[i] = index->entries[i].name;
    const char *nearest = problems->count < PROBLEMS_MAX ? text_nearest(name, &names) : NULL;
    if (nearest != NULL)
        problems_add(problems, path, "no task named \"%s\" (did you mean \"%s\"?)", name, nearest);
    else
        problems_add(problems, path, "no task named \"%s\"", name);
}

/* `last_user` says by task which task linked it last, so that naming it twice is seen without a search. */
static void link_task(struct pipeline *pipeline, size_t at, const struct index *index, size_t *last_user,
                      struct arena *arena, struct problems *problems) {
    struct task *task = &pipeline->tasks[at];
    task->upstream = ARENA_NEW_ARRAY(arena, task->depends_on.count, size_t);
    task->upstream_count = 0;
    for (size_t i = 0; i < task->depends_on.count; i++) {
        const char *name = task->depends_on.items[i];
        const struct entry *entry = find(index, name);
        const char *path = arena_printf(arena, "spec.tasks[%zu].dependsOn[%zu]", at, i);
        if (entry == NULL) {
            say_unknown(index, name, path, problems);
        } else if (entry->index == at) {
            problems_add(problems, path, "a task cannot depend on itself");
        } else if (last_user[entry->index] == at + 1) {
            problems_add(problems, path, "\"%s\" is named twice", name);
        } else {
            last_user[entry->index] = at + 1;
            task->upstream[task->upstream_count++] = entry->index;
        }
    }
}

enum colour { WHITE, ON_STACK, DONE };

struct step {
    size_t task;
    size_t next; /* which upstream comes next */
};

struct walk {
    const struct pipeline *pipeline;
    unsigned char *colour; /* enum colour by task */
    struct step *stack;
    size_t depth;
    size_t *order; /* filled from upstream to downstream */
    size_t done;
    struct problems *problems; /* NULL: the graph is known to be sound */
};

static void say_cycle(const struct walk *walk, size_t first) {
    if (walk->problems == NULL)
        return;
    size_t from = walk->depth; /* when nobody will read the path, there is none */
    while (walk->problems->count < PROBLEMS_MAX && walk->stack[from - 1].task != first)
        from--;
    AUTO_STRBUF path = STRBUF_INIT;
    for (size_t i = from - 1; i < walk->depth; i++)
        strbuf_printf(&path, "%s -> ", walk->pipeline->tasks[walk->stack[i].task].name);
    char place[64];
    snprintf(place, sizeof place, "spec.tasks[%zu].dependsOn", first);
    problems_add(walk->problems, place, "cycle: %s%s", strbuf_text(&path), walk->pipeline->tasks[first].name);
}

static void push(struct walk *walk, size_t task) {
    walk->colour[task] = ON_STACK;
    walk->stack[walk->depth++] = (struct step){.task = task};
}

static void visit(struct walk *walk, size_t root) {
    push(walk, root);
    while (walk->depth > 0) {
        struct step *top = &walk->stack[walk->depth - 1];
        const struct task *task = &walk->pipeline->tasks[top->task];
        if (top->next == task->upstream_count) {
            walk->colour[top->task] = DONE;
            walk->order[walk->done++] = top->task;
            walk->depth--;
            continue;
        }
        size_t upstream = task->upstream[top->next++];
        if (walk->colour[upstream] == WHITE)
            push(walk, upstream);
        else if (walk->colour[upstream] == ON_STACK)
            say_cycle(walk, upstream);
    }
}

static size_t *walk_all(const struct pipeline *pipeline, struct arena *arena, struct problems *problems) {
    struct walk walk = {
        .pipeline = pipeline,
        .colour = ARENA_NEW_ARRAY(arena, pipeline->task_count, unsigned char),
        .stack = ARENA_NEW_ARRAY(arena, pipeline->task_count, struct step),
        .order = ARENA_NEW_ARRAY(arena, pipeline->task_count, size_t),
        .problems = problems,
    };
    for (size_t i = 0; i < pipeline->task_count; i++)
        if (walk.colour[i] == WHITE)
            visit(&walk, i);
    return walk.order;
}

void graph_link(struct pipeline *pipeline, struct arena *arena, struct problems *problems) {
    struct index index = make_index(pipeline, arena);
    size_t *last_user = ARENA_NEW_ARRAY(arena, pipeline->task_count, size_t);
    for (size_t i = 0; i < pipeline->task_count; i++)
        link_task(pipeline, i, &index, last_user, arena, problems);
    walk_all(pipeline, arena, problems);
}

size_t *graph_order(const struct pipeline *pipeline, struct arena *arena) {
    return walk_all(pipeline, arena, NULL);
}
