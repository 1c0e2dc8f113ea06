/* Kind command: any program, as its words. No shell is added; who wants one names it. */

#include "executor/kinds.h"

struct command {
    struct strings command, args;
    const char *working_dir;
};

static const struct field fields[] = {
    {"command",
     "The program and its first words; the image's own entry point is not used. As in a container, $(VAR) is a "
     "variable "
     "of the task's environment and $$( the text $(; every other $ reaches the program as it is written (required).",
     FIELD_STRINGS, .offset = offsetof(struct command, command), .flags = FIELD_REQUIRED, .min = 1},
    {"args", "Further words, after those of command.", FIELD_STRINGS, .offset = offsetof(struct command, args)},
    {"workingDir", "Directory to run in (default: the image's).", FIELD_STRING,
     .offset = offsetof(struct command, working_dir), .flags = FIELD_UNEXPANDED},
};
static const struct table table = {
    .size = sizeof(struct command), .fields = fields, .field_count = sizeof fields / sizeof *fields};

static void validate(const struct task *task, const struct place *place, struct problems *problems,
                     struct problems *warnings) {
    (void)warnings;
    const struct command *block = task->block;
    const struct place words = {.up = place, .name = "command"};
    if (block->command.count > 0 && text_empty(block->command.items[0]))
        problems_add_at(problems, &(struct place){.up = &words}, "must name a program");
}

static void add_words(const struct task *task, const char *tag, struct argv *argv) {
    const struct command *block = task->block;
    (void)tag; /* nothing remote is known of it */
    argv_add_all(argv, &block->command);
    argv_add_all(argv, &block->args);
}

static const char *working_dir(const struct task *task) {
    return ((const struct command *)task->block)->working_dir;
}

const struct executor executor_command = {
    .kind = "command",
    .doc = "Run any program of the image.",
    .table = &table,
    .validate = validate,
    .command = add_words,
    .working_dir = working_dir,
};
