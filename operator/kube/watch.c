/* See watch.h: does what kube/watch_fsm.h decides, and feeds the cache. An object that cannot be understood is left out
 * and said; it never stops the watch. */

#include "kube/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/line_reader.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "kube/watch_fsm.h"

enum { LIST_TIMEOUT_MS = 60 * 1000, MARGIN_MS = 5 * 1000, LINE_MAX_BYTES = 8 * 1024 * 1024, RETRY_AFTER_MAX_S = 60 };

struct watch {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct kube_api *api;
    struct cache *cache;
    struct watch_options options; /* texts owned */
    struct watch_fsm fsm;
    struct line_reader lines;
    struct kube_call *call; /* the request under way */
    bool failing;           /* `failed` was called, and no sign of life since */
};

static struct metric relists_metric = {.name = "weir_watch_relists_total",
                                       .help = "Whole lists taken after the first one.",
                                       .type = METRIC_COUNTER,
                                       .labels = {"resource"}};
static struct metric missed_metric = {.name = "weir_watch_missed_total",
                                      .help = "Objects that such a list found to differ from the cache.",
                                      .type = METRIC_COUNTER,
                                      .labels = {"resource"}};
static struct metric failures_metric = {.name = "weir_watch_failures_total",
                                        .help = "Lists and watches that failed and were tried again.",
                                        .type = METRIC_COUNTER,
                                        .labels = {"resource"}};

static void step(struct watch *watch);

static void on_timer(uv_timer_t *timer) {
    step(timer->data);
}

static void step_later(struct watch *watch, int64_t delay_ms) {
    uv_update_time(watch->loop);
    uv_timer_start(&watch->timer, on_timer, delay_ms > 0 ? (uint64_t)delay_ms : 0, 0);
}

static void report(struct watch *watch, const struct error *err) {
    watch->failing = true;
    cache_watched(watch->cache, false);
    metric_add(&failures_metric, 1, watch->options.resource->plural);
    log_debug("kube", "watch: will try again", {"resource", watch->options.resource->plural}, {"error", err->text},
              {"state", watch_state_name(watch->fsm.state)});
    if (watch->options.failed != NULL)
        watch->options.failed(err, watch->options.arg);
}

static void live(struct watch *watch) {
    bool recovered = watch->failing;
    watch->failing = false;
    if (recovered && watch->options.recovered != NULL)
        watch->options.recovered(watch->options.arg);
}

static const char *metadata_text(yyjson_val *object, const char *name) {
    return json_text(json_at(object, "metadata", NULL), name, "");
}

static void commit(struct watch *watch) {
    bool first = !cache_synced(watch->cache);
    size_t changes = cache_commit(watch->cache, watch->fsm.version, watch->fsm.rewound);
    if (!first) {
        metric_add(&relists_metric, 1, watch->options.resource->plural);
        metric_add(&missed_metric, (double)changes, watch->options.resource->plural);
    }
    if (watch->options.synced != NULL)
        watch->options.synced(watch->options.arg);
}

static void end_request(struct watch *watch) {
    kube_cancel(watch->api, watch->call);
    watch->call = NULL;
    cache_watched(watch->cache, false);
    cache_abort(watch->cache);
}

static void apply(struct watch *watch, enum watch_effect effect, yyjson_val *object) {
    switch (effect) {
    case WATCH_KEEP: break;
    case WATCH_STAGE: cache_stage(watch->cache, object); break;
    case WATCH_UNSTAGE:
        cache_unstage(watch->cache, metadata_text(object, "namespace"), metadata_text(object, "name"));
        break;
    case WATCH_COMMIT: commit(watch); break;
    case WATCH_PUT: cache_put(watch->cache, object); break;
    case WATCH_DROP:
        cache_drop(watch->cache, metadata_text(object, "namespace"), metadata_text(object, "name"),
                   metadata_text(object, "uid"), metadata_text(object, "resourceVersion"));
        break;
    case WATCH_END: end_request(watch); break;
    }
}

/* Streams. */

/* What is no code of a failure counts as missing. */
static int failure_code(yyjson_val *status) {
    int64_t code = json_int(status, "code", 500);
    return code >= 300 && code <= 999 ? (int)code : 500;
}

static int64_t retry_after_ms(yyjson_val *status) {
    int64_t seconds = json_int(json_at(status, "details", NULL), "retryAfterSeconds", 0);
    return seconds <= 0 ? 0 : 1000 * (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S);
}

static void report_event(struct watch *watch, yyjson_val *status, int code) {
    struct kube_answer answer = {0};
    kube_answer_judge(&answer, code, status, NULL);
    report(watch, &answer.err);
}

