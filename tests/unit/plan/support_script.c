/* The commands of a transcript:
 *
 *   task NAME [after A,B] [ignore] [retry=N] [infra=N] [on=3,OOMKilled] [backoff=10s] [factor=2] [max=10m]
 *             [timeout=1h] [startTimeout=1m] [hash=X]     add a task, or change one
 *             [remote | local] [kill]                     its pods may start something on a cluster; onLostLauncher:
 * Kill remove NAME                                           take it out of the spec set [policy=Continue|FailFast]
 * [parallelism=N] [suspend=yes|no] [timeout=1h] [ttl=60] [retention=Never|OnFailure|Always] [window=5s] problem TEXT |
 * valid                                  the spec has a problem; has none pod TASK ATTEMPT STATE [exit=N] [reason=X]
 * [app=X] [url=X] [percent=N [step=X]] [clear | silent] [remains=X] [message=REST] STATE: pending running succeeded
 * failed lost deleting vanished hidden stray lingering clear, silent: its launcher says that nothing is left, says
 * nothing; it says so when it succeeds cleaner TASK ATTEMPT TURN STATE [reason=X] [message=REST] bar TASK REASON AFTER
 * TEXT | unbar TASK               what the API server says of its cleaner; AFTER never: hopeless decide TASK ATTEMPT
 * what its launcher is told, should it be stopped now twin TASK ATTEMPT                                     another pod
 * claims this attempt relabel TASK ATTEMPT NEW                              somebody changes the attempt label of a pod
 *   collide TASK ATTEMPT | refuse TASK REASON AFTER TEXT | accept TASK    what the API server says
 *   finalizer | unchecked | former NAME... | writing yes|no
 *   advance 10s | crash | wipe | delete | gone            time; the operator starts anew; no status; kubectl delete
 *   forge TASK PHASE ATTEMPT                              somebody writes a task's status by hand
 *   plan | apply [N] | go                                 plan; apply (the first N actions); both
 *   settle                                                go until nothing is left to do but to wait
 *   status | conditions | pods                            print */

#include "support_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support_show.h"
#include "support_words.h"

enum { SETTLE_MAX = 20 };

static void set_list(struct world *world, const char *text, struct strings *list) {
    char *copy = arena_strdup(&world->arena, text);
    list->items = ARENA_NEW_ARRAY(&world->arena, WORDS_MAX, const char *);
    list->count = 0;
    for (char *next = NULL, *item = strtok_r(copy, ",", &next); item != NULL; item = strtok_r(NULL, ",", &next))
        list->items[list->count++] = item;
}

static int set_choice(const char *text, const char *const *choices, int count) {
    for (int i = 0; i < count; i++)
        if (strcmp(text, choices[i]) == 0)
            return i;
    fail_msg("%s is no choice", text);
    return 0;
}

static void edited(struct world *world) {
    world->generation += world->status != NULL;
}

static void do_task(struct world *world, const struct words *words) {
    struct task *task = world_task(world, word(words, 1));
    if (task == NULL)
        task = world_add_task(world, word(words, 1));
    for (size_t i = 2; i + 1 < words->count; i++)
        if (strcmp(words->items[i], "after") == 0)
            set_list(world, words->items[i + 1], &task->depends_on);
    if (flag(words, "remote"))
        world->remote[task - world->tasks] = true;
    if (flag(words, "local"))
        world->remote[task - world->tasks] = false;
    if (flag(words, "kill"))
        task->on_lost_launcher = LOST_KILL;
    if (option(words, "hash") != NULL)
        task->hash = arena_strdup(&world->arena, option(words, "hash"));
    if (flag(words, "ignore"))
        task->on_failure = ON_FAILURE_IGNORE;
    if (option(words, "on") != NULL)
        set_list(world, option(words, "on"), &task->retry->on);
    if (option(words, "factor") != NULL)
        task->retry->backoff->factor = strtod(option(words, "factor"), NULL);
    set_int(words, "retry", &task->retry->limit);
    set_int(words, "infra", &task->retry->infra_limit);
    set_duration(words, "backoff", &task->retry->backoff->initial_ms);
    set_duration(words, "max", &task->retry->backoff->max_ms);
    set_duration(words, "timeout", &task->timeout_ms);
    set_duration(words, "startTimeout", &task->start_timeout_ms);
    edited(world);
}

