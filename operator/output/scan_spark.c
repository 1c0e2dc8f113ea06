/* What Spark 4.1's spark-submit and a driver in its process print. The source file is named at each literal. */

#include <ctype.h>
#include <string.h>

#include "output/reader.h"

static bool take_standalone(struct reader *reader, struct fact *fact) {
    return reader_id(reader, fact, "app-", '-');
}

static bool take_port(struct reader *reader, struct fact *fact) {
    return reader_number(reader, 65535, &fact->number) && fact->number > 0;
}

/* "HOST:PORT for SparkUI"; other servers of Spark are announced in the same words. */
static bool take_jetty(struct reader *reader, struct fact *fact) {
    const char *blank = memchr(reader->at, ' ', (size_t)(reader->end - reader->at));
    const char *colon = blank ? memrchr(reader->at, ':', (size_t)(blank - reader->at)) : NULL;
    if (!colon)
        return false;
    reader->at = colon + 1;
    return take_port(reader, fact) && reader_literal(reader, " for SparkUI");
}

static bool take_reported(struct reader *reader, struct fact *fact) {
    return reader_literal(reader, "application_") && reader_application(reader, fact);
}

static bool take_state(struct reader *reader, struct fact *fact) {
    struct fact id = {0};
    return reader_application(reader, &id) && reader_literal(reader, " (state: ") &&
           reader_take(reader, fact, isupper, 20);
}

static bool take_status(struct reader *reader, struct fact *fact) {
    return reader_take(reader, fact, isupper, 20);
}

static int is_stage_character(int c) {
    return isdigit(c) || c == '.';
}

static bool take_task_set(struct reader *reader, struct fact *fact) {
    return reader_take(reader, fact, is_stage_character, 20) && reader_literal(reader, " with ") &&
           reader_number(reader, 100000000, &fact->total) && reader_literal(reader, " tasks") && fact->total > 0;
}

/* "0.0 in stage 1.0 (TID 3) in 34 ms on host (executor 1) (4/8)" */
static bool take_finished_task(struct reader *reader, struct fact *fact) {
    struct fact task = {0};
    if (!reader_take(reader, &task, is_stage_character, 20) || !reader_literal(reader, " in stage ") ||
        !reader_take(reader, fact, is_stage_character, 20))
        return false;
    for (const char *p = reader->at; (p = memchr(p, '(', (size_t)(reader->end - p))); p++) {
        struct reader inner = {p + 1, reader->end};
        if (reader_number(&inner, 100000000, &fact->number) && reader_literal(&inner, "/") &&
            reader_number(&inner, 100000000, &fact->total) && reader_literal(&inner, ")"))
            return fact->total > 0 && fact->number <= fact->total;
    }
    return false;
}

static bool take_nothing(struct reader *reader, struct fact *fact) {
    (void)reader, (void)fact;
    return true;
}

static const struct pattern patterns[] = {
    /* hadoop-yarn-client: YarnClientImpl.submitApplication */
    {"Submitted application application_", FACT_APPLICATION, reader_application},
    /* spark-yarn: deploy/yarn/Client.scala, formatReportDetails and monitorApplication */
    {"tracking URL: http", FACT_TRACKING_URL, reader_url},
    {"Application report for ", FACT_APPLICATION, take_reported},
    {"Application report for application_", FACT_STATE, take_state},
    {"final status: ", FACT_FINAL_STATUS, take_status},
    {"Failed to contact YARN for application ", FACT_LOST_CONTACT, take_nothing},
    /* spark-core: util/Utils.scala startServiceOnPort, ui/JettyUtils.scala */
    {"Successfully started service 'SparkUI' on port ", FACT_UI_PORT, take_port},
    {"Start Jetty ", FACT_UI_PORT, take_jetty},
    /* spark-core: scheduler/cluster/StandaloneSchedulerBackend.scala */
    {"Connected to Spark cluster with app ID app-", FACT_APPLICATION, take_standalone},
    /* spark-core: scheduler/TaskSchedulerImpl.scala submitTasks, TaskSetManager.scala handleSuccessfulTask */
    {"Adding task set ", FACT_TASKS, take_task_set},
    {"Finished task ", FACT_TASKS, take_finished_task},
};
static struct needles needles;
struct scanner scan_spark = {patterns, sizeof patterns / sizeof patterns[0], &needles};
