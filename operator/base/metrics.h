#pragma once

/* Counters, gauges and histograms, rendered in the Prometheus text format. Process-wide; a metric is a static object
 * that registers itself at first use. Series are found by label values; at most METRIC_SERIES_MAX a metric, further
 * ones fall into one with every label "other" (a flood of names must not cost memory). */

#include <stddef.h>

#include "base/strbuf.h"

enum { METRIC_LABELS_MAX = 4, METRIC_SERIES_MAX = 200 };
enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
    const char *name; /* weir_… with its unit last: _seconds, _bytes, _total */
    const char *help;
    enum metric_type type;
    const char *labels[METRIC_LABELS_MAX]; /* names; NULL ends */
    const double *buckets;                 /* histogram: upper bounds, ascending; metric_seconds is a good set */
    size_t bucket_count;
    struct metric_series *series; /* private, as what follows */
    struct metric *next;
    int registered;
};

extern const double metric_seconds[14]; /* 1 ms … 60 s */

/* Label values follow in the order of `labels`, as many as there are. */
void metric_add(struct metric *metric, double value, ...);     /* counter, gauge */
void metric_set(struct metric *metric, double value, ...);     /* gauge */
void metric_observe(struct metric *metric, double value, ...); /* histogram */
void metric_clear(struct metric *metric);                      /* forget all series (gauges that are recounted) */
void metrics_render(struct strbuf *out);                       /* all registered ones, by name */