static void do_remove(struct world *world, const struct words *words) {
    struct task *task = world_task(world, word(words, 1));
    assert_non_null(task);
    size_t after = world->spec.task_count - (size_t)(task - world->tasks) - 1;
    memmove(task, task + 1, after * sizeof *task);
    memmove(&world->remote[task - world->tasks], &world->remote[task - world->tasks + 1], after * sizeof(bool));
    world->spec.task_count--;
    edited(world);
}

static void do_set(struct world *world, const struct words *words) {
    static const char *const policies[] = {[FAIL_FAST] = "FailFast", [FAIL_CONTINUE] = "Continue"};
    static const char *const retentions[] = {
        [RETAIN_ALWAYS] = "Always", [RETAIN_ON_FAILURE] = "OnFailure", [RETAIN_NEVER] = "Never"};
    static const char *const answers[] = {"no", "yes"};
    struct pipeline *spec = &world->spec;
    if (option(words, "policy") != NULL)
        spec->failure_policy = set_choice(option(words, "policy"), policies, 2);
    if (option(words, "retention") != NULL)
        spec->pod_retention = set_choice(option(words, "retention"), retentions, 3);
    if (option(words, "suspend") != NULL)
        spec->suspend = set_choice(option(words, "suspend"), answers, 2) != 0;
    set_int(words, "parallelism", &spec->parallelism);
    set_int(words, "ttl", &spec->ttl_seconds_after_finished);
    set_duration(words, "timeout", &spec->timeout_ms);
    set_duration(words, "window", &world->window_ms);
    if (option(words, "window") == NULL)
        edited(world);
}

static void do_problem(struct world *world, const struct words *words) {
    world->problems.arena = &world->arena;
    problems_add(&world->problems, "spec", "%s", words->rest);
    world->last_valid = true;
    edited(world);
}

static void do_valid(struct world *world, const struct words *words) {
    (void)words;
    world->problems = (struct problems){0};
    edited(world);
}

static void add_application(struct world *world, struct pod_view *view, const char *id) {
    if (text_equal(view->application_id, id))
        return;
    const char **ids = ARENA_NEW_ARRAY(&world->arena, view->application_count + 1, const char *);
    if (view->application_count > 0)
        memcpy(ids, view->application_ids, view->application_count * sizeof *ids);
    ids[view->application_count++] = view->application_id = arena_strdup(&world->arena, id);
    view->application_ids = ids;
}

static void report(struct world *world, struct pod_view *view, const struct words *words) {
    const char *message = strstr(words->rest, "message=");
    int64_t percent = view->percent;
    int64_t exit_code = -1;
    set_int(words, "percent", &percent);
    set_int(words, "exit", &exit_code);
    view->percent = (int)percent;
    if (option(words, "percent") != NULL)
        view->progress_text = arena_strdup(&world->arena, option(words, "step"));
    if (exit_code >= 0) {
        view->has_exit_code = true;
        view->exit_code = (int)exit_code;
    }
    if (option(words, "reason") != NULL)
        view->reason = arena_strdup(&world->arena, option(words, "reason"));
    if (option(words, "app") != NULL)
        add_application(world, view, option(words, "app"));
    if (option(words, "remains") != NULL)
        view->remains = arena_strdup(&world->arena, option(words, "remains"));
    if (option(words, "url") != NULL)
        view->tracking_url = arena_strdup(&world->arena, option(words, "url"));
    if (message != NULL)
        view->message = arena_strdup(&world->arena, message + strlen("message="));
}

enum { STATE_DELETING = POD_LOST + 1, STATE_VANISHED, STATE_HIDDEN, STATE_STRAY, STATE_LINGERING, STATE_COUNT };

