/* What the launcher of a further attempt is told of the earlier ones, and how large its record may be. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support_manifest.h"

#define CLUSTER "    image: i\n    sparkSubmit: {application: a, master: yarn, deployMode: cluster}\n"
#define CLIENT  "    image: i\n    sparkSubmit: {application: a, master: yarn}\n"
#define LOCAL   "    image: i\n    sparkSubmit: {application: a}\n"
#define KILL    "    onLostLauncher: Kill\n"

/* The launcher's options that begin with one of `wanted`, NULL at its end, each with its value. */
static void pick(yyjson_mut_val *pod, const char *const *wanted, struct strbuf *out) {
    yyjson_mut_val *main = yyjson_mut_arr_get_first(yyjson_mut_obj_get(yyjson_mut_obj_get(pod, "spec"), "containers"));
    size_t i, count;
    yyjson_mut_val *word;
    const char *option = NULL;
    yyjson_mut_arr_foreach(yyjson_mut_obj_get(main, "command"), i, count, word) {
        const char *text = yyjson_mut_get_str(word);
        if (strcmp(text, "--") == 0)
            return;
        if (option != NULL)
            strbuf_printf(out, "%s%s %s", out->length > 0 ? " " : "", option, text);
        option = NULL;
        for (size_t j = 0; wanted[j] != NULL; j++)
            if (strcmp(text, wanted[j]) == 0)
                option = wanted[j];
    }
}

static void expect_told(const char *task_yaml, int64_t attempt, const struct attempt_status *earlier, size_t count,
                        const char *wanted) {
    static const char *const options[] = {"--attempt", "--earlier", "--leftover", NULL};
    struct manifest manifest;
    struct error err = {0};
    yyjson_mut_val *pod = NULL;
    AUTO_STRBUF seen = STRBUF_INIT;
    manifest_task(&manifest, task_yaml);
    if (manifest.problems.count > 0)
        fail_msg("%s", manifest.problems.items[0]);
    const struct task *task = &manifest.pipeline->tasks[0];
    struct attempt_status attempts[STATUS_ATTEMPTS_MAX];
    for (size_t i = 0; i < count; i++) {
        attempts[i] = earlier[i];
        attempts[i].hash = earlier[i].hash != NULL ? earlier[i].hash : task->hash;
    }
    const struct task_status known = {
        .name = task->name, .hash = task->hash, .attempts = attempts, .attempt_count = count};
    if (executor_pod(&manifest.run, task, attempt, &known, &test_config, json_new(&manifest.arena), &pod, &err) < 0)
        fail_msg("%s", err.text);
    pick(pod, options, &seen);
    manifest_fini(&manifest);
    assert_string_equal(strbuf_text(&seen), wanted);
}

static const char *const one[] = {"application_1_1"};
static const char *const two[] = {"application_1_1", "application_1_2"};

#define LOST(n, ids)                                                                  \
    {                                                                                 \
        .attempt = (n), .reason = "Evicted", .infra = true, .application_ids = (ids), \
        .application_count = sizeof(ids) / sizeof *(ids)                              \
    }
#define LOST_EARLY(n) \
    { .attempt = (n), .reason = "NodeLost", .infra = true }
#define FAILED(n) \
    { .attempt = (n), .reason = "ExitCode", .application_ids = one, .application_count = 1 }
#define EXPECT_TOLD(yaml, attempt, wanted, ...)                                  \
    expect_told((yaml), (attempt), (const struct attempt_status[]){__VA_ARGS__}, \
                sizeof((const struct attempt_status[]){__VA_ARGS__}) / sizeof(struct attempt_status), (wanted))

static void a_first_attempt_has_nothing_to_look_for(void **state) {
    (void)state;
    expect_told(CLUSTER, 1, NULL, 0, "--attempt 1");
    expect_told(LOCAL, 2, NULL, 0, "--attempt 2");
}

static void what_a_lost_attempt_left_is_adopted(void **state) {
    (void)state;
    EXPECT_TOLD(CLUSTER, 2, "--attempt 2 --earlier application_1_2 --earlier application_1_1 --leftover adopt",
                LOST(1, two));
    EXPECT_TOLD(CLUSTER, 2, "--attempt 2 --leftover adopt", LOST_EARLY(1));
    /* again and again, also when the one between was taken back before it ran or got no place */
    EXPECT_TOLD(CLUSTER, 5, "--attempt 5 --earlier application_1_1 --leftover adopt", FAILED(1), LOST(2, one),
                LOST_EARLY(3), {.attempt = 4, .reason = "StartTimeout"});
    EXPECT_TOLD(CLUSTER, 3, "--attempt 3 --earlier application_1_1 --leftover adopt", LOST(1, one),
                {.attempt = 2, .reason = "Suspended"});
}