static void take_event(struct watch *watch, yyjson_val *root) {
    yyjson_val *object = json_at(root, "object", NULL);
    struct watch_event event = {.type = json_text(root, "type", "")};
    bool is_error = text_equal(event.type, "ERROR");
    if (is_error) {
        event.code = failure_code(object);
        event.retry_after_ms = retry_after_ms(object);
        report_event(watch, object, event.code);
    } else if (!text_equal(json_text(object, "kind", ""), watch->options.resource->kind)) {
        return; /* a Table, or a kind of tomorrow */
    } else {
        yyjson_val *annotations = json_at(object, "metadata", "annotations", NULL);
        event.version = metadata_text(object, "resourceVersion");
        event.list_end = text_equal(json_text(annotations, "k8s.io/initial-events-end", ""), "true");
    }
    apply(watch, watch_event(&watch->fsm, &event, clock_boot_ms()), object);
}

static void fail_stream(struct watch *watch, const char *why) {
    struct error err;
    error_set(&err, ERROR_INVALID, "watch %s: %s", watch->options.resource->plural, why);
    report(watch, &err);
    watch_ended(&watch->fsm, &err, 200, 0, clock_boot_ms());
    end_request(watch);
}

static void on_data(const char *bytes, size_t length, void *arg) {
    struct watch *watch = arg;
    const char *line = NULL;
    size_t line_length = 0;
    int got = 0;
    while (watch->call != NULL && (got = line_reader_next(&watch->lines, &bytes, &length, &line, &line_length)) > 0) {
        yyjson_doc *doc = line_length == 0 ? NULL : yyjson_read(line, line_length, 0);
        if (doc != NULL)
            take_event(watch, yyjson_doc_get_root(doc));
        else if (line_length > 0)
            fail_stream(watch, "an event is no JSON");
        yyjson_doc_free(doc);
    }
    if (watch->call != NULL && got < 0)
        fail_stream(watch, "an event is too long");
    if (watch->call == NULL) {
        step(watch);
        return;
    }
    cache_watched(watch->cache, true);
    live(watch);
}

static void on_stream_end(struct kube_answer *answer, void *arg) {
    struct watch *watch = arg;
    const struct error *err = answer->err.code == ERROR_NONE ? NULL : &answer->err;
    watch->call = NULL;
    if (err == NULL)
        live(watch);
    else
        report(watch, err);
    apply(watch, watch_ended(&watch->fsm, err, answer->status, answer->retry_after_ms, clock_boot_ms()), NULL);
    step(watch);
}

/* Pages. */

static void on_page(struct kube_answer *answer, void *arg) {
    struct watch *watch = arg;
    int64_t now = clock_boot_ms();
    watch->call = NULL;
    if (answer->err.code != ERROR_NONE) {
        report(watch, &answer->err);
        apply(watch, watch_ended(&watch->fsm, &answer->err, answer->status, answer->retry_after_ms, now), NULL);
        step(watch);
        return;
    }
    live(watch);
    yyjson_val *root = yyjson_doc_get_root(answer->doc);
    yyjson_val *metadata = json_at(root, "metadata", NULL);
    enum watch_effect effect = watch_page(&watch->fsm, json_text(metadata, "resourceVersion", ""),
                                          json_text(metadata, "continue", ""), answer->length, now);
    if (effect == WATCH_STAGE || effect == WATCH_COMMIT) {
        size_t index = 0;
        size_t count = 0;
        yyjson_val *item = NULL;
        yyjson_arr_foreach(json_at(root, "items", NULL), index, count, item) cache_stage(watch->cache, item);
    }
    if (effect != WATCH_STAGE)
        apply(watch, effect, NULL);
    step(watch);
}

/* Requests. */

static void send_page(struct watch *watch, struct strbuf *path, const struct watch_step *wanted) {
    if (wanted->limit > 0)
        kube_query_int(path, "limit", wanted->limit);
    kube_query(path, "continue", watch->fsm.continue_token);
    if (watch->fsm.continue_token == NULL)
        cache_begin(watch->cache);
    struct kube_request request = {.method = "GET",
                                   .path = strbuf_text(path),
                                   .pool = POOL_WATCH,
                                   .timeout_ms = LIST_TIMEOUT_MS,
                                   .verb = "list",
                                   .resource = watch->options.resource};
    watch->call = kube_send(watch->api, &request, on_page, watch);
}