static void change_state(struct world *world, struct world_pod *pod, int state) {
    pod->hidden = state == STATE_HIDDEN || state == STATE_STRAY;
    pod->stray = state == STATE_STRAY;
    pod->view.lingers = pod->view.lingers || state == STATE_LINGERING;
    if (state == STATE_DELETING) {
        pod->view.deleting = true;
        pod->view.deleting_since = pod->view.deleting_until = world->now;
    }
    if (state > (int)POD_LOST)
        return;
    pod->view.state = (enum pod_state)state;
    if (state == POD_RUNNING && pod->view.started_at == 0)
        pod->view.started_at = world->now;
    pod->view.ran = pod->view.ran || pod->view.started_at != 0;
    if (state >= (int)POD_SUCCEEDED)
        pod->view.finished_at = world->now;
}

static void do_pod(struct world *world, const struct words *words) {
    static const char *const states[STATE_COUNT] = {
        [POD_PENDING] = "pending",      [POD_RUNNING] = "running", [POD_SUCCEEDED] = "succeeded",
        [POD_FAILED] = "failed",        [POD_LOST] = "lost",       [STATE_DELETING] = "deleting",
        [STATE_VANISHED] = "vanished",  [STATE_HIDDEN] = "hidden", [STATE_STRAY] = "stray",
        [STATE_LINGERING] = "lingering"};
    int64_t attempt = strtoll(word(words, 2), NULL, 10);
    struct world_pod *pod = world_pod(world, word(words, 1), attempt);
    if (pod == NULL)
        pod = world_add_pod(world, word(words, 1), attempt);
    int state = set_choice(word(words, 3), states, STATE_COUNT);
    if (state == STATE_VANISHED) {
        world_drop_pod(world, pod);
        world_sweep(world);
        return;
    }
    pod->view.reason = pod->view.message = "";
    report(world, &pod->view, words);
    change_state(world, pod, state);
    bool well = pod->view.state == POD_SUCCEEDED && !flag(words, "silent");
    pod->view.clear = (well || flag(words, "clear")) && text_empty(pod->view.remains);
    world_sweep(world);
}

static void do_cleaner(struct world *world, const struct words *words) {
    static const char *const states[] = {
        [POD_PENDING] = "pending",    [POD_RUNNING] = "running", [POD_SUCCEEDED] = "succeeded",
        [POD_FAILED] = "failed",      [POD_LOST] = "lost",       [STATE_DELETING] = "deleting",
        [STATE_VANISHED] = "vanished"};
    struct world_pod *pod =
        world_cleaner(world, word(words, 1), strtoll(word(words, 2), NULL, 10), strtoll(word(words, 3), NULL, 10));
    assert_non_null(pod);
    int state = set_choice(word(words, 4), states, STATE_VANISHED + 1);
    pod->view.reason = pod->view.message = "";
    report(world, &pod->view, words);
    if (state == STATE_VANISHED)
        world_drop_pod(world, pod);
    else
        change_state(world, pod, state);
    world_sweep(world);
}

static void do_unbar(struct world *world, const struct words *words) {
    size_t kept = 0;
    for (size_t i = 0; i < world->cleaner_failure_count; i++)
        if (strcmp(world->cleaner_failures[i].task, word(words, 1)) != 0)
            world->cleaner_failures[kept++] = world->cleaner_failures[i];
    world->cleaner_failure_count = kept;
}

/* The pod that was just made is not there after all. */
static void do_bar(struct world *world, const struct words *words) {
    struct error err = {0};
    int64_t after = 0;
    bool hopeless = strcmp(word(words, 3), "never") == 0;
    if (!hopeless && duration_parse(word(words, 3), &after, &err) != 0)
        fail_msg("%s", err.text);
    int64_t attempt = 1;
    int64_t since = world->now;
    for (size_t i = world->pod_count; i-- > 0;) {
        struct world_pod *pod = &world->pods[i];
        if (!pod->view.cleans || strcmp(pod->view.task, word(words, 1)) != 0)
            continue;
        attempt = pod->view.attempt;
        world_drop_pod(world, pod);
        break;
    }
    for (size_t i = 0; i < world->cleaner_failure_count; i++)
        if (strcmp(world->cleaner_failures[i].task, word(words, 1)) == 0)
            since = world->cleaner_failures[i].since;
    do_unbar(world, words);
    const char *text = strstr(words->rest, word(words, 3)) + strlen(word(words, 3)) + 1;
    world->cleaner_failures[world->cleaner_failure_count++] =
        (struct create_failure){.task = arena_strdup(&world->arena, word(words, 1)),
                                .attempt = attempt,
                                .reason = arena_strdup(&world->arena, word(words, 2)),
                                .message = arena_strdup(&world->arena, text),
                                .hopeless = hopeless,
                                .since = since,
                                .next_at = world->now + after};
}