static void else_it_is_ended_first(void **state) {
    (void)state;
    static const char killed[] = "--attempt 2 --earlier application_1_1 --leftover kill";
    EXPECT_TOLD(CLIENT, 2, killed, LOST(1, one));
    EXPECT_TOLD(CLUSTER KILL, 2, killed, LOST(1, one));
    EXPECT_TOLD(CLUSTER, 2, killed, FAILED(1));
    EXPECT_TOLD(CLUSTER, 2, killed,
                {.attempt = 1,
                 .reason = "Evicted",
                 .infra = true,
                 .hash = "another",
                 .application_ids = one,
                 .application_count = 1});
    expect_told(CLUSTER, 2, NULL, 0, "--attempt 2 --leftover kill"); /* nothing is known of the first */
    /* it may be of the first, which ran something else */
    EXPECT_TOLD(CLUSTER, 3, "--attempt 3 --leftover kill",
                {.attempt = 1, .reason = "Evicted", .infra = true, .hash = "another"}, LOST_EARLY(2));
    /* taken back a moment too late: its program had started, and nobody knows what of which spec */
    EXPECT_TOLD(CLUSTER, 2, "--attempt 2 --leftover kill",
                {.attempt = 1, .reason = "Suspended", .hash = "another", .started_at = 1000});
    EXPECT_TOLD(CLUSTER, 3, "--attempt 3 --earlier application_1_1 --leftover kill", LOST(1, one),
                {.attempt = 2, .reason = "StartTimeout", .hash = "another", .started_at = 1000});
    EXPECT_TOLD(CLUSTER, 7, "--attempt 7 --leftover kill", LOST_EARLY(5), LOST_EARLY(6));
}

static void ids_are_plain_few_and_said_once(void **state) {
    (void)state;
    static const char *const odd[] = {"--kill", "$(HOME)", "", "a b", "application_1_1"};
    static char texts[16][32];
    const char *many[16];
    AUTO_STRBUF wanted = STRBUF_INIT;
    EXPECT_TOLD(CLUSTER, 3, "--attempt 3 --earlier application_1_1 --leftover adopt", LOST(1, one), LOST(2, odd));
    strbuf_puts(&wanted, "--attempt 3");
    for (int i = 15; i >= 0; i--) {
        snprintf(texts[i], sizeof texts[i], "application_2_%04d", i);
        many[i] = texts[i];
        strbuf_printf(&wanted, " --earlier %s", texts[i]);
    }
    strbuf_puts(&wanted, " --leftover adopt");
    EXPECT_TOLD(CLUSTER, 3, strbuf_text(&wanted), LOST(1, one), LOST(2, many));
}

static void the_record_fits_beside_those_of_other_containers(void **state) {
    (void)state;
    static const char *const options[] = {"--record-max", NULL};
    static const struct {
        int sidecars, inits;
        const char *wanted;
    } cases[] = {{0, 0, "--record-max 3072"},
                 {1, 1, "--record-max 2048"},
                 {10, 10, "--record-max 512"},
                 {30, 0, "--record-max 512"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct manifest manifest;
        AUTO_STRBUF yaml = STRBUF_INIT;
        AUTO_STRBUF seen = STRBUF_INIT;
        strbuf_puts(&yaml, LOCAL "    pod:\n      spec:\n        containers:\n        - {name: main}\n");
        for (int j = 0; j < cases[i].sidecars; j++)
            strbuf_printf(&yaml, "        - {name: side-%d, image: i}\n", j);
        strbuf_puts(&yaml, cases[i].inits > 0 ? "        initContainers:\n" : "");
        for (int j = 0; j < cases[i].inits; j++)
            strbuf_printf(&yaml, "        - {name: init-%d, image: i}\n", j);
        manifest_task(&manifest, yaml.data);
        if (manifest.problems.count > 0)
            fail_msg("%s", manifest.problems.items[0]);
        pick(manifest_pod(&manifest), options, &seen);
        manifest_fini(&manifest);
        assert_string_equal(strbuf_text(&seen), cases[i].wanted);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_attempt_has_nothing_to_look_for),
        cmocka_unit_test(what_a_lost_attempt_left_is_adopted),
        cmocka_unit_test(else_it_is_ended_first),
        cmocka_unit_test(ids_are_plain_few_and_said_once),
        cmocka_unit_test(the_record_fits_beside_those_of_other_containers),
    };
    return cmocka_run_group_tests_name("attempts", tests, NULL, NULL);
}
