/* See scan.h. A table of literals with what follows each, found in one pass by needles.c. The literals are those that
 * Spark 4.1 and Hadoop 3.4 print; the source file is named at each, and the same text is found inside the "msg" of
 * Spark's JSON logs. Never trusts what it reads: ids, ports and URLs are taken only in their exact form. */

#include "launcher/scan.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/needles.h"

/* Reading position in what follows a literal. */
struct reader {
    const char *at, *end;
};

static bool read_literal(struct reader *reader, const char *literal) {
    size_t length = strlen(literal);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, literal, length) != 0)
        return false;
    reader->at += length;
    return true;
}

static bool read_number(struct reader *reader, int max, int *ret) {
    int value = 0;
    const char *start = reader->at;
    for (; reader->at < reader->end && isdigit((unsigned char)*reader->at); reader->at++) {
        if (value > (max - (*reader->at - '0')) / 10)
            return false;
        value = value * 10 + (*reader->at - '0');
    }
    *ret = value;
    return reader->at > start;
}

/* Appends characters of one class to fact->text; false when there were none or too many. */
static bool take(struct reader *reader, struct fact *fact, int (*accept)(int), size_t max) {
    size_t length = strlen(fact->text), taken = 0;
    while (reader->at < reader->end && accept((unsigned char)*reader->at)) {
        if (length + 1 >= sizeof fact->text || ++taken > max)
            return false;
        fact->text[length++] = *reader->at++;
    }
    fact->text[length] = '\0';
    return taken > 0;
}

/* prefix, digits, separator, digits, and then something else: an id that ends here. */
static bool take_id(struct reader *reader, struct fact *fact, const char *prefix, char separator) {
    snprintf(fact->text, sizeof fact->text, "%s", prefix);
    if (!take(reader, fact, isdigit, 20) || reader->at == reader->end || *reader->at != separator)
        return false;
    size_t length = strlen(fact->text);
    fact->text[length] = *reader->at++;
    fact->text[length + 1] = '\0';
    return take(reader, fact, isdigit, 10) &&
           (reader->at == reader->end || (!isalnum((unsigned char)*reader->at) && *reader->at != '_'));
}

static bool take_application(struct reader *reader, struct fact *fact) {
    return take_id(reader, fact, "application_", '_');
}

static bool take_standalone(struct reader *reader, struct fact *fact) {
    return take_id(reader, fact, "app-", '-');
}

static bool take_job(struct reader *reader, struct fact *fact) {
    return take_id(reader, fact, read_literal(reader, "local") ? "job_local" : "job_", '_');
}

static int is_url_character(int c) {
    return c > ' ' && c < 0x7F && !strchr("\"'<>\\`{}|^", c);
}

/* "http" has been read; an authority whose host and port can be, then anything up to a blank or a quote. */
static bool take_url(struct reader *reader, struct fact *fact) {
    snprintf(fact->text, sizeof fact->text, "http");
    if (!take(reader, fact, is_url_character, RECORD_URL_MAX - 4) || !record_url_valid(fact->text))
        return false;
    const char *host = strstr(fact->text, "//") + 2;
    size_t length = host[0] == '[' ? strcspn(host, "]/") : strcspn(host, ":/?#");
    if (host[0] == '[' && host[length] != ']')
        return false;
    for (size_t i = host[0] == '['; i < length; i++)
        if (!isalnum((unsigned char)host[i]) && !strchr(host[0] == '[' ? ":." : ".-_", host[i]))
            return false;
    struct reader port = {host + length + (host[0] == '['), host + strlen(host)};
    int number = 80;
    if (read_literal(&port, ":") && (!read_number(&port, 65535, &number) || number == 0))
        return false;
    return strcmp(fact->text, "http://localhost:8080/") != 0; /* LocalJobRunner's: nothing listens there */
}

static bool take_map_reduce(struct reader *reader, struct fact *fact) {
    return read_number(reader, 100, &fact->number) && read_literal(reader, "% reduce ") &&
           read_number(reader, 100, &fact->total) && read_literal(reader, "%");
}

static bool take_port(struct reader *reader, struct fact *fact) {
    return read_number(reader, 65535, &fact->number) && fact->number > 0;
}

/* "HOST:PORT for SparkUI"; other servers of Spark are announced in the same words. */
static bool take_jetty(struct reader *reader, struct fact *fact) {
    const char *blank = memchr(reader->at, ' ', (size_t)(reader->end - reader->at));
    const char *colon = blank ? memrchr(reader->at, ':', (size_t)(blank - reader->at)) : NULL;
    if (!colon)
        return false;
    reader->at = colon + 1;
    return take_port(reader, fact) && read_literal(reader, " for SparkUI");
}

static bool take_reported(struct reader *reader, struct fact *fact) {
    return read_literal(reader, "application_") && take_application(reader, fact);
}

static bool take_state(struct reader *reader, struct fact *fact) {
    struct fact id = {0};
    return take_application(reader, &id) && read_literal(reader, " (state: ") && take(reader, fact, isupper, 20);
}

static bool take_status(struct reader *reader, struct fact *fact) {
    return take(reader, fact, isupper, 20);
}

static int is_stage_character(int c) {
    return isdigit(c) || c == '.';
}

