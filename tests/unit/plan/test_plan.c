/* Plays the transcripts of tests/golden/plan: lines that are not indented are commands, indented ones are what must be
 * printed. Each file is one test. With WEIR_UPDATE_GOLDEN=1 the files are written anew, for a person to review. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/pass.h"
#include "support_script.h"

enum { FIXED_TESTS = 3 };

static char *read_file(const char *path) {
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s cannot be opened", path);
    AUTO_STRBUF text = STRBUF_INIT;
    char block[4096];
    for (size_t length = 1; file != NULL && length > 0;) {
        length = fread(block, 1, sizeof block, file);
        strbuf_add(&text, block, length);
    }
    if (file != NULL)
        fclose(file);
    return strbuf_steal(&text);
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void say_first_difference(const char *path, const char *wanted, const char *got) {
    size_t line = 1;
    size_t start = 0;
    size_t i = 0;
    for (; wanted[i] != '\0' && wanted[i] == got[i]; i++) {
        if (wanted[i] != '\n')
            continue;
        line++;
        start = i + 1;
    }
    fail_msg("%s:%zu: expected\n%.*s\ngot\n%.*s", path, line, (int)strcspn(wanted + start, "\n"), wanted + start,
             (int)strcspn(got + start, "\n"), got + start);
}

static void play(void **state) {
    const char *path = *state;
    char *wanted = read_file(path);
    char *lines = strdup(wanted);
    struct world world;
    AUTO_STRBUF got = STRBUF_INIT;
    world_init(&world);
    for (char *next = NULL, *line = strtok_r(lines, "\n", &next); line != NULL; line = strtok_r(NULL, "\n", &next)) {
        if (line[0] == ' ')
            continue;
        strbuf_printf(&got, "%s\n", line);
        if (line[0] != '#')
            script_do(&world, line, &got);
    }
    if (getenv("WEIR_UPDATE_GOLDEN") != NULL)
        write_file(path, strbuf_text(&got));
    else if (strcmp(wanted, strbuf_text(&got)) != 0)
        say_first_difference(path, wanted, strbuf_text(&got));
    world_fini(&world);
    free(lines);
    free(wanted);
}

static void phases_are_a_sound_machine(void **state) {
    (void)state;
    assert_null(sm_check(task_states, TASK_PHASE_COUNT));
}

static void a_final_phase_stays_and_what_cannot_be_is_mended(void **state) {
    (void)state;
    struct node node = {.name = "a", .status = {.name = "a", .phase = TASK_Succeeded, .reason = ""}};
    task_move(&node, TASK_Running, "Forged", "");
    assert_int_equal(node.status.phase, TASK_Succeeded);
    assert_string_equal(node.status.reason, "");
    node.status.phase = TASK_Running; /* and its pod has not started: no arrow in the table */
    assert_false(sm_allows(task_states, TASK_Running, TASK_Starting));
    task_move(&node, TASK_Starting, "Unschedulable", "");
    assert_int_equal(node.status.phase, TASK_Starting);
}

static void pod_names_fit_and_differ(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    const char *name = names_pod("clickstream", "uid-1", "sessions", 2, &arena);
    assert_true(text_starts_with(name, "clickstream-sessions-2-"));
    assert_string_equal(name, names_pod("clickstream", "uid-1", "sessions", 2, &arena));
    assert_string_not_equal(name, names_pod("clickstream", "uid-2", "sessions", 2, &arena));
    assert_string_not_equal(names_pod("a-b", "u", "c", 1, &arena), names_pod("a", "u", "b-c", 1, &arena));
    const char *pipeline = "a.very.long.name.of.a.pipeline.that.goes.on.and.on.and.on.and.on.and.on";
    const char *first = names_pod(pipeline, "u", "extract", 1, &arena);
    assert_true(strlen(first) <= 63);
    assert_null(strchr(first, '.'));
    assert_string_not_equal(first, names_pod(pipeline, "u", "extrakt", 1, &arena));
}

int main(void) {
    glob_t files;
    if (glob(SOURCE_DIR "/tests/golden/plan/*.txt", 0, NULL, &files) != 0) {
        fprintf(stderr, "no transcripts in " SOURCE_DIR "/tests/golden/plan\n");
        return 1;
    }
    size_t count = files.gl_pathc + FIXED_TESTS;
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    if (tests == NULL)
        return 1;
    tests[0] = (struct CMUnitTest)cmocka_unit_test(phases_are_a_sound_machine);
    tests[1] = (struct CMUnitTest)cmocka_unit_test(pod_names_fit_and_differ);
    tests[2] = (struct CMUnitTest)cmocka_unit_test(a_final_phase_stays_and_what_cannot_be_is_mended);
    for (size_t i = FIXED_TESTS; i < count; i++) {
        char *path = files.gl_pathv[i - FIXED_TESTS];
        tests[i] = (struct CMUnitTest){.name = strrchr(path, '/') + 1, .test_func = play, .initial_state = path};
    }
    int failed = _cmocka_run_group_tests("plan", tests, count, NULL, NULL);
    free(tests);
    globfree(&files);
    return failed;
}
