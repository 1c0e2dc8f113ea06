/* See metrics.h: Prometheus text format 0.0.4. Relies on malloc; when memory ends an observation is lost, never the
 * process. Series are few (METRIC_SERIES_MAX), so they are a list searched by hash. */

#include "base/metrics.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

const double metric_seconds[14] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 60};

struct metric_series {
    struct metric_series *next;
    uint64_t hash;
    char *labels[METRIC_LABELS_MAX];
    double value;       /* histogram: the sum */
    uint64_t count;     /* histogram: all observations */
    uint64_t buckets[]; /* histogram: those in each bucket, not yet summed up */
};

static struct metric *registered; /* by name */

static void register_once(struct metric *metric) {
    if (metric->registered)
        return;
    struct metric **at = &registered;
    while (*at != NULL && strcmp((*at)->name, metric->name) < 0)
        at = &(*at)->next;
    metric->next = *at;
    *at = metric;
    metric->registered = 1;
}

static size_t label_count(const struct metric *metric) {
    size_t count = 0;
    while (count < METRIC_LABELS_MAX && metric->labels[count] != NULL)
        count++;
    return count;
}

static void free_series(struct metric_series *series) {
    for (size_t i = 0; i < METRIC_LABELS_MAX; i++)
        free(series->labels[i]);
    free(series);
}

static struct metric_series *new_series(const struct metric *metric, const char *const *values, uint64_t hash) {
    size_t count = label_count(metric);
    struct metric_series *series = calloc(1, sizeof *series + metric->bucket_count * sizeof series->buckets[0]);
    if (series == NULL)
        return NULL;
    series->hash = hash;
    for (size_t i = 0; i < count; i++) {
        series->labels[i] = strdup(values[i]);
        if (series->labels[i] == NULL) {
            free_series(series);
            return NULL;
        }
    }
    return series;
}

static bool has_labels(const struct metric_series *series, const char *const *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(series->labels[i], values[i]) != 0)
            return false;
    return true;
}

/* The series with these label values, made when there is none; past the limit the one that is called "other". */
static struct metric_series *find(struct metric *metric, const char *const *values, bool overflow) {
    size_t count = label_count(metric);
    uint64_t hash = HASH_INIT;
    for (size_t i = 0; i < count; i++)
        hash = hash_text(hash, values[i]);
    struct metric_series **at = &metric->series;
    size_t there = 0;
    for (; *at != NULL; at = &(*at)->next, there++)
        if ((*at)->hash == hash && has_labels(*at, values, count))
            return *at;
    if (there >= METRIC_SERIES_MAX && !overflow) {
        const char *const other[METRIC_LABELS_MAX] = {"other", "other", "other", "other"};
        return find(metric, other, true);
    }
    *at = new_series(metric, values, hash);
    return *at;
}

static struct metric_series *find_labels(struct metric *metric, va_list args) {
    const char *values[METRIC_LABELS_MAX] = {0};
    size_t count = label_count(metric);
    for (size_t i = 0; i < count; i++) {
        const char *value = va_arg(args, const char *);
        values[i] = value != NULL ? value : "";
    }
    register_once(metric);
    return find(metric, values, false);
}

void metric_add(struct metric *metric, double value, ...) {
    va_list args;
    va_start(args, value);
    struct metric_series *series = find_labels(metric, args);
    va_end(args);
    if (series != NULL)
        series->value += value;
}

void metric_set(struct metric *metric, double value, ...) {
    va_list args;
    va_start(args, value);
    struct metric_series *series = find_labels(metric, args);
    va_end(args);
    if (series != NULL)
        series->value = value;
}

void metric_observe(struct metric *metric, double value, ...) {
    va_list args;
    va_start(args, value);
    struct metric_series *series = find_labels(metric, args);
    va_end(args);
    if (series == NULL)
        return;
    series->value += value;
    series->count++;
    for (size_t i = 0; i < metric->bucket_count; i++) {
        if (value <= metric->buckets[i]) {
            series->buckets[i]++;
            return;
        }
    }
}

void metric_clear(struct metric *metric) {
    while (metric->series != NULL) {
        struct metric_series *series = metric->series;
        metric->series = series->next;
        free_series(series);
    }
}

static void put_escaped(struct strbuf *out, const char *text, bool quotes) {
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            strbuf_puts(out, "\\n");
        else if (*text == '\\' || (quotes && *text == '"'))
            strbuf_add(out, (const char[]){'\\', *text}, 2);
        else
            strbuf_putc(out, *text);
    }
}

/* The shortest text that reads back as the same number. */
static void put_number(struct strbuf *out, double value) {
    char text[40];
    if (isnan(value) || isinf(value)) {
        strbuf_puts(out, value > 0 ? "+Inf" : value < 0 ? "-Inf" : "NaN");
        return;
    }
    snprintf(text, sizeof text, "%.15g", value);
    double back = strtod(text, NULL);
    if (back < value || back > value)
        snprintf(text, sizeof text, "%.17g", value);
    strbuf_puts(out, text);
}

/* name_suffix{a="x",le="0.1"} */
static void put_name(struct strbuf *out, const struct metric *metric, const struct metric_series *series,
                     const char *suffix, const double *le) {
    const char *separator = "{";
    strbuf_puts(out, metric->name);
    strbuf_puts(out, suffix);
    for (size_t i = 0; i < label_count(metric); i++, separator = ",") {
        strbuf_printf(out, "%s%s=\"", separator, metric->labels[i]);
        put_escaped(out, series->labels[i], true);
        strbuf_putc(out, '"');
    }
    if (le != NULL) {
        strbuf_printf(out, "%sle=\"", separator);
        put_number(out, *le);
        strbuf_putc(out, '"');
        separator = ",";
    }
    strbuf_puts(out, *separator == '{' ? " " : "} ");
}

static void put_histogram(struct strbuf *out, const struct metric *metric, const struct metric_series *series) {
    uint64_t count = 0;
    for (size_t i = 0; i < metric->bucket_count; i++) {
        count += series->buckets[i];
        put_name(out, metric, series, "_bucket", &metric->buckets[i]);
        strbuf_printf(out, "%llu\n", (unsigned long long)count);
    }
    put_name(out, metric, series, "_bucket", &(const double){INFINITY});
    strbuf_printf(out, "%llu\n", (unsigned long long)series->count);
    put_name(out, metric, series, "_sum", NULL);
    put_number(out, series->value);
    strbuf_putc(out, '\n');
    put_name(out, metric, series, "_count", NULL);
    strbuf_printf(out, "%llu\n", (unsigned long long)series->count);
}

void metrics_render(struct strbuf *out) {
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
    for (const struct metric *metric = registered; metric != NULL; metric = metric->next) {
        strbuf_printf(out, "# HELP %s ", metric->name);
        put_escaped(out, metric->help, false);
        strbuf_printf(out, "\n# TYPE %s %s\n", metric->name, types[metric->type]);
        for (const struct metric_series *series = metric->series; series != NULL; series = series->next) {
            if (metric->type == METRIC_HISTOGRAM) {
                put_histogram(out, metric, series);
                continue;
            }
            put_name(out, metric, series, "", NULL);
            put_number(out, series->value);
            strbuf_putc(out, '\n');
        }
    }
}
