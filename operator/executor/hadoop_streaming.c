/* Kind hadoopStreaming: Hadoop Streaming with all options that its help names. Generic options come first, as its
 * parser wants them; it always parses them, so the tag is always there. */

#include <string.h>

#include "executor/hadoop.h"

struct hadoop_streaming {
    struct hadoop hadoop;
    const char *mapper, *combiner, *reducer, *partitioner, *input_format, *output_format, *input_reader, *output, *io;
    const char *map_debug, *reduce_debug;
    struct strings input, file;
    struct pairs cmdenv;
    int64_t num_reduce_tasks;
    bool lazy_output, background, verbose;
};

#define IN(member) .offset = offsetof(struct hadoop_streaming, member)
#define OPTION(name, doc, member) \
    { name, doc, FIELD_STRING, IN(member), .flags = FIELD_NOT_FLAG }

static const struct field fields[] = {
    {"jar",
     "The streaming jar, by path in the image: usually under share/hadoop/tools/lib of the Hadoop installation, with "
     "its "
     "version in the name (required).",
     FIELD_STRING, HADOOP_FIELD(hadoop_streaming, jar), .flags = FIELD_REQUIRED | FIELD_NOT_FLAG, .min = 1},
    OPTION("mapper", "-mapper: command line or Java class of the mapper (Hadoop's default: the identity).", mapper),
    OPTION("reducer", "-reducer: command line or Java class of the reducer; NONE for a job without one.", reducer),
    OPTION("combiner", "-combiner: command line or Java class of the combiner.", combiner),
    {"input", "-input: files and directories to read; patterns are expanded by Hadoop (required).", FIELD_STRINGS,
     IN(input), .flags = FIELD_REQUIRED | FIELD_NOT_FLAG, .min = 1},
    {"output", "-output: directory to write; it must not exist (required).", FIELD_STRING, IN(output),
     .flags = FIELD_REQUIRED | FIELD_NOT_FLAG, .min = 1},
    {"numReduceTasks", "-numReduceTasks: number of reducers; 0 skips the reduce phase.", FIELD_INT,
     IN(num_reduce_tasks), .max = 1000000, .absent = -1},
    OPTION("inputFormat", "-inputformat: Java class that reads the input (Hadoop's default: TextInputFormat).",
           input_format),
    OPTION("outputFormat", "-outputformat: Java class that writes the output (Hadoop's default: TextOutputFormat).",
           output_format),
    OPTION("inputReader", "-inputreader: specification of the record reader.", input_reader),
    OPTION("partitioner", "-partitioner: Java class that spreads keys over the reducers.", partitioner),
    {"cmdenv",
     "-cmdenv: environment of the mapper, combiner and reducer on the cluster, without blanks in a value: Hadoop would "
     "take what follows one for another variable. Not for secrets.",
     FIELD_PAIRS, IN(cmdenv), .max = 200},
    {"file", "-file: files to ship in the job's jar; files (-files) is what Hadoop recommends.", FIELD_STRINGS,
     IN(file), .flags = FIELD_NOT_FLAG},
    OPTION("io", "-io: format of what mapper and reducer read and write: text, rawbytes, typedbytes.", io),
    OPTION("mapDebug", "-mapdebug: script to run when a map task fails.", map_debug),
    OPTION("reduceDebug", "-reducedebug: script to run when a reduce task fails.", reduce_debug),
    {"lazyOutput", "-lazyOutput: create output files only when something is written.", FIELD_BOOL, IN(lazy_output)},
    {"background", "-background: submit and do not wait; weir then asks YARN for progress and result.", FIELD_BOOL,
     IN(background)},
    {"verbose", "-verbose: print more.", FIELD_BOOL, IN(verbose)},
    HADOOP_FIELDS(hadoop_streaming),
};
static const struct table table = {
    .size = sizeof(struct hadoop_streaming), .fields = fields, .field_count = sizeof fields / sizeof *fields};

/* Hadoop keeps all of them in one property, with blanks between (StreamJob, PipeMapRed.addEnvironment()). */
static void check_values(const struct pairs *pairs, const struct place *place, struct problems *problems) {
    for (size_t i = 0; i < pairs->count; i++)
        if (strchr(pairs->items[i].value, ' ') != NULL)
            problems_add_at(problems, &(struct place){.up = place, .entry = pairs->items[i].name},
                            "must not hold blanks: Hadoop splits the value there (write another character and turn it "
                            "back in the mapper, or ship a file)");
}

static void validate(const struct task *task, const struct place *place, struct problems *problems,
                     struct problems *warnings) {
    (void)warnings;
    const struct hadoop_streaming *job = task->block;
    check_pair_names(&job->hadoop.conf, place, "conf", problems);
    check_pair_names(&job->cmdenv, place, "cmdenv", problems);
    check_values(&job->cmdenv, &(struct place){.up = place, .name = "cmdenv"}, problems);
}

static void command(const struct task *task, const char *tag, struct argv *argv) {
    const struct hadoop_streaming *job = task->block;
    hadoop_add_command(&job->hadoop, job->hadoop.config_dir, argv);
    hadoop_add_generic(&job->hadoop, tag, argv);
    argv_add_option(argv, "-partitioner", job->partitioner);
    argv_add_pairs(argv, "-cmdenv", &job->cmdenv, NULL, NULL);
    argv_add_option(argv, "-io", job->io);
    argv_add_option(argv, "-inputreader", job->input_reader);
    argv_add_option(argv, "-mapdebug", job->map_debug);
    argv_add_option(argv, "-reducedebug", job->reduce_debug);
    argv_add_int(argv, "-numReduceTasks", job->num_reduce_tasks);
    argv_add_flag(argv, "-lazyOutput", job->lazy_output);
    argv_add_flag(argv, "-background", job->background);
    argv_add_flag(argv, "-verbose", job->verbose);
    argv_add_option(argv, "-mapper", job->mapper);
    argv_add_option(argv, "-combiner", job->combiner);
    argv_add_option(argv, "-reducer", job->reducer);
    argv_add_each(argv, "-file", &job->file);
    argv_add_option(argv, "-outputformat", job->output_format);
    argv_add_option(argv, "-inputformat", job->input_format);
    argv_add_each(argv, "-input", &job->input);
    argv_add_option(argv, "-output", job->output);
}

/* One that does not wait for its job cannot tell how it ends. */
static struct remote remote_of(const struct task *task) {
    const struct hadoop_streaming *job = task->block;
    struct remote remote = hadoop_remote(&job->hadoop);
    remote.verdict = remote.manager != NULL && job->background;
    return remote;
}

const struct executor executor_hadoopStreaming = {
    .kind = "hadoopStreaming",
    .doc = "Run a Hadoop Streaming job: mapper and reducer are programs that read and write lines.",
    .table = &table,
    .validate = validate,
    .command = command,
    .remote = remote_of,
};
