/* The decode tables themselves: what every field must have, found by walking them from the spec down. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "executor/executor.h"
#include "pipeline/tables.h"

static size_t seen;

/* kubectl reads YAML 1.1, where these are truths and not names. */
static bool is_truth(const char *name) {
    static const char *const truths[] = {"y", "n", "yes", "no", "on", "off", "true", "false"};
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++)
        if (strcasecmp(name, truths[i]) == 0)
            return true;
    return false;
}

static void check_table(const struct table *table, const char *path, struct arena *arena) {
    for (size_t i = 0; i < table->field_count; i++) {
        const struct field *field = &table->fields[i];
        const char *at = arena_printf(arena, "%s.%s", path, field->name);
        seen++;
        if (field->doc == NULL || strlen(field->doc) < 8 || !text_ends_with(field->doc, "."))
            fail_msg("%s needs a description in sentences", at);
        if (is_truth(field->name))
            fail_msg("%s would be read as true or false", at);
        if (table->size > 0 && field->offset + sizeof(bool) > table->size)
            fail_msg("%s lies outside of its struct", at);
        for (size_t j = 0; j < i; j++)
            if (strcmp(table->fields[j].name, field->name) == 0)
                fail_msg("%s is there twice", at);
        if (field->table != NULL)
            check_table(field->table, at, arena);
    }
}

static void every_field_is_described(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    check_table(tables_spec(executor_tables(), &arena), "spec", &arena);
    check_table(&status_table, "status", &arena);
    assert_in_range(seen, 150, 400);
}

static void every_kind_is_whole(void **state) {
    (void)state;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct executor *executor = executor_of((enum task_kind)i);
        assert_string_equal(executor->kind, executor_tables()->names[i]);
        assert_non_null(executor->doc);
        assert_non_null(executor->table);
        assert_non_null(executor->command);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_described),
        cmocka_unit_test(every_kind_is_whole),
    };
    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
