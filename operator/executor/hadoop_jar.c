/* Kind hadoopJar: `hadoop jar JAR [CLASS] [generic options] [arguments]`. A main class that does not parse generic
 * options (by ToolRunner) takes them for its own arguments, so none is added to a task that uses none: its jobs get the
 * tag by a copy of Hadoop's configuration, which the launcher makes. */

#include "executor/hadoop.h"
#include "executor/overlay.h"

struct hadoop_jar {
    struct hadoop hadoop;
    const char *main_class;
    struct strings args;
    bool generic_options;
};

static const struct field fields[] = {
    {"jar", "The jar to run, by path in the image or a volume (required).", FIELD_STRING, HADOOP_FIELD(hadoop_jar, jar),
     .flags = FIELD_REQUIRED | FIELD_NOT_FLAG, .min = 1},
    {"mainClass",
     "Main class, or the name of an example. Leave it out when the jar's manifest names a main class: hadoop would "
     "pass "
     "it on as the first argument.",
     FIELD_STRING, .offset = offsetof(struct hadoop_jar, main_class), .flags = FIELD_NOT_FLAG},
    {"args", "Arguments of the program, each as it is: no shell sees them.", FIELD_STRINGS,
     .offset = offsetof(struct hadoop_jar, args)},
    {"genericOptions",
     "The program parses Hadoop's generic options (it uses ToolRunner), so weir may add -D mapreduce.job.tags=..., by "
     "which it finds and kills the job on YARN without reading its output. Taken as true when conf, confFiles, "
     "libJars, "
     "files, archives, fs, jt or tokenCacheFile is set. Any other program would take the option for an argument of its "
     "own, and gets the tag by a copy of Hadoop's configuration directory instead (default false).",
     FIELD_BOOL, .offset = offsetof(struct hadoop_jar, generic_options)},
    HADOOP_FIELDS(hadoop_jar),
};
static const struct table table = {
    .size = sizeof(struct hadoop_jar), .fields = fields, .field_count = sizeof fields / sizeof *fields};

static void validate(const struct task *task, const struct place *place, struct problems *problems,
                     struct problems *warnings) {
    (void)warnings;
    const struct hadoop_jar *job = task->block;
    check_pair_names(&job->hadoop.conf, place, "conf", problems);
}

static bool has_generic(const struct hadoop_jar *job) {
    return job->generic_options || hadoop_has_generic(&job->hadoop);
}

static void command(const struct task *task, const char *tag, struct argv *argv) {
    const struct hadoop_jar *job = task->block;
    bool by_conf = tag != NULL && !has_generic(job) && !text_empty(job->hadoop.config_dir);
    hadoop_add_command(&job->hadoop, by_conf ? CONF_MOUNT : job->hadoop.config_dir, argv);
    if (!text_empty(job->main_class))
        argv_add(argv, job->main_class);
    if (has_generic(job))
        hadoop_add_generic(&job->hadoop, tag, argv);
    argv_add_all(argv, &job->args);
}

static struct remote remote_of(const struct task *task) {
    const struct hadoop_jar *job = task->block;
    struct remote remote = hadoop_remote(&job->hadoop);
    remote.tagged_conf = remote.manager != NULL && !has_generic(job);
    return remote;
}

const struct executor executor_hadoopJar = {
    .kind = "hadoopJar",
    .doc = "Run a MapReduce (or any other) program by hadoop jar.",
    .table = &table,
    .validate = validate,
    .command = command,
    .remote = remote_of,
};
