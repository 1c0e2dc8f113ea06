/* Command lines that Luigi 3.8.1 was recorded with (luigi_cases.json), and the task of ours for the same job
 * (luigi_tasks.json): word for word the same, but for what is listed as different and why. The tag, which is ours
 * alone, is left out, and that spark-submit is always told its deploy mode is put in. A case that nobody has looked at
 * fails. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "executor/executor.h"

#define FOLDER SOURCE_DIR "/tests/conformance/"

static yyjson_doc *read_json(const char *path) {
    AUTO_STRBUF text = STRBUF_INIT;
    char bytes[4096];
    size_t length;
    struct error err = {0};
    yyjson_doc *doc = NULL;
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while ((length = fread(bytes, 1, sizeof bytes, file)) > 0)
        strbuf_add(&text, bytes, length);
    fclose(file);
    if (json_parse(text.data, text.length, &doc, &err) < 0)
        fail_msg("%s: %s", path, err.text);
    return doc;
}

static bool is_command_line(const char *area) {
    return text_equal(area, "spark") || text_equal(area, "hadoop-streaming") || text_equal(area, "hadoop-jar");
}

static bool has_word(yyjson_val *words, const char *wanted) {
    size_t i, count;
    yyjson_val *word;
    yyjson_arr_foreach(words, i, count, word) {
        if (yyjson_equals_str(word, wanted))
            return true;
    }
    return false;
}

/* The one that submits, among those that look at files and move them. */
static yyjson_val *submission(yyjson_val *commands, const char *area) {
    size_t i, count;
    yyjson_val *words;
    yyjson_arr_foreach(commands, i, count, words) {
        if (text_equal(area, "spark") || has_word(words, "jar"))
            return words;
    }
    return NULL;
}

/* The first option after the master, if there is one. Luigi leaves it to what the image says. */
static void add_deploy_mode(yyjson_val *words, size_t at, struct argv *argv) {
    bool here = at == (yyjson_equals_str(yyjson_arr_get(words, 1), "--master") ? 3 : 1);
    if (!here || has_word(words, "--deploy-mode") || has_word(words, "--remote"))
        return;
    argv_add(argv, "--deploy-mode");
    argv_add(argv, "client");
}

/* Luigi writes -Dname=value for `hadoop jar`; Hadoop reads both. */
static struct argv recorded_words(yyjson_val *words, const char *area, struct arena *arena) {
    struct argv argv = {.arena = arena};
    size_t i, count;
    yyjson_val *word;
    yyjson_arr_foreach(words, i, count, word) {
        const char *text = yyjson_get_str(word);
        if (text_equal(area, "spark"))
            add_deploy_mode(words, i, &argv);
        bool joined = text_equal(area, "hadoop-jar") && text_starts_with(text, "-D") && strchr(text, '=') != NULL;
        if (joined)
            argv_add(&argv, "-D");
        argv_add(&argv, joined ? text + 2 : text);
    }
    return argv;
}

static const char *lines(const struct argv *argv) {
    struct strings words = {.items = argv->items, .count = argv->count};
    return strings_join(&words, "\n", argv->arena);
}

static yyjson_val *pipeline_with(yyjson_val *task, yyjson_mut_doc *doc) {
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_val *one =
        yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, yyjson_mut_obj_add_obj(doc, root, "spec"), "tasks"));
    yyjson_mut_obj_add_str(doc, one, "name", "t");
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const char *kind = executor_of((enum task_kind)i)->kind;
        yyjson_val *block = yyjson_obj_get(task, kind);
        if (block != NULL)
            yyjson_mut_obj_add_val(doc, one, kind, yyjson_val_mut_copy(doc, block));
    }
    return yyjson_doc_get_root(yyjson_mut_val_imut_copy(root, &doc->alc));
}

static void check_refused(const char *id, const char *wanted, const struct problems *problems) {
    for (size_t i = 0; i < problems->count; i++)
        if (strstr(problems->items[i], wanted) != NULL)
            return;
    fail_msg("%s: should be refused with \"%s\"", id, wanted);
}

static void check_case(yyjson_val *recorded, yyjson_val *task) {
    AUTO_ARENA arena = ARENA_INIT;
    struct problems problems = {.arena = &arena};
    const char *id = json_text(recorded, "id", "");
    const char *refused = json_text(task, "refused", NULL);
    struct pipeline *pipeline =
        pipeline_decode(pipeline_with(task, json_new(&arena)), executor_tables(), &arena, &problems);
    if (refused != NULL) {
        check_refused(id, refused, &problems);
        return;
    }
    if (problems.count > 0)
        fail_msg("%s: %s", id, problems.items[0]);
    yyjson_val *instead = yyjson_obj_get(task, "instead");
    const char *area = json_text(recorded, "area", "");
    yyjson_val *words = instead != NULL ? instead : submission(yyjson_obj_get(recorded, "commands"), area);
    struct argv wanted = recorded_words(words, area, &arena);
    struct argv seen = {.arena = &arena};
    executor_of(pipeline->tasks[0].kind)->command(&pipeline->tasks[0], NULL, &seen);
    if (strcmp(lines(&wanted), lines(&seen)) != 0)
        fail_msg("%s: recorded:\n%s\nours:\n%s", id, lines(&wanted), lines(&seen));
}

static void every_recorded_command_line_is_ours(void **state) {
    (void)state;
    yyjson_doc *cases = read_json(FOLDER "luigi_cases.json");
    yyjson_doc *tasks = read_json(FOLDER "luigi_tasks.json");
    size_t i, count, compared = 0;
    yyjson_val *recorded;
    yyjson_arr_foreach(json_at(yyjson_doc_get_root(cases), "cases", NULL), i, count, recorded) {
        const char *id = json_text(recorded, "id", "");
        yyjson_val *task = yyjson_obj_get(yyjson_doc_get_root(tasks), id);
        if (!is_command_line(json_text(recorded, "area", NULL)))
            continue;
        if (task == NULL)
            fail_msg("%s has no task in luigi_tasks.json", id);
        if (yyjson_obj_get(task, "skipped") != NULL)
            continue;
        check_case(recorded, task);
        compared++;
    }
    json_free(&cases);
    json_free(&tasks);
    assert_int_equal(compared, 36);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_recorded_command_line_is_ours)};
    return cmocka_run_group_tests_name("luigi", tests, NULL, NULL);
}
