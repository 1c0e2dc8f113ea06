/* What Hadoop 3.4's clients print: `hadoop jar`, streaming among them. The source file is named at each literal. */

#include <string.h>

#include "output/reader.h"

static bool take_job(struct reader *reader, struct fact *fact) {
    return reader_id(reader, fact, reader_literal(reader, "local") ? "job_local" : "job_", '_');
}

static bool take_map_reduce(struct reader *reader, struct fact *fact) {
    return reader_number(reader, 100, &fact->number) && reader_literal(reader, "% reduce ") &&
           reader_number(reader, 100, &fact->total) && reader_literal(reader, "%");
}

/* LocalJobRunner names a page on which nothing listens. */
static bool take_page(struct reader *reader, struct fact *fact) {
    return reader_url(reader, fact) && strcmp(fact->text, "http://localhost:8080/") != 0;
}

static const struct pattern patterns[] = {
    /* hadoop-yarn-client: YarnClientImpl.submitApplication */
    {"Submitted application application_", FACT_APPLICATION, reader_application},
    /* hadoop-mapreduce-client-core: mapreduce/Job.java, submit and monitorAndPrintJob */
    {"The url to track the job: http", FACT_TRACKING_URL, take_page},
    {"Running job: job_", FACT_JOB, take_job},
    {" map ", FACT_MAP_REDUCE, take_map_reduce},
};
static struct needles needles;
struct scanner scan_hadoop = {patterns, sizeof patterns / sizeof patterns[0], &needles};
