/* Kind sparkSubmit: the options of Spark 4.1's spark-submit in the order in which its help names them. The same task
 * gives the same words in every attempt. On YARN it adds its tag to spark.yarn.tags, so that the application can be
 * found without reading a log. Which deploy mode it is must not hang on a file or a variable of the image, since the
 * verdict does: it is always said, and so is the master that the manifest names. Never changes another option. */

#include "executor/kinds.h"

enum deploy_mode { DEPLOY_CLIENT, DEPLOY_CLUSTER, DEPLOY_ABSENT = -1 };
static const char *const deploy_modes[] = {[DEPLOY_CLIENT] = "client", [DEPLOY_CLUSTER] = "cluster", NULL};

struct spark_driver {
    const char *memory, *java_options, *library_path, *class_path;
    int64_t cores;
};

struct spark_executor {
    const char *memory;
    int64_t cores, instances, total_cores;
};

struct spark_submit {
    const char *program;
    const char *master, *remote, *name, *main_class, *application, *properties_file, *queue;
    const char *proxy_user, *principal, *keytab;
    int deploy_mode; /* enum deploy_mode */
    bool load_spark_defaults, supervise, verbose;
    struct strings jars, packages, exclude_packages, repositories, py_files, files, archives, args;
    struct pairs conf;
    struct spark_driver *driver;
    struct spark_executor *executor;
};

#define IN(type, member) .offset = offsetof(struct type, member)
#define COUNT(array)     (sizeof(array) / sizeof *(array))
#define CORES_MAX        10000

static const struct field driver_fields[] = {
    {"memory", "--driver-memory: memory of the driver, such as 1000M or 2G (Spark's default: 1024M).", FIELD_STRING,
     IN(spark_driver, memory), .flags = FIELD_NOT_FLAG, .max = 32},
    {"cores", "--driver-cores: cores of the driver; cluster mode only (Spark's default: 1).", FIELD_INT,
     IN(spark_driver, cores), .min = 1, .max = CORES_MAX, .absent = -1},
    {"javaOptions", "--driver-java-options: further Java options of the driver, as one text.", FIELD_STRING,
     IN(spark_driver, java_options)},
    {"libraryPath", "--driver-library-path: further library path entries of the driver.", FIELD_STRING,
     IN(spark_driver, library_path), .flags = FIELD_NOT_FLAG},
    {"classPath", "--driver-class-path: further class path entries of the driver; what is in jars is there already.",
     FIELD_STRING, IN(spark_driver, class_path), .flags = FIELD_NOT_FLAG},
};
static const struct table driver_table = {
    .size = sizeof(struct spark_driver), .fields = driver_fields, .field_count = COUNT(driver_fields)};

static const struct field executor_fields[] = {
    {"instances",
     "--num-executors: number of executors on YARN and Kubernetes; the initial number with dynamic "
     "allocation (Spark's default: 2).",
     FIELD_INT, IN(spark_executor, instances), .max = 100000, .absent = -1},
    {"cores",
     "--executor-cores: cores of each executor (Spark's default: 1 on YARN and Kubernetes, all of the worker on "
     "a standalone cluster).",
     FIELD_INT, IN(spark_executor, cores), .min = 1, .max = CORES_MAX, .absent = -1},
    {"memory", "--executor-memory: memory of each executor, such as 1000M or 2G (Spark's default: 1G).", FIELD_STRING,
     IN(spark_executor, memory), .flags = FIELD_NOT_FLAG, .max = 32},
    {"totalCores", "--total-executor-cores: cores of all executors together; standalone clusters only.", FIELD_INT,
     IN(spark_executor, total_cores), .min = 1, .max = 10000000, .absent = -1},
};
static const struct table executor_table = {
    .size = sizeof(struct spark_executor), .fields = executor_fields, .field_count = COUNT(executor_fields)};

