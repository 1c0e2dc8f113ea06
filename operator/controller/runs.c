/* See runs.h. A hash of runs by UID, each with short lists: they only grow when something is under way or went wrong.
 */

#include "controller/runs.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "controller/object.h"
#include "controller/pace.h"

enum {
    REFUSED_FIRST_MS = 1000,
    REFUSED_MOST_MS = 30 * 1000,
    BUSY_FIRST_MS = 100,
    RUN_FIRST_MS = 50, /* between two creations of a run that is refused again and again */
    RUN_MOST_MS = 1000,
    LOOK_FIRST_MS = 1000,
    LOOK_MOST_MS = 60 * 1000,
};

/* Requests of one run that may be under way; the rest is asked for when these are answered. Letting pods go is in no
 * hurry, and while a run goes on the API server has better to do. */
static const size_t at_once[] = {
    [ASKED_CREATE] = 16, [ASKED_CLEAN] = 4, [ASKED_DELETE] = 32, [ASKED_RELEASE] = 4, [ASKED_LOOK] = 8};

enum note_type { NOTE_ASKED, NOTE_LOOK, NOTE_TAKEN, NOTE_COLLISION, NOTE_REFUSAL, NOTE_CLEANER_REFUSAL };

struct note {
    enum note_type type;
    enum asked asked;
    char *name;             /* pod UID, pod name or task */
    int64_t attempt;        /* ASKED_CREATE, TAKEN, REFUSAL */
    bool gone;              /* LOOK */
    bool hopeless;          /* CLEANER_REFUSAL */
    bool too_small;         /* CLEANER_REFUSAL */
    const char *reason;     /* REFUSAL: static */
    char *message;          /* REFUSAL */
    int64_t since;          /* REFUSAL, CLEANER_REFUSAL: boot ms of the first one of this attempt */
    int64_t generation;     /* REFUSAL */
    struct holdoff holdoff; /* LOOK, REFUSAL */
    struct note *next;
};

static void *checked(void *memory) {
    if (memory == NULL)
        abort();
    return memory;
}

/* --- runs --- */

struct run_state *runs_find(const struct runs *runs, const char *uid) {
    struct run_state *run = NULL;
    HASH_FIND_STR(runs->table, uid, run);
    return run;
}

struct run_state *runs_want(struct runs *runs, const char *uid) {
    struct run_state *run = runs_find(runs, uid);
    if (run != NULL)
        return run;
    run = checked(calloc(1, sizeof *run));
    run->uid = checked(strdup(uid));
    run->checked_generation = run->refused_generation = run->left_generation = -1;
    HASH_ADD_KEYPTR(hh, runs->table, run->uid, strlen(run->uid), run);
    return run;
}

static void free_note(struct note *note) {
    free(note->name);
    free(note->message);
    free(note);
}

static void drop_strays(struct run_state *run, bool (*which)(const struct stray *stray, const void *arg),
                        const void *arg) {
    for (struct stray **slot = &run->strays; *slot != NULL;) {
        struct stray *stray = *slot;
        if (!which(stray, arg)) {
            slot = &stray->next;
            continue;
        }
        *slot = stray->next;
        pod_object_free(stray->pod);
        free(stray->name);
        free(stray->uid);
        free(stray);
    }
}

static bool any_stray(const struct stray *stray, const void *arg) {
    (void)stray;
    (void)arg;
    return true;
}

/* One that has ended and is held is still to be let go; one that has not is looked for by its UID from now on. */
static bool stray_told(const struct stray *stray, const void *arg) {
    (void)arg;
    return stray->pod->facts->done || !pod_facts_ended(stray->pod->facts);
}

static bool stray_named(const struct stray *stray, const void *uid) {
    return strcmp(stray->uid, uid) == 0;
}

void run_drop_stray(struct run_state *run, const char *uid) {
    drop_strays(run, stray_named, uid);
}

