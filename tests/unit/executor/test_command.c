/* Blocks in, command lines out; and what a kind refuses. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support_manifest.h"

static void expect_command(const char *task_yaml, const char *wanted) {
    struct manifest manifest;
    manifest_task(&manifest, task_yaml);
    char seen[4096];
    snprintf(seen, sizeof seen, "%s", manifest_command(&manifest, 0));
    manifest_fini(&manifest);
    assert_string_equal(seen, wanted);
}

static void spark_submit_has_every_option(void **state) {
    (void)state;
    expect_command("    image: i\n    sparkSubmit: {application: app.py}\n",
                   "spark-submit --deploy-mode client app.py");
    expect_command(
        "    image: i\n"
        "    sparkSubmit:\n"
        "      program: /opt/spark/bin/spark-submit\n"
        "      master: yarn\n"
        "      deployMode: cluster\n"
        "      name: n\n"
        "      mainClass: c.M\n"
        "      application: hdfs:///a.jar\n"
        "      args: [--in, 'a b', '']\n"
        "      jars: [a.jar, b.jar]\n"
        "      packages: ['g:a:1', 'g:b:2']\n"
        "      excludePackages: ['g:c']\n"
        "      repositories: ['https://r/1', 'https://r/2']\n"
        "      pyFiles: [a.zip, b.py]\n"
        "      files: [f1, f2]\n"
        "      archives: [v.tgz#env]\n"
        "      conf: {b: '1', a: 'x=y z'}\n"
        "      propertiesFile: p.conf\n"
        "      loadSparkDefaults: true\n"
        "      driver: {memory: 1g, cores: 2, javaOptions: '-Da=b -Xss1m', libraryPath: /l, classPath: /c}\n"
        "      executor: {instances: 0, cores: 4, memory: 2g, totalCores: 8}\n"
        "      queue: q\n"
        "      principal: me@REALM\n"
        "      keytab: /k/me.keytab\n"
        "      supervise: true\n"
        "      verbose: true\n",
        "/opt/spark/bin/spark-submit --master yarn --deploy-mode cluster --name n --class c.M --jars a.jar,b.jar "
        "--packages g:a:1,g:b:2 --exclude-packages g:c --repositories https://r/1,https://r/2 "
        "--py-files a.zip,b.py --files f1,f2 --archives v.tgz#env --conf b=1 --conf a=x=y z "
        "--conf spark.yarn.tags=TAG --properties-file p.conf --load-spark-defaults --driver-memory 1g "
        "--driver-java-options -Da=b -Xss1m --driver-library-path /l --driver-class-path /c "
        "--executor-memory 2g --driver-cores 2 --supervise --total-executor-cores 8 --executor-cores 4 "
        "--queue q --num-executors 0 --principal me@REALM --keytab /k/me.keytab --verbose hdfs:///a.jar "
        "--in a b ");
    expect_command("    image: i\n    sparkSubmit: {application: a.py, remote: 'sc://h:15002', proxyUser: bob}\n",
                   "spark-submit --remote sc://h:15002 --proxy-user bob a.py");
}

static void the_tag_goes_where_yarn_is(void **state) {
    (void)state;
    expect_command("    image: i\n    sparkSubmit: {application: a, master: 'local[2]'}\n",
                   "spark-submit --master local[2] --deploy-mode client a");
    expect_command(
        "    image: i\n    sparkSubmit: {application: a, master: yarn, conf: {spark.yarn.tags: mine, x: y}}\n",
        "spark-submit --master yarn --deploy-mode client --conf spark.yarn.tags=mine,TAG --conf x=y a");
    expect_command(
        "    image: i\n    sparkSubmit: {application: a, conf: {spark.master: yarn}}\n",
        "spark-submit --master yarn --deploy-mode client --conf spark.master=yarn --conf spark.yarn.tags=TAG a");
    expect_command("    image: i\n    hadoopJar: {jar: j, conf: {mapreduce.job.tags: mine}}\n",
                   "hadoop jar j -D mapreduce.job.tags=mine,TAG");
}

static void spark_submit_refuses_what_cannot_be(void **state) {
    (void)state;
    EXPECT_TASK_PROBLEMS("    image: i\n    sparkSubmit: {}\n", "spec.tasks[0].sparkSubmit.application: is required");
    EXPECT_TASK_PROBLEMS(
        "    image: i\n    sparkSubmit: {application: --kill, queue: -q, jars: [a, -b], conf: {'': x, -a: b, "
        "'a=b': c}}\n",
        "spec.tasks[0].sparkSubmit.application: must not begin with '-' (it would be read as an option)",
        "spec.tasks[0].sparkSubmit.jars[1]: must not begin with '-' (it would be read as an option)",
        "spec.tasks[0].sparkSubmit.queue: must not begin with '-' (it would be read as an option)",
        "spec.tasks[0].sparkSubmit.conf[]: a property needs a name",
        "spec.tasks[0].sparkSubmit.conf[-a]: a property's name must not begin with '-' (it would be read "
        "as an option)",
        "spec.tasks[0].sparkSubmit.conf[a=b]: a property's name must not hold '=' or blanks");
    EXPECT_TASK_PROBLEMS(
        "    image: i\n    sparkSubmit: {application: a, master: 'spark://h:7077', deployMode: cluster}\n",
        "spec.tasks[0].sparkSubmit.deployMode: cluster mode needs the master yarn (elsewhere spark-submit "
        "reports success even when the driver failed; use client)");
    EXPECT_TASK_PROBLEMS(
        "    image: i\n    sparkSubmit: {application: a, conf: {spark.submit.deployMode: cluster}}\n",
        "spec.tasks[0].sparkSubmit.conf[spark.submit.deployMode]: cluster mode needs the master yarn (elsewhere "
        "spark-submit reports success even when the driver failed; use client)");
    EXPECT_TASK_PROBLEMS(
        "    image: i\n    sparkSubmit: {application: a, remote: 'sc://h', master: yarn, principal: p, "
        "proxyUser: u}\n",
        "spec.tasks[0].sparkSubmit.remote: excludes master and deployMode (a Spark Connect server has its "
        "own)",
        "spec.tasks[0].sparkSubmit.keytab: is required: principal and keytab go together",
        "spec.tasks[0].sparkSubmit.proxyUser: excludes principal and keytab");
    EXPECT_TASK_PROBLEMS(
        "    image: i\n    sparkSubmit: {application: a, deployMode: Cluster}\n",
        "spec.tasks[0].sparkSubmit.deployMode: must be one of client, cluster (did you mean cluster?)");
}

/* What decides who has the verdict is never left to a file or a variable of the image. */
static void the_deploy_mode_is_always_said(void **state) {
    (void)state;
    expect_command("    image: i\n    sparkSubmit: {application: a, propertiesFile: p, loadSparkDefaults: true}\n",
                   "spark-submit --deploy-mode client --properties-file p --load-spark-defaults a");
    expect_command("    image: i\n    sparkSubmit: {application: a, master: yarn, conf: {spark.submit.deployMode: "
                   "cluster}}\n",
                   "spark-submit --master yarn --deploy-mode cluster --conf spark.submit.deployMode=cluster "
                   "--conf spark.yarn.tags=TAG a");
    expect_command("    image: i\n    sparkSubmit: {application: a, conf: {spark.remote: 'sc://h'}}\n",
                   "spark-submit --conf spark.remote=sc://h a");
}