static const struct field fields[] = {
    {"application", "The application: a jar, a Python file or an R file, by path or URL (required).", FIELD_STRING,
     IN(spark_submit, application), .flags = FIELD_REQUIRED | FIELD_NOT_FLAG, .min = 1},
    {"args", "Arguments of the application, each as it is: no shell sees them.", FIELD_STRINGS, IN(spark_submit, args)},
    {"mainClass", "--class: main class of a Java or Scala application.", FIELD_STRING, IN(spark_submit, main_class),
     .flags = FIELD_NOT_FLAG},
    {"master",
     "--master: yarn, local, local[N], spark://host:port or k8s://https://host:port (default: what the properties "
     "file, spark-defaults.conf or MASTER of the image say, else local[*]; name yarn here, or weir does not look after "
     "what runs there).",
     FIELD_STRING, IN(spark_submit, master), .flags = FIELD_NOT_FLAG},
    {"deployMode",
     "--deploy-mode: client runs the driver in the task's pod, cluster on the cluster. Cluster mode needs "
     "the master yarn for now, where weir asks YARN for the result (default client, whatever the properties file, "
     "spark-defaults.conf or DEPLOY_MODE of the image say).",
     FIELD_ENUM, IN(spark_submit, deploy_mode), .values = deploy_modes, .absent = DEPLOY_ABSENT},
    {"remote", "--remote: URL of a Spark Connect server (sc://host:port); excludes master and deployMode.",
     FIELD_STRING, IN(spark_submit, remote), .flags = FIELD_NOT_FLAG},
    {"name", "--name: name of the application, as Spark and YARN show it.", FIELD_STRING, IN(spark_submit, name),
     .flags = FIELD_NOT_FLAG},
    {"jars", "--jars: jars for the class paths of driver and executors.", FIELD_STRINGS, IN(spark_submit, jars),
     .flags = FIELD_NOT_FLAG},
    {"packages", "--packages: Maven coordinates (group:artifact:version) of jars for the class paths.", FIELD_STRINGS,
     IN(spark_submit, packages), .flags = FIELD_NOT_FLAG},
    {"excludePackages", "--exclude-packages: group:artifact to leave out when packages are resolved.", FIELD_STRINGS,
     IN(spark_submit, exclude_packages), .flags = FIELD_NOT_FLAG},
    {"repositories",
     "--repositories: further Maven repositories for packages. Credentials do not belong in these URLs.", FIELD_STRINGS,
     IN(spark_submit, repositories), .flags = FIELD_NOT_FLAG},
    {"pyFiles", "--py-files: .zip, .egg and .py files for the PYTHONPATH.", FIELD_STRINGS, IN(spark_submit, py_files),
     .flags = FIELD_NOT_FLAG},
    {"files", "--files: files for the working directory of each executor.", FIELD_STRINGS, IN(spark_submit, files),
     .flags = FIELD_NOT_FLAG},
    {"archives", "--archives: archives to unpack in the working directory of each executor.", FIELD_STRINGS,
     IN(spark_submit, archives), .flags = FIELD_NOT_FLAG},
    {"conf",
     "--conf: Spark properties, one option each. weir adds its tag to spark.yarn.tags when the master is yarn. "
     "Not for secrets: they would be visible in the pod.",
     FIELD_PAIRS, IN(spark_submit, conf)},
    {"propertiesFile", "--properties-file: file with further properties (Spark's default: conf/spark-defaults.conf).",
     FIELD_STRING, IN(spark_submit, properties_file), .flags = FIELD_NOT_FLAG},
    {"loadSparkDefaults", "--load-spark-defaults: read conf/spark-defaults.conf also when propertiesFile is set.",
     FIELD_BOOL, IN(spark_submit, load_spark_defaults)},
    {"driver", "The driver.", FIELD_OBJECT, IN(spark_submit, driver), .table = &driver_table},
    {"executor", "The executors.", FIELD_OBJECT, IN(spark_submit, executor), .table = &executor_table},
    {"queue", "--queue: YARN queue (Spark's default: default).", FIELD_STRING, IN(spark_submit, queue),
     .flags = FIELD_NOT_FLAG},
    {"proxyUser", "--proxy-user: user to impersonate; excludes principal and keytab.", FIELD_STRING,
     IN(spark_submit, proxy_user), .flags = FIELD_NOT_FLAG},
    {"principal", "--principal: Kerberos principal to log in with; needs keytab.", FIELD_STRING,
     IN(spark_submit, principal), .flags = FIELD_NOT_FLAG},
    {"keytab", "--keytab: path of the keytab of principal, from a Secret that is mounted as a volume.", FIELD_STRING,
     IN(spark_submit, keytab), .flags = FIELD_NOT_FLAG},
    {"supervise", "--supervise: restart the driver when it fails; standalone cluster mode only.", FIELD_BOOL,
     IN(spark_submit, supervise)},
    {"verbose", "--verbose: print what spark-submit makes of its options.", FIELD_BOOL, IN(spark_submit, verbose)},
    {"program", "Path of spark-submit in the image (default: spark-submit, looked up in PATH).", FIELD_STRING,
     IN(spark_submit, program), .flags = FIELD_NOT_FLAG},
};
static const struct table table = {.size = sizeof(struct spark_submit), .fields = fields, .field_count = COUNT(fields)};

#define MASTER_PROPERTY      "spark.master"
#define DEPLOY_MODE_PROPERTY "spark.submit.deployMode"
#define REMOTE_PROPERTY      "spark.remote"

/* What the manifest says: spark-submit takes the property when there is no option, and both before any file or variable
 * of the image (SparkSubmitArguments). */