static void do_twin(struct world *world, const struct words *words) {
    int64_t attempt = strtoll(word(words, 2), NULL, 10);
    struct world_pod *pod = world_add_pod(world, word(words, 1), attempt);
    pod->view.uid = arena_printf(&world->arena, "%s-twin", pod->view.uid);
    pod->view.name = pod->view.uid;
}

static void do_relabel(struct world *world, const struct words *words) {
    struct world_pod *pod = world_pod(world, word(words, 1), strtoll(word(words, 2), NULL, 10));
    assert_non_null(pod);
    pod->view.attempt = strtoll(word(words, 3), NULL, 10);
}

static void do_collide(struct world *world, const struct words *words) {
    world->collisions[world->collision_count++] =
        names_pod("pl", "run-uid", word(words, 1), strtoll(word(words, 2), NULL, 10), &world->arena);
}

static void do_accept(struct world *world, const struct words *words) {
    size_t kept = 0;
    for (size_t i = 0; i < world->failure_count; i++)
        if (strcmp(world->failures[i].task, word(words, 1)) != 0)
            world->failures[kept++] = world->failures[i];
    world->failure_count = kept;
}

static void do_refuse(struct world *world, const struct words *words) {
    struct error err = {0};
    int64_t after = 0;
    assert_true(words->count > 4);
    if (duration_parse(word(words, 3), &after, &err) != 0)
        fail_msg("%s", err.text);
    const char *text = strstr(words->rest, word(words, 3)) + strlen(word(words, 3)) + 1;
    int64_t attempt = world_asked_attempt(world, word(words, 1));
    do_accept(world, words); /* one refusal takes the place of another */
    world->failures[world->failure_count++] =
        (struct create_failure){.task = arena_strdup(&world->arena, word(words, 1)),
                                .attempt = attempt,
                                .reason = arena_strdup(&world->arena, word(words, 2)),
                                .message = arena_strdup(&world->arena, text),
                                .next_at = world->now + after};
    struct world_pod *pod = world_pod(world, word(words, 1), 1);
    if (pod != NULL) /* it was not created after all */
        world_drop_pod(world, pod);
}

static void do_finalizer(struct world *world, const struct words *words) {
    (void)words;
    world->old_finalizer = true;
}

static void do_unchecked(struct world *world, const struct words *words) {
    (void)words;
    world->unchecked = true;
}

static void do_former(struct world *world, const struct words *words) {
    world->former_count = 0;
    for (size_t i = 1; i < words->count; i++)
        world->former[world->former_count++] = arena_strdup(&world->arena, words->items[i]);
}

static void do_writing(struct world *world, const struct words *words) {
    world->writing = flag(words, "yes");
}

static void do_gone(struct world *world, const struct words *words) {
    (void)words;
    world->gone = true;
}

static void do_advance(struct world *world, const struct words *words) {
    struct error err = {0};
    int64_t by = 0;
    if (duration_parse(word(words, 1), &by, &err) != 0)
        fail_msg("%s", err.text);
    world->now += by;
}

static void do_crash(struct world *world, const struct words *words) {
    (void)words;
    world_crash(world);
}

static void do_wipe(struct world *world, const struct words *words) {
    (void)words;
    world->status = NULL;
    world_crash(world);
}

static void do_delete(struct world *world, const struct words *words) {
    (void)words;
    world->deleting = true;
    world->deleting_since = world->now;
}

static void do_forge(struct world *world, const struct words *words) {
    struct run_status status;
    arena_fini(&world->pass);
    world_decode(world, &status, &world->pass);
    struct task_status *old = status.tasks;
    status.tasks = ARENA_NEW_ARRAY(&world->pass, status.task_count + 1, struct task_status);
    if (status.task_count > 0)
        memcpy(status.tasks, old, status.task_count * sizeof *old);
    struct task_status *task = status_task(&status, word(words, 1));
    if (task == NULL)
        task = &status.tasks[status.task_count++];
    *task = (struct task_status){.name = word(words, 1), .percent = -1};
    for (int phase = 1; phase < TASK_PHASE_COUNT; phase++)
        if (strcmp(task_phase_name((enum task_phase)phase), word(words, 2)) == 0)
            task->phase = (enum task_phase)phase;
    task->attempt = strtoll(word(words, 3), NULL, 10);
    world_write(world, &status);
}