void runs_forget(struct runs *runs, const char *uid) {
    struct run_state *run = runs_find(runs, uid);
    if (run == NULL)
        return;
    HASH_DEL(runs->table, run);
    runs->due_cost -= run->cost;
    specs_drop(&runs->specs, &run->spec);
    specs_drop(&runs->specs, &run->last_valid);
    drop_strays(run, any_stray, NULL);
    while (run->notes != NULL) {
        struct note *note = run->notes;
        run->notes = note->next;
        free_note(note);
    }
    free(run->refused);
    free(run->uid);
    free(run);
}

void runs_clear(struct runs *runs) {
    while (runs->table != NULL)
        runs_forget(runs, runs->table->uid);
}

void runs_due(struct runs *runs, struct run_state *run, bool due, int64_t now) {
    bool counts = due && run->write.until <= now; /* else it is no load */
    double cost = counts ? pace_cost_ms(run->status_bytes + (run->spec != NULL ? 2 * run->spec->bytes : 0)) : 0;
    runs->due_cost += cost - run->cost;
    run->cost = cost;
    run->changed_at = !due ? 0 : run->changed_at != 0 ? run->changed_at : now;
}

/* --- notes --- */

static struct note **find_slot(struct run_state *run, enum note_type type, const char *name) {
    struct note **slot = &run->notes;
    while (*slot != NULL && ((*slot)->type != type || strcmp((*slot)->name, name) != 0))
        slot = &(*slot)->next;
    return slot;
}

static struct note *want_note(struct run_state *run, enum note_type type, const char *name) {
    struct note **slot = find_slot(run, type, name);
    if (*slot != NULL)
        return *slot;
    struct note *note = checked(calloc(1, sizeof *note));
    note->type = type;
    note->name = checked(strdup(name));
    note->next = run->notes;
    return run->notes = note;
}

static void drop_note(struct note **slot) {
    struct note *note = *slot;
    if (note == NULL)
        return;
    *slot = note->next;
    free_note(note);
}

static struct note **find_asked(struct run_state *run, enum asked asked, const char *what) {
    struct note **slot = &run->notes;
    for (; *slot != NULL; slot = &(*slot)->next)
        if ((*slot)->type == NOTE_ASKED && (*slot)->asked == asked && strcmp((*slot)->name, what) == 0)
            break;
    return slot;
}

bool run_asked(const struct run_state *run, enum asked asked, const char *what) {
    for (const struct note *note = run->notes; note != NULL; note = note->next)
        if (note->type == NOTE_ASKED && note->asked == asked && strcmp(note->name, what) == 0)
            return true;
    return false;
}

bool run_asks(const struct run_state *run) {
    size_t count = 0;
    for (int asked = 0; asked < ASKED_COUNT; asked++)
        count += run->asked[asked];
    return count > 0;
}

bool run_ask(struct run_state *run, enum asked asked, const char *what, int64_t attempt) {
    if (run->asked[asked] >= at_once[asked] || run_asked(run, asked, what))
        return false;
    struct note *note = checked(calloc(1, sizeof *note));
    *note = (struct note){.type = NOTE_ASKED, .asked = asked, .attempt = attempt, .next = run->notes};
    note->name = checked(strdup(what));
    run->notes = note;
    run->asked[asked]++;
    return true;
}

void run_answered(struct run_state *run, enum asked asked, const char *what) {
    struct note **slot = find_asked(run, asked, what);
    if (*slot == NULL)
        return;
    run->asked[asked]--;
    drop_note(slot);
}

void run_looked(struct run_state *run, const char *pod_uid, bool gone, int64_t now) {
    struct note *note = want_note(run, NOTE_LOOK, pod_uid);
    note->gone = gone;
    holdoff_failed(&note->holdoff, LOOK_FIRST_MS, LOOK_MOST_MS, 0, now);
}

