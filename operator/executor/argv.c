/* See executor.h and kinds.h: command lines, word by word. No shell ever sees them, so nothing is quoted; what must not
 * be read as an option is refused by the tables (FIELD_NOT_FLAG) and by check_pair_names(). */

#include <inttypes.h>
#include <string.h>

#include "executor/kinds.h"

void argv_add(struct argv *argv, const char *text) {
    const size_t step = 16;
    if (argv->count % step == 0) {
        const char **grown = ARENA_NEW_ARRAY(argv->arena, argv->count + step, const char *);
        if (argv->count > 0)
            memcpy(grown, argv->items, argv->count * sizeof *grown);
        argv->items = grown;
    }
    argv->items[argv->count++] = text;
}

void argv_add_option(struct argv *argv, const char *option, const char *value) {
    if (text_empty(value))
        return;
    argv_add(argv, option);
    argv_add(argv, value);
}

void argv_add_joined(struct argv *argv, const char *option, const struct strings *list) {
    argv_add_option(argv, option, strings_join(list, ",", argv->arena));
}

void argv_add_each(struct argv *argv, const char *option, const struct strings *list) {
    for (size_t i = 0; i < list->count; i++)
        argv_add_option(argv, option, list->items[i]);
}

void argv_add_all(struct argv *argv, const struct strings *list) {
    for (size_t i = 0; i < list->count; i++)
        argv_add(argv, list->items[i]);
}

void argv_add_flag(struct argv *argv, const char *option, bool set) {
    if (set)
        argv_add(argv, option);
}

void argv_add_int(struct argv *argv, const char *option, int64_t value) {
    if (value >= 0)
        argv_add_option(argv, option, arena_printf(argv->arena, "%" PRId64, value));
}

void argv_add_pairs(struct argv *argv, const char *option, const struct pairs *pairs, const char *tag_name,
                    const char *tag) {
    bool tagged = text_empty(tag);
    for (size_t i = 0; i < pairs->count; i++) {
        const struct pair *pair = &pairs->items[i];
        const char *value = pair->value;
        if (!tagged && strcmp(pair->name, tag_name) == 0) {
            value = arena_printf(argv->arena, "%s%s%s", value, text_empty(value) ? "" : ",", tag);
            tagged = true;
        }
        argv_add_option(argv, option, arena_printf(argv->arena, "%s=%s", pair->name, value));
    }
    if (!tagged)
        argv_add_option(argv, option, arena_printf(argv->arena, "%s=%s", tag_name, tag));
}

void check_pair_names(const struct pairs *pairs, const struct place *block, const char *field,
                      struct problems *problems) {
    const struct place place = {.up = block, .name = field};
    for (size_t i = 0; i < pairs->count; i++) {
        const char *name = pairs->items[i].name;
        const char *what = NULL;
        if (name[0] == '\0')
            what = "a property needs a name";
        else if (name[0] == '-')
            what = "a property's name must not begin with '-' (it would be read as an option)";
        else if (strpbrk(name, "= \t\r\n") != NULL)
            what = "a property's name must not hold '=' or blanks";
        if (what != NULL)
            problems_add_at(problems, &(struct place){.up = &place, .entry = name}, "%s", what);
    }
}

const char *pairs_find(const struct pairs *pairs, const char *name) {
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->items[i].name, name) == 0)
            return pairs->items[i].value;
    return NULL;
}