/* --- planning and printing --- */

static void do_plan(struct world *world, const struct words *words, struct strbuf *out) {
    (void)words;
    world_plan(world);
    print_plan(world, out);
}

static void do_apply(struct world *world, const struct words *words, struct strbuf *out) {
    (void)out;
    world_apply(world, 0, words->count > 1 ? strtoul(words->items[1], NULL, 10) : SIZE_MAX);
}

static void do_go(struct world *world, const struct words *words, struct strbuf *out) {
    do_plan(world, words, out);
    world_apply(world, 0, SIZE_MAX);
}

static void do_settle(struct world *world, const struct words *words, struct strbuf *out) {
    for (size_t i = 0; i < SETTLE_MAX; i++) {
        do_go(world, words, out);
        if (world_idle(world) || !world->exists)
            return;
    }
    fail_msg("does not settle");
}

static void do_decide(struct world *world, const struct words *words, struct strbuf *out) {
    static const char *const names[] = {"unknown", "stop", "leave"};
    AUTO_ARENA arena = ARENA_INIT;
    const struct world_pod *pod = world_pod(world, word(words, 1), strtoll(word(words, 2), NULL, 10));
    world_plan(world);
    strbuf_printf(out, "    %s\n",
                  names[plan_decide(&world->run, pod != NULL ? pod->view.uid : "none", world->now, &arena)]);
}

static const struct {
    const char *name;
    void (*change)(struct world *world, const struct words *words);
    void (*print)(struct world *world, const struct words *words, struct strbuf *out);
    void (*show)(struct world *world, struct strbuf *out);
} commands[] = {
    {"task", .change = do_task},
    {"remove", .change = do_remove},
    {"set", .change = do_set},
    {"problem", .change = do_problem},
    {"valid", .change = do_valid},
    {"pod", .change = do_pod},
    {"collide", .change = do_collide},
    {"refuse", .change = do_refuse},
    {"finalizer", .change = do_finalizer},
    {"advance", .change = do_advance},
    {"crash", .change = do_crash},
    {"wipe", .change = do_wipe},
    {"delete", .change = do_delete},
    {"forge", .change = do_forge},
    {"plan", .print = do_plan},
    {"apply", .print = do_apply},
    {"go", .print = do_go},
    {"settle", .print = do_settle},
    {"status", .show = print_status},
    {"pods", .show = print_pods},
    {"attempts", .show = print_attempts},
    {"conditions", .show = print_conditions},
    {"relabel", .change = do_relabel},
    {"twin", .change = do_twin},
    {"accept", .change = do_accept},
    {"former", .change = do_former},
    {"writing", .change = do_writing},
    {"gone", .change = do_gone},
    {"unchecked", .change = do_unchecked},
    {"cleaner", .change = do_cleaner},
    {"bar", .change = do_bar},
    {"unbar", .change = do_unbar},
    {"decide", .print = do_decide},
};

void script_do(struct world *world, const char *line, struct strbuf *out) {
    AUTO_ARENA arena = ARENA_INIT;
    char *copy = arena_strdup(&arena, line);
    const char *blank = strchr(line, ' ');
    struct words words = {.rest = blank != NULL ? blank + 1 : ""};
    for (char *next = NULL, *item = strtok_r(copy, " ", &next); item != NULL && words.count < WORDS_MAX;
         item = strtok_r(NULL, " ", &next))
        words.items[words.count++] = item;
    for (size_t i = 0; words.count > 0 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(words.items[0], commands[i].name) != 0)
            continue;
        if (commands[i].change != NULL)
            commands[i].change(world, &words);
        else if (commands[i].print != NULL)
            commands[i].print(world, &words, out);
        else
            commands[i].show(world, out);
        return;
    }
    fail_msg("unknown command: %s", line);
}