void run_taken(struct run_state *run, const char *task, int64_t attempt) {
    struct note *note = want_note(run, NOTE_TAKEN, task);
    if (note->attempt < attempt)
        note->attempt = attempt;
}

void run_collision(struct run_state *run, const char *pod) {
    want_note(run, NOTE_COLLISION, pod);
}

void run_recorded(struct run_state *run) {
    drop_strays(run, stray_told, NULL);
    for (struct note **slot = &run->notes; *slot != NULL;) {
        if ((*slot)->type == NOTE_COLLISION) /* should it be asked for again, it may be gone */
            drop_note(slot);
        else
            slot = &(*slot)->next;
    }
}

void run_refuse(struct run_state *run, int64_t generation, const char *why) {
    free(run->refused);
    run->refused = checked(strdup(why));
    run->refused_generation = generation;
}

void run_stray(struct run_state *run, const char *name, const char *uid, struct pod_object *pod) {
    for (struct stray *stray = run->strays; stray != NULL; stray = stray->next) {
        if (strcmp(stray->uid, uid) != 0)
            continue;
        pod_object_free(stray->pod);
        stray->pod = pod;
        return;
    }
    struct stray *stray = checked(calloc(1, sizeof *stray));
    *stray =
        (struct stray){.name = checked(strdup(name)), .uid = checked(strdup(uid)), .pod = pod, .next = run->strays};
    run->strays = stray;
}

static struct note *note_refusal(struct run_state *run, enum note_type type, const struct refusal *refusal,
                                 int64_t now) {
    struct note *note = want_note(run, type, refusal->task);
    if (note->attempt != refusal->attempt)
        holdoff_clear(&note->holdoff);
    if (note->attempt != refusal->attempt || note->since == 0)
        note->since = now;
    note->attempt = refusal->attempt;
    free(note->message);
    note->message = checked(strdup(refusal->message));
    note->reason = refusal->reason;
    note->hopeless = refusal->hopeless;
    note->too_small = note->too_small || refusal->too_small;
    int64_t first = refusal->passing ? BUSY_FIRST_MS : REFUSED_FIRST_MS;
    holdoff_failed(&note->holdoff, first, REFUSED_MOST_MS, refusal->not_before_ms, now);
    return note;
}

void run_cleaner_refused(struct run_state *run, const struct refusal *refusal, int64_t now) {
    note_refusal(run, NOTE_CLEANER_REFUSAL, refusal, now);
}

void run_cleaner_made(struct run_state *run, const char *task) {
    drop_note(find_slot(run, NOTE_CLEANER_REFUSAL, task));
}

bool run_holds_off(const struct run_state *run, int64_t now) {
    for (const struct note *note = run->notes; note != NULL; note = note->next)
        if (note->type == NOTE_CLEANER_REFUSAL && note->holdoff.until > now)
            return true;
    return run->tidy.until > now;
}

void run_refused(struct run_state *run, const struct refusal *refusal, int64_t generation, int64_t now) {
    note_refusal(run, NOTE_REFUSAL, refusal, now)->generation = generation;
    holdoff_failed(&run->create, RUN_FIRST_MS, RUN_MOST_MS, refusal->not_before_ms, now);
}

void run_created(struct run_state *run, const char *task) {
    drop_note(find_slot(run, NOTE_REFUSAL, task));
    holdoff_clear(&run->create);
}

/* --- for the plan --- */

struct clocks {
    int64_t wall, boot;
};

static int64_t wall_of(struct clocks clocks, int64_t boot) {
    return boot == 0 ? 0 : clocks.wall + (boot - clocks.boot);
}

/* What the notes become, with room for all. */
struct filled {
    struct look *looks;
    struct create_failure *failures, *cleaner_failures;
    struct task_attempt *creating, *cleaning, *taken;
    const char **collisions;
};