static bool take_task_set(struct reader *reader, struct fact *fact) {
    return take(reader, fact, is_stage_character, 20) && read_literal(reader, " with ") &&
           read_number(reader, 100000000, &fact->total) && read_literal(reader, " tasks") && fact->total > 0;
}

/* "0.0 in stage 1.0 (TID 3) in 34 ms on host (executor 1) (4/8)" */
static bool take_finished_task(struct reader *reader, struct fact *fact) {
    struct fact task = {0};
    if (!take(reader, &task, is_stage_character, 20) || !read_literal(reader, " in stage ") ||
        !take(reader, fact, is_stage_character, 20))
        return false;
    for (const char *p = reader->at; (p = memchr(p, '(', (size_t)(reader->end - p))); p++) {
        struct reader inner = {p + 1, reader->end};
        if (read_number(&inner, 100000000, &fact->number) && read_literal(&inner, "/") &&
            read_number(&inner, 100000000, &fact->total) && read_literal(&inner, ")"))
            return fact->total > 0 && fact->number <= fact->total;
    }
    return false;
}

enum { HADOOP = SCAN_HADOOP_JAR | SCAN_HADOOP_STREAMING, ON_YARN = HADOOP | SCAN_SPARK_SUBMIT };

static const struct pattern {
    const char *literal;
    unsigned kinds;
    enum fact_type type;
    bool (*take)(struct reader *, struct fact *);
} patterns[] = {
    /* hadoop-yarn-client: YarnClientImpl.submitApplication */
    {"Submitted application application_", ON_YARN, FACT_APPLICATION, take_application},
    /* hadoop-mapreduce-client-core: mapreduce/Job.java, submit and monitorAndPrintJob */
    {"The url to track the job: http", HADOOP, FACT_TRACKING_URL, take_url},
    {"Running job: job_", HADOOP, FACT_JOB, take_job},
    {" map ", HADOOP, FACT_MAP_REDUCE, take_map_reduce},
    /* spark-yarn: deploy/yarn/Client.scala, formatReportDetails and monitorApplication */
    {"tracking URL: http", SCAN_SPARK_SUBMIT, FACT_TRACKING_URL, take_url},
    {"Application report for ", SCAN_SPARK_SUBMIT, FACT_APPLICATION, take_reported},
    {"Application report for application_", SCAN_SPARK_SUBMIT, FACT_STATE, take_state},
    {"final status: ", SCAN_SPARK_SUBMIT, FACT_FINAL_STATUS, take_status},
    /* spark-core: util/Utils.scala startServiceOnPort, ui/JettyUtils.scala */
    {"Successfully started service 'SparkUI' on port ", SCAN_SPARK_SUBMIT, FACT_UI_PORT, take_port},
    {"Start Jetty ", SCAN_SPARK_SUBMIT, FACT_UI_PORT, take_jetty},
    /* spark-core: scheduler/cluster/StandaloneSchedulerBackend.scala */
    {"Connected to Spark cluster with app ID app-", SCAN_SPARK_SUBMIT, FACT_APPLICATION, take_standalone},
    /* spark-core: scheduler/TaskSchedulerImpl.scala submitTasks, TaskSetManager.scala handleSuccessfulTask */
    {"Adding task set ", SCAN_SPARK_SUBMIT, FACT_TASKS, take_task_set},
    {"Finished task ", SCAN_SPARK_SUBMIT, FACT_TASKS, take_finished_task},
};
enum { PATTERNS = sizeof patterns / sizeof patterns[0] };

static struct needles needles;

void scan_init(void) {
    if (needles.count)
        return;
    for (size_t i = 0; i < PATTERNS; i++)
        if (needles_add(&needles, patterns[i].literal) != (int)i)
            abort();
    needles_build(&needles);
}

struct scan {
    enum scan_kind kind;
    const char *end;
    struct facts *facts;
};

static void each_match(void *context, int needle, const char *after) {
    struct scan *scan = context;
    const struct pattern *pattern = &patterns[needle];
    if (!(pattern->kinds & scan->kind) || scan->facts->count == FACTS_MAX)
        return;
    struct fact *fact = &scan->facts->items[scan->facts->count];
    *fact = (struct fact){.type = pattern->type};
    struct reader reader = {after, scan->end};
    if (pattern->take(&reader, fact))
        scan->facts->count++;
}

void scan_line(enum scan_kind kind, const char *line, size_t length, struct facts *ret_facts) {
    ret_facts->count = 0;
    if (kind == SCAN_COMMAND)
        return;
    struct scan scan = {kind, line + length, ret_facts};
    needles_search(&needles, line, length, each_match, &scan);
}

int scan_kind_parse(const char *name, enum scan_kind *ret_kind) {
    static const struct {
        const char *name;
        enum scan_kind kind;
    } names[] = {{"sparkSubmit", SCAN_SPARK_SUBMIT},
                 {"hadoopJar", SCAN_HADOOP_JAR},
                 {"hadoopStreaming", SCAN_HADOOP_STREAMING},
                 {"command", SCAN_COMMAND}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i].name) == 0) {
            *ret_kind = names[i].kind;
            return 0;
        }
    }
    return -1;
}
