/* See memory.h. A hash of runs by UID, each with short lists: they only grow when something went wrong. */

#include "controller/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash_table.h"

enum note_type { NOTE_GONE, NOTE_COLLISION, NOTE_REFUSAL };

struct note {
    enum note_type type;
    int64_t generation;
    char *name, *text;
    struct note *next;
};

struct run_memory {
    char *uid;
    int64_t recorded_at;
    struct note *notes;
    UT_hash_handle hh;
};

struct memory {
    struct run_memory *runs;
};

static void *checked(void *memory) {
    if (memory == NULL)
        abort();
    return memory;
}

struct memory *memory_new(void) {
    return checked(calloc(1, sizeof(struct memory)));
}

static struct run_memory *find(const struct memory *memory, const char *uid) {
    struct run_memory *run = NULL;
    HASH_FIND_STR(memory->runs, uid, run);
    return run;
}

static struct run_memory *want(struct memory *memory, const char *uid) {
    struct run_memory *run = find(memory, uid);
    if (run != NULL)
        return run;
    run = checked(calloc(1, sizeof *run));
    run->uid = checked(strdup(uid));
    HASH_ADD_KEYPTR(hh, memory->runs, run->uid, strlen(run->uid), run);
    return run;
}

static void add(struct run_memory *run, enum note_type type, int64_t generation, const char *name, const char *text) {
    for (const struct note *note = run->notes; note != NULL; note = note->next) {
        if (note->type == type && note->generation == generation && strcmp(note->name, name) == 0)
            return;
    }
    struct note *note = checked(calloc(1, sizeof *note));
    *note = (struct note){.type = type, .generation = generation, .next = run->notes};
    note->name = checked(strdup(name));
    note->text = text == NULL ? NULL : checked(strdup(text));
    run->notes = note;
}

void memory_gone(struct memory *memory, const char *run_uid, const char *pod_uid) {
    add(want(memory, run_uid), NOTE_GONE, 0, pod_uid, NULL);
}

void memory_collision(struct memory *memory, const char *run_uid, const char *pod) {
    add(want(memory, run_uid), NOTE_COLLISION, 0, pod, NULL);
}

void memory_refusal(struct memory *memory, const char *run_uid, int64_t generation, const char *task, const char *why) {
    add(want(memory, run_uid), NOTE_REFUSAL, generation, task, why);
}

void memory_recorded(struct memory *memory, const char *run_uid, int64_t now) {
    want(memory, run_uid)->recorded_at = now;
}

void memory_forget(struct memory *memory, const char *run_uid) {
    struct run_memory *run = find(memory, run_uid);
    if (run == NULL)
        return;
    HASH_DEL(memory->runs, run);
    for (struct note *note = run->notes, *next = NULL; note != NULL; note = next) {
        next = note->next;
        free(note->name);
        free(note->text);
        free(note);
    }
    free(run->uid);
    free(run);
}

void memory_free(struct memory *memory) {
    if (memory == NULL)
        return;
    while (memory->runs != NULL)
        memory_forget(memory, memory->runs->uid);
    free(memory);
}

void memory_fill(const struct memory *memory, struct run *run, struct arena *arena) {
    const struct run_memory *known = find(memory, run->uid);
    if (known == NULL)
        return;
    size_t count = 0;
    for (const struct note *note = known->notes; note != NULL; note = note->next)
        count++;
    run->recorded_at = known->recorded_at;
    run->gone.items = ARENA_NEW_ARRAY(arena, count, const char *);
    run->collisions.items = ARENA_NEW_ARRAY(arena, count, const char *);
    run->refusals.items = ARENA_NEW_ARRAY(arena, count, struct pair);
    for (const struct note *note = known->notes; note != NULL; note = note->next) {
        if (note->type == NOTE_GONE)
            run->gone.items[run->gone.count++] = arena_strdup(arena, note->name);
        else if (note->type == NOTE_COLLISION)
            run->collisions.items[run->collisions.count++] = arena_strdup(arena, note->name);
        else if (note->generation == run->generation)
            run->refusals.items[run->refusals.count++] =
                (struct pair){arena_strdup(arena, note->name), arena_strdup(arena, note->text)};
    }
}