static struct create_failure failure_of(const struct note *note, const char *name, struct clocks clocks,
                                        struct arena *arena) {
    return (struct create_failure){.task = name,
                                   .attempt = note->attempt,
                                   .reason = note->reason,
                                   .message = arena_strdup(arena, note->message),
                                   .next_at = wall_of(clocks, note->holdoff.until),
                                   .since = wall_of(clocks, note->since),
                                   .hopeless = note->hopeless,
                                   .too_small = note->too_small};
}

static void fill_note(const struct note *note, struct clocks clocks, struct arena *arena, struct run *run,
                      const struct filled *filled) {
    const char *name = arena_strdup(arena, note->name);
    const struct task_attempt attempt = {name, note->attempt};
    switch (note->type) {
    case NOTE_ASKED:
        if (note->asked == ASKED_CREATE)
            filled->creating[run->creating_count++] = attempt;
        else if (note->asked == ASKED_CLEAN)
            filled->cleaning[run->cleaning_count++] = attempt;
        break;
    case NOTE_TAKEN: filled->taken[run->taken_count++] = attempt; break;
    case NOTE_COLLISION: filled->collisions[run->collisions.count++] = name; break;
    case NOTE_LOOK:
        filled->looks[run->look_count++] = (struct look){name, note->gone, wall_of(clocks, note->holdoff.until)};
        break;
    case NOTE_REFUSAL:
        if (note->generation == run->generation) /* else what was refused may be mended by now */
            filled->failures[run->failure_count++] = failure_of(note, name, clocks, arena);
        break;
    case NOTE_CLEANER_REFUSAL:
        filled->cleaner_failures[run->cleaner_failure_count++] = failure_of(note, name, clocks, arena);
        break;
    }
}

static void fill_notes(const struct run_state *state, struct clocks clocks, struct arena *arena, struct run *run) {
    size_t count = 0;
    for (const struct note *note = state->notes; note != NULL; note = note->next)
        count++;
    const struct filled filled = {
        .looks = ARENA_NEW_ARRAY(arena, count, struct look),
        .failures = ARENA_NEW_ARRAY(arena, count, struct create_failure),
        .cleaner_failures = ARENA_NEW_ARRAY(arena, count, struct create_failure),
        .creating = ARENA_NEW_ARRAY(arena, count, struct task_attempt),
        .cleaning = ARENA_NEW_ARRAY(arena, count, struct task_attempt),
        .taken = ARENA_NEW_ARRAY(arena, count, struct task_attempt),
        .collisions = ARENA_NEW_ARRAY(arena, count, const char *),
    };
    run->looks = filled.looks;
    run->failures = filled.failures;
    run->cleaner_failures = filled.cleaner_failures;
    run->creating = filled.creating;
    run->cleaning = filled.cleaning;
    run->taken = filled.taken;
    run->collisions.items = filled.collisions;
    for (const struct note *note = state->notes; note != NULL; note = note->next)
        fill_note(note, clocks, arena, run, &filled);
}

void runs_fill(const struct runs *runs, const struct run_state *state, int64_t wall, int64_t boot, struct arena *arena,
               struct run *run) {
    const struct clocks clocks = {wall, boot};
    size_t creating = state->asked[ASKED_CREATE];
    size_t most = state->create.failures > 0 ? 1 : at_once[ASKED_CREATE];
    run->create_room = creating < most ? most - creating : 0;
    run->create_at = wall_of(clocks, state->create.until);
    run->writing = state->writing;
    run->changed_at = wall_of(clocks, state->changed_at);
    run->window_ms = pace_window_ms(state->cost, runs->due_cost, runs->window_ms);
    run->small = state->status_bytes + (state->spec != NULL ? 2 * state->spec->bytes : 0) < PACE_SMALL_BYTES;
    run->status_max = state->status_max;
    run->write_at = wall_of(clocks, state->write.until);
    run->tidy_at = wall_of(clocks, state->tidy.until);
    if (state->notes != NULL)
        fill_notes(state, clocks, arena, run);
}