/* spark-submit refuses a deploy mode beside SPARK_REMOTE. */
static void a_variable_may_name_the_connect_server(void **state) {
    (void)state;
    expect_command(
        "    image: i\n    env: [{name: SPARK_REMOTE, value: 'sc://h'}]\n    sparkSubmit: {application: a}\n",
        "spark-submit a");
    expect_command("    image: i\n    env: [{name: SPARK_REMOTE, value: ''}]\n    sparkSubmit: {application: a}\n",
                   "spark-submit --deploy-mode client a");
    expect_command("    image: i\n    env: [{name: SPARK_REMOTE, value: 'sc://h'}]\n    sparkSubmit: {application: a, "
                   "master: yarn}\n",
                   "spark-submit --master yarn --deploy-mode client --conf spark.yarn.tags=TAG a");
}

static void a_property_may_not_contradict_its_field(void **state) {
    (void)state;
    EXPECT_TASK_PROBLEMS(
        "    image: i\n    sparkSubmit: {application: a, master: yarn, deployMode: client, conf: {spark.master: "
        "'local[2]', spark.submit.deployMode: cluster}}\n",
        "spec.tasks[0].sparkSubmit.conf[spark.master]: contradicts master: leave one of them out",
        "spec.tasks[0].sparkSubmit.conf[spark.submit.deployMode]: contradicts deployMode: leave one of them out");
    EXPECT_TASK_PROBLEMS("    image: i\n    sparkSubmit: {application: a, master: yarn, deployMode: cluster, conf: "
                         "{spark.master: yarn, spark.submit.deployMode: cluster}}\n");
    EXPECT_TASK_PROBLEMS(
        "    image: i\n    sparkSubmit: {application: a, master: yarn, conf: {spark.submit.deployMode: $(MODE)}}\n",
        "spec.tasks[0].sparkSubmit.conf[spark.submit.deployMode]: must be client or cluster: weir must know who has "
        "the verdict");
    EXPECT_TASK_PROBLEMS(
        "    image: i\n    sparkSubmit: {application: a, master: yarn, conf: {spark.remote: 'sc://h'}}\n",
        "spec.tasks[0].sparkSubmit.conf[spark.remote]: excludes master and deployMode (a Spark Connect server has its "
        "own)");
    EXPECT_TASK_PROBLEMS("    image: i\n    sparkSubmit: {application: a, remote: 'sc://h', conf: {spark.remote: "
                         "'sc://other'}}\n",
                         "spec.tasks[0].sparkSubmit.conf[spark.remote]: contradicts remote: leave one of them out");
}