static const char *master_of(const struct spark_submit *spark) {
    return !text_empty(spark->master) ? spark->master : pairs_find(&spark->conf, MASTER_PROPERTY);
}

static bool on_yarn(const struct spark_submit *spark) {
    return text_equal(master_of(spark), "yarn");
}

static bool in_cluster(const struct spark_submit *spark) {
    if (spark->deploy_mode != DEPLOY_ABSENT)
        return spark->deploy_mode == DEPLOY_CLUSTER;
    return text_equal(pairs_find(&spark->conf, DEPLOY_MODE_PROPERTY), deploy_modes[DEPLOY_CLUSTER]);
}

static bool on_connect(const struct spark_submit *spark) {
    return !text_empty(spark->remote) || !text_empty(pairs_find(&spark->conf, REMOTE_PROPERTY));
}

/* Is it a variable of the task's that names the Connect server? spark-submit refuses a deploy mode beside it. */
static bool connects_by_env(const struct task *task) {
    size_t i, count;
    yyjson_val *entry;
    if (!yyjson_is_arr(task->env))
        return false;
    yyjson_arr_foreach(task->env, i, count, entry) {
        if (yyjson_equals_str(yyjson_obj_get(entry, "name"), "SPARK_REMOTE"))
            return yyjson_get_len(yyjson_obj_get(entry, "value")) > 0;
    }
    return false;
}

/* Of a driver that runs in the task's pod. */
static void warn_memory(const struct task *task, const struct place *place, struct problems *warnings) {
    const struct spark_submit *spark = task->block;
    const struct place driver = {.up = place, .name = "driver"};
    const struct place conf = {.up = place, .name = "conf"};
    if (task->unsound || in_cluster(spark) || on_connect(spark))
        return;
    if (spark->driver != NULL && !text_empty(spark->driver->memory))
        spark_warn_memory(task, spark->driver->memory, &(struct place){.up = &driver, .name = "memory"}, warnings);
    else
        spark_warn_memory(task, pairs_find(&spark->conf, "spark.driver.memory"),
                          &(struct place){.up = &conf, .entry = "spark.driver.memory"}, warnings);
}

/* What a property says otherwise than its field: spark-submit would take the field without a word. */
static void check_same(const char *field, const char *said, const struct spark_submit *spark, const char *property,
                       const struct place *place, struct problems *problems) {
    const struct place conf = {.up = place, .name = "conf"};
    const char *other = pairs_find(&spark->conf, property);
    if (!text_empty(said) && other != NULL && !text_equal(said, other))
        problems_add_at(problems, &(struct place){.up = &conf, .entry = property},
                        "contradicts %s: leave one of them out", field);
}

static void check_deploy_mode(const struct spark_submit *spark, const struct place *place, struct problems *problems) {
    const struct place conf = {.up = place, .name = "conf"};
    const struct place field = {.up = place, .name = "deployMode"};
    const struct place property = {.up = &conf, .entry = DEPLOY_MODE_PROPERTY};
    const char *mode = pairs_find(&spark->conf, DEPLOY_MODE_PROPERTY);
    bool by_field = spark->deploy_mode != DEPLOY_ABSENT;
    if (by_field)
        check_same("deployMode", deploy_modes[spark->deploy_mode], spark, DEPLOY_MODE_PROPERTY, place, problems);
    else if (mode != NULL && !text_equal(mode, deploy_modes[DEPLOY_CLIENT]) && !in_cluster(spark))
        problems_add_at(problems, &property, "must be client or cluster: weir must know who has the verdict");
    if (in_cluster(spark) && !on_yarn(spark))
        problems_add_at(
            problems, by_field ? &field : &property,
            "cluster mode needs the master yarn (elsewhere spark-submit reports success even when the driver "
            "failed; use client)");
}

static void check_connect(const struct spark_submit *spark, const struct place *place, struct problems *problems) {
    const struct place conf = {.up = place, .name = "conf"};
    const struct place field = {.up = place, .name = "remote"};
    const struct place property = {.up = &conf, .entry = REMOTE_PROPERTY};
    check_same("remote", spark->remote, spark, REMOTE_PROPERTY, place, problems);
    if (on_connect(spark) && (master_of(spark) != NULL || spark->deploy_mode != DEPLOY_ABSENT ||
                              pairs_find(&spark->conf, DEPLOY_MODE_PROPERTY) != NULL))
        problems_add_at(problems, text_empty(spark->remote) ? &property : &field,
                        "excludes master and deployMode (a Spark Connect server has its own)");
}