static void send_stream(struct watch *watch, struct strbuf *path, const struct watch_step *wanted) {
    kube_query(path, "watch", "1");
    kube_query(path, "allowWatchBookmarks", "true");
    kube_query(path, "resourceVersion", watch->fsm.version);
    kube_query_int(path, "timeoutSeconds", wanted->timeout_s);
    if (wanted->action == WATCH_DO_STREAM) {
        kube_query(path, "sendInitialEvents", "true");
        kube_query(path, "resourceVersionMatch", "NotOlderThan");
        cache_begin(watch->cache);
    }
    line_reader_fini(&watch->lines);
    line_reader_init(&watch->lines, watch->options.line_max);
    struct kube_request request = {.method = "GET",
                                   .path = strbuf_text(path),
                                   .pool = POOL_WATCH,
                                   .timeout_ms = wanted->timeout_s * 1000 + watch->options.margin_ms,
                                   .on_data = on_data,
                                   .verb = "watch",
                                   .resource = watch->options.resource};
    watch->call = kube_send(watch->api, &request, on_stream_end, watch);
}

static void ask(struct watch *watch, const struct watch_step *wanted) {
    AUTO_STRBUF path = STRBUF_INIT;
    kube_path(&path, (struct kube_ref){watch->options.resource, watch->options.namespace, NULL}, NULL);
    kube_query(&path, "labelSelector", watch->options.label_selector);
    kube_query(&path, "fieldSelector", watch->options.field_selector);
    if (wanted->action == WATCH_DO_PAGE)
        send_page(watch, &path, wanted);
    else
        send_stream(watch, &path, wanted);
}

static void end_if_silent(struct watch *watch, int64_t now) {
    struct error err;
    int64_t silent_ms = now - watch->fsm.life_at;
    if (watch_check(&watch->fsm, now) != WATCH_END)
        return;
    error_set(&err, ERROR_TRANSIENT, "watch %s: no event and no bookmark for %lld s", watch->options.resource->plural,
              (long long)silent_ms / 1000);
    end_request(watch);
    report(watch, &err);
}

static void step(struct watch *watch) {
    int64_t now = clock_boot_ms();
    end_if_silent(watch, now);
    struct watch_step wanted = watch_run(&watch->fsm, now);
    if (wanted.action != WATCH_DO_WAIT) {
        ask(watch, &wanted);
        wanted = watch_run(&watch->fsm, now);
    }
    if (wanted.at != INT64_MAX)
        step_later(watch, wanted.at - now);
}

/* Lifecycle. */

static const char *copy(const char *text) {
    return text == NULL ? NULL : strdup(text);
}

/* Watches that are opened together must not end together. */
static uint64_t own_seed(const struct watch_options *options) {
    uint64_t seed = hash_add(HASH_INIT, &options->seed, sizeof options->seed);
    const char *const parts[] = {options->resource->plural, options->namespace, options->label_selector,
                                 options->field_selector};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        seed = hash_text(seed, parts[i] == NULL ? "" : parts[i]);
    return seed;
}

struct watch *watch_new(uv_loop_t *loop, struct kube_api *api, struct cache *cache,
                        const struct watch_options *options) {
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        abort();
    *watch = (struct watch){.loop = loop, .api = api, .cache = cache, .options = *options};
    watch->options.namespace = copy(options->namespace);
    watch->options.label_selector = copy(options->label_selector);
    watch->options.field_selector = copy(options->field_selector);
    watch->options.margin_ms = options->margin_ms > 0 ? options->margin_ms : MARGIN_MS;
    watch->options.line_max = options->line_max > 0 ? options->line_max : LINE_MAX_BYTES;
    watch_fsm_init(&watch->fsm, &(struct watch_settings){.stream_lists = options->stream_lists,
                                                         .timeout_s = options->timeout_s,
                                                         .quiet_ms = options->quiet_ms,
                                                         .backoff_ms = options->backoff_ms,
                                                         .seed = own_seed(options)});
    uv_timer_init(loop, &watch->timer);
    watch->timer.data = watch;
    step_later(watch, 0);
    return watch;
}

static void timer_closed(uv_handle_t *handle) {
    struct watch *watch = handle->data;
    const char *const texts[] = {watch->options.namespace, watch->options.label_selector,
                                 watch->options.field_selector};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *text = NULL;
        memcpy(&text, &texts[i], sizeof text);
        free(text);
    }
    line_reader_fini(&watch->lines);
    watch_fsm_fini(&watch->fsm);
    free(watch);
}

void watch_free(struct watch *watch) {
    if (watch == NULL)
        return;
    end_request(watch);
    uv_close((uv_handle_t *)&watch->timer, timer_closed);
}

void watch_relist(struct watch *watch) {
    end_request(watch);
    watch_restart(&watch->fsm, clock_boot_ms());
    step_later(watch, 0);
}