static void a_driver_that_does_not_fit_is_warned_of(void **state) {
    (void)state;
    static const struct {
        const char *limit, *overlay, *block;
        const char *wanted; /* NULL: no warning */
    } cases[] = {
        {"4Gi", "", "driver: {memory: 4g}",
         "spec.tasks[0].sparkSubmit.driver.memory: 4g and Spark's overhead (384Mi, or a tenth when that is more) are "
         "4506Mi, but the memory limit of the container, where the driver runs, is 4096Mi: it may be killed (raise "
         "resources.limits.memory, or give the driver less)"},
        {"4505Mi", "", "driver: {memory: 4g}", "spec.tasks[0].sparkSubmit.driver.memory: 4g and"},
        {"4506Mi", "", "driver: {memory: 4g}", NULL},
        {"1Gi", "", "master: 'local[2]', conf: {spark.driver.memory: '1000'}",
         "spec.tasks[0].sparkSubmit.conf[spark.driver.memory]: 1000 and Spark's overhead (384Mi, or a tenth when that "
         "is more) are 1384Mi, but"},
        {"1Gi", "", "master: yarn, driver: {memory: 640m}", NULL},
        {"1Gi", "", "master: yarn, driver: {memory: 641MB}", "spec.tasks[0].sparkSubmit.driver.memory: 641MB and"},
        {"8Gi", ", resources: {limits: {memory: 1073741824}}", "driver: {memory: 2g}",
         "spec.tasks[0].sparkSubmit.driver.memory: 2g and"},
        {"1Gi", ", resources: {limits: null}", "driver: {memory: 2g}", NULL},
        {"1Gi", ", resources: {limits: {cpu: 1}}", "driver: {memory: 2g}",
         "spec.tasks[0].sparkSubmit.driver.memory: 2g and"},
        {"null", "", "driver: {memory: 2g}", NULL},
        {"1Gi", "", "master: yarn, deployMode: cluster, driver: {memory: 2g}", NULL},
        {"1Gi", "", "remote: 'sc://h', driver: {memory: 2g}", NULL},
        {"1Gi", "", "driver: {memory: $(MEMORY)}", NULL},
        {"1Gi", "", "driver: {cores: 2}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct manifest manifest;
        char yaml[512];
        snprintf(yaml, sizeof yaml,
                 "    image: i\n    resources: {limits: {memory: %s}}\n"
                 "    pod: {spec: {containers: [{name: main%s}]}}\n    sparkSubmit: {application: a, %s}\n",
                 cases[i].limit, cases[i].overlay, cases[i].block);
        manifest_task(&manifest, yaml);
        if (manifest.problems.count > 0)
            fail_msg("%s", manifest.problems.items[0]);
        assert_int_equal(manifest.warnings.count, cases[i].wanted != NULL);
        if (cases[i].wanted != NULL && !text_starts_with(manifest.warnings.items[0], cases[i].wanted))
            fail_msg("wanted %s, seen %s", cases[i].wanted, manifest.warnings.items[0]);
        manifest_fini(&manifest);
    }
}

static void the_remote_side_is_known(void **state) {
    (void)state;
    static const struct {
        const char *block, *wanted;
    } cases[] = {
        {"sparkSubmit: {application: a, master: yarn, deployMode: cluster}", "yarn, verdict"},
        {"sparkSubmit: {application: a, conf: {spark.master: yarn, spark.submit.deployMode: cluster}}",
         "yarn, verdict"},
        {"sparkSubmit: {application: a, master: yarn, deployMode: client}", "yarn"},
        {"sparkSubmit: {application: a, master: yarn}", "yarn"},
        {"sparkSubmit: {application: a}", "none"},
        {"sparkSubmit: {application: a, master: 'local[2]'}", "none"},
        {"hadoopStreaming: {jar: j, input: [i], output: o, background: true}", "yarn, verdict"},
        {"hadoopStreaming: {jar: j, input: [i], output: o, configDir: /etc/h}", "yarn, /etc/h"},
        {"hadoopStreaming: {jar: j, input: [i], output: o, background: true, jt: local}", "none"},
        {"hadoopJar: {jar: j, configDir: /etc/h}", "yarn, tagged, /etc/h"},
        {"hadoopJar: {jar: j}", "yarn, tagged"},
        {"hadoopJar: {jar: j, genericOptions: true}", "yarn"},
        {"hadoopJar: {jar: j, conf: {mapreduce.framework.name: local}}", "none"},
        {"hadoopJar: {jar: j, jt: local, conf: {mapreduce.framework.name: yarn}}", "yarn"},
        {"command: {command: [yarn, jar, j]}", "none"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct manifest manifest;
        char yaml[256], seen[128];
        snprintf(yaml, sizeof yaml, "    image: i\n    %s\n", cases[i].block);
        manifest_task(&manifest, yaml);
        assert_int_equal(manifest.problems.count, 0);
        const struct remote remote = task_remote(&manifest.pipeline->tasks[0]);
        snprintf(seen, sizeof seen, "%s%s%s%s%s", remote.manager != NULL ? remote.manager : "none",
                 remote.verdict ? ", verdict" : "", remote.tagged_conf ? ", tagged" : "",
                 remote.hadoop_conf != NULL ? ", " : "", remote.hadoop_conf != NULL ? remote.hadoop_conf : "");
        if (strcmp(seen, cases[i].wanted) != 0)
            fail_msg("%s: %s, not %s", cases[i].block, seen, cases[i].wanted);
        manifest_fini(&manifest);
    }
}

static void hadoop_jar_leaves_programs_without_generic_options_alone(void **state) {
    (void)state;
    expect_command("    image: i\n    hadoopJar: {jar: /j.jar, args: [-a, '1', '-D', 'x=y']}\n",
                   "hadoop jar /j.jar -a 1 -D x=y");
    expect_command("    image: i\n    hadoopJar: {jar: /j.jar, configDir: /etc/h, args: [x]}\n",
                   "hadoop --config /weir-conf jar /j.jar x");
    expect_command("    image: i\n    hadoopJar: {jar: /j.jar, configDir: /etc/h, jt: Local}\n",
                   "hadoop --config /etc/h jar /j.jar -jt Local -D mapreduce.job.tags=TAG");
    expect_command("    image: i\n    hadoopJar: {jar: /j.jar, mainClass: c.M, genericOptions: true, args: [x]}\n",
                   "hadoop jar /j.jar c.M -D mapreduce.job.tags=TAG x");
    expect_command("    image: i\n"
                   "    hadoopJar:\n"
                   "      program: /opt/hadoop/bin/hadoop\n"
                   "      configDir: /etc/h\n"
                   "      jar: /j.jar\n"
                   "      mainClass: c.M\n"
                   "      conf: {mapreduce.job.queuename: etl, a: b}\n"
                   "      confFiles: [x.xml, y.xml]\n"
                   "      fs: hdfs://nn:8020\n"
                   "      jt: rm:8032\n"
                   "      tokenCacheFile: /t\n"
                   "      libJars: [a.jar, b.jar]\n"
                   "      files: [f#g, h]\n"
                   "      archives: [z.tgz#z]\n"
                   "      args: [in, out]\n",
                   "/opt/hadoop/bin/hadoop --config /etc/h jar /j.jar c.M -conf x.xml -conf y.xml -fs hdfs://nn:8020 "
                   "-jt rm:8032 -tokenCacheFile /t -libjars a.jar,b.jar -archives z.tgz#z -files f#g,h "
                   "-D mapreduce.job.queuename=etl -D a=b -D mapreduce.job.tags=TAG in out");
    EXPECT_TASK_PROBLEMS("    image: i\n    hadoopJar: {mainClass: -D, files: ['-x']}\n",
                         "spec.tasks[0].hadoopJar.jar: is required",
                         "spec.tasks[0].hadoopJar.mainClass: must not begin with '-' (it would be read as an option)",
                         "spec.tasks[0].hadoopJar.files[0]: must not begin with '-' (it would be read as an option)");
}

static void streaming_has_every_option(void **state) {
    (void)state;
    expect_command(
        "    image: i\n"
        "    hadoopStreaming:\n"
        "      jar: /s.jar\n"
        "      mapper: python3 map.py\n"
        "      reducer: python3 reduce.py\n"
        "      combiner: python3 combine.py\n"
        "      input: [/in/a, '/in/b*']\n"
        "      output: /out\n"
        "      numReduceTasks: 0\n"
        "      inputFormat: I\n"
        "      outputFormat: O\n"
        "      inputReader: R\n"
        "      partitioner: P\n"
        "      cmdenv: {A: b-c, D: ''}\n"
        "      file: [f1, f2]\n"
        "      io: text\n"
        "      mapDebug: md\n"
        "      reduceDebug: rd\n"
        "      lazyOutput: true\n"
        "      background: true\n"
        "      verbose: true\n"
        "      files: [map.py, reduce.py]\n"
        "      conf: {mapreduce.job.name: n}\n",
        "hadoop jar /s.jar -files map.py,reduce.py -D mapreduce.job.name=n -D mapreduce.job.tags=TAG "
        "-partitioner P -cmdenv A=b-c -cmdenv D= -io text -inputreader R -mapdebug md -reducedebug rd "
        "-numReduceTasks 0 -lazyOutput -background -verbose -mapper python3 map.py -combiner python3 combine.py "
        "-reducer python3 reduce.py -file f1 -file f2 -outputformat O -inputformat I -input /in/a -input /in/b* "
        "-output /out");
    EXPECT_TASK_PROBLEMS(
        "    image: i\n    hadoopStreaming: {input: [], mapper: -x, cmdenv: {'A B': c, D: 'e f'}}\n",
        "spec.tasks[0].hadoopStreaming.jar: is required",
        "spec.tasks[0].hadoopStreaming.mapper: must not begin with '-' (it would be read as an option)",
        "spec.tasks[0].hadoopStreaming.input: must not be empty", "spec.tasks[0].hadoopStreaming.output: is required",
        "spec.tasks[0].hadoopStreaming.cmdenv[A B]: a property's name must not hold '=' or blanks",
        "spec.tasks[0].hadoopStreaming.cmdenv[D]: must not hold blanks: Hadoop splits the value there (write another "
        "character and turn it back in the mapper, or ship a file)");
}

static void a_command_is_its_words(void **state) {
    (void)state;
    expect_command("    image: i\n    command: {command: [sh, -c], args: ['echo $(HOME) \"x\"']}\n",
                   "sh -c echo $(HOME) \"x\"");
    EXPECT_TASK_PROBLEMS("    image: i\n    command: {args: [x]}\n", "spec.tasks[0].command.command: is required");
    EXPECT_TASK_PROBLEMS("    image: i\n    command: {command: ['']}\n",
                         "spec.tasks[0].command.command[0]: must name a program");
    EXPECT_TASK_PROBLEMS("    command: {command: [x]}\n",
                         "spec.tasks[0].image: is required, here or in spec.defaults.image");
    EXPECT_TASK_PROBLEMS("    command: {command: [x]}\n    pod: {spec: {containers: [{name: main, image: i}]}}\n");
    EXPECT_TASK_PROBLEMS("    image: i\n    command: {command: [x]}\n"
                         "    pod: {spec: {containers: [{name: main, image: null}]}}\n",
                         "spec.tasks[0].image: is required, here or in spec.defaults.image");
}

static void a_tag_is_what_yarn_takes(void **state) {
    (void)state;
    struct manifest manifest;
    manifest_task(&manifest, "    image: i\n    command: {command: [x]}\n");
    struct task task = {.name = "t"};
    assert_string_equal(names_tag(manifest.run.uid, task.name, &manifest.arena), "weir-0a1b-t");
    manifest.run.uid = "0a1b2c3d-0000-0000-0000-000000000001";
    task.name = "a-name-of-sixty-three-characters-1234567890-1234567890-12345678";
    const char *one = names_tag(manifest.run.uid, task.name, &manifest.arena);
    task.name = "a-name-of-sixty-three-characters-1234567890-1234567890-12345679";
    const char *other = names_tag(manifest.run.uid, task.name, &manifest.arena);
    assert_int_equal(strlen(one), 100);
    assert_int_equal(strlen(other), 100);
    assert_string_not_equal(one, other);
    manifest_fini(&manifest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spark_submit_has_every_option),
        cmocka_unit_test(the_tag_goes_where_yarn_is),
        cmocka_unit_test(spark_submit_refuses_what_cannot_be),
        cmocka_unit_test(the_deploy_mode_is_always_said),
        cmocka_unit_test(a_variable_may_name_the_connect_server),
        cmocka_unit_test(a_property_may_not_contradict_its_field),
        cmocka_unit_test(a_driver_that_does_not_fit_is_warned_of),
        cmocka_unit_test(the_remote_side_is_known),
        cmocka_unit_test(hadoop_jar_leaves_programs_without_generic_options_alone),
        cmocka_unit_test(streaming_has_every_option),
        cmocka_unit_test(a_command_is_its_words),
        cmocka_unit_test(a_tag_is_what_yarn_takes),
    };
    return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