static void validate(const struct task *task, const struct place *place, struct problems *problems,
                     struct problems *warnings) {
    const struct spark_submit *spark = task->block;
    check_pair_names(&spark->conf, place, "conf", problems);
    check_connect(spark, place, problems);
    check_same("master", spark->master, spark, MASTER_PROPERTY, place, problems);
    check_deploy_mode(spark, place, problems);
    if (text_empty(spark->principal) != text_empty(spark->keytab))
        problems_add_at(problems,
                        &(struct place){.up = place, .name = text_empty(spark->keytab) ? "keytab" : "principal"},
                        "is required: principal and keytab go together");
    if (!text_empty(spark->proxy_user) && !text_empty(spark->principal))
        problems_add_at(problems, &(struct place){.up = place, .name = "proxyUser"}, "excludes principal and keytab");
    warn_memory(task, place, warnings);
}

static void add_driver(const struct spark_driver *driver, struct argv *argv) {
    argv_add_option(argv, "--driver-memory", driver->memory);
    argv_add_option(argv, "--driver-java-options", driver->java_options);
    argv_add_option(argv, "--driver-library-path", driver->library_path);
    argv_add_option(argv, "--driver-class-path", driver->class_path);
}

/* A Connect server has its own; for all else it is said, or a file of the image may say cluster mode. */
static bool says_mode(const struct task *task) {
    const struct spark_submit *spark = task->block;
    bool named = master_of(spark) != NULL || spark->deploy_mode != DEPLOY_ABSENT ||
                 pairs_find(&spark->conf, DEPLOY_MODE_PROPERTY) != NULL;
    return !on_connect(spark) && (named || !connects_by_env(task));
}

static void add_names(const struct task *task, struct argv *argv) {
    const struct spark_submit *spark = task->block;
    argv_add(argv, text_empty(spark->program) ? "spark-submit" : spark->program);
    argv_add_option(argv, "--remote", spark->remote);
    if (says_mode(task)) {
        argv_add_option(argv, "--master", master_of(spark));
        argv_add_option(argv, "--deploy-mode", deploy_modes[in_cluster(spark) ? DEPLOY_CLUSTER : DEPLOY_CLIENT]);
    }
    argv_add_option(argv, "--name", spark->name);
    argv_add_option(argv, "--class", spark->main_class);
    argv_add_joined(argv, "--jars", &spark->jars);
    argv_add_joined(argv, "--packages", &spark->packages);
    argv_add_joined(argv, "--exclude-packages", &spark->exclude_packages);
    argv_add_joined(argv, "--repositories", &spark->repositories);
    argv_add_joined(argv, "--py-files", &spark->py_files);
    argv_add_joined(argv, "--files", &spark->files);
    argv_add_joined(argv, "--archives", &spark->archives);
}

static void add_sizes(const struct spark_submit *spark, struct argv *argv) {
    static const struct spark_driver no_driver = {.cores = -1};
    static const struct spark_executor no_executor = {.cores = -1, .instances = -1, .total_cores = -1};
    const struct spark_driver *driver = spark->driver != NULL ? spark->driver : &no_driver;
    const struct spark_executor *executor = spark->executor != NULL ? spark->executor : &no_executor;
    add_driver(driver, argv);
    argv_add_option(argv, "--executor-memory", executor->memory);
    argv_add_int(argv, "--driver-cores", driver->cores);
    argv_add_flag(argv, "--supervise", spark->supervise);
    argv_add_int(argv, "--total-executor-cores", executor->total_cores);
    argv_add_int(argv, "--executor-cores", executor->cores);
    argv_add_option(argv, "--queue", spark->queue);
    argv_add_int(argv, "--num-executors", executor->instances);
}

static void command(const struct task *task, const char *tag, struct argv *argv) {
    const struct spark_submit *spark = task->block;
    add_names(task, argv);
    argv_add_pairs(argv, "--conf", &spark->conf, "spark.yarn.tags", on_yarn(spark) ? tag : NULL);
    argv_add_option(argv, "--properties-file", spark->properties_file);
    argv_add_flag(argv, "--load-spark-defaults", spark->load_spark_defaults);
    add_sizes(spark, argv);
    argv_add_option(argv, "--proxy-user", spark->proxy_user);
    argv_add_option(argv, "--principal", spark->principal);
    argv_add_option(argv, "--keytab", spark->keytab);
    argv_add_flag(argv, "--verbose", spark->verbose);
    argv_add(argv, spark->application);
    argv_add_all(argv, &spark->args);
}

/* A client of YARN that is killed, or told not to wait, says nothing about the application: YARN does. */
static struct remote remote_of(const struct task *task) {
    const struct spark_submit *spark = task->block;
    bool yarn = on_yarn(spark);
    return (struct remote){.manager = yarn ? "yarn" : NULL, .verdict = yarn && in_cluster(spark)};
}

const struct executor executor_sparkSubmit = {
    .kind = "sparkSubmit",
    .doc = "Run spark-submit. Each field is the option of the same name.",
    .table = &table,
    .validate = validate,
    .command = command,
    .remote = remote_of,
};
