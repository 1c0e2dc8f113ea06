/* What an API server, or a proxy before it, may answer to list and watch. The input is a script: a request for a page
 * is answered by its next line, a watch by its next pieces; an empty piece ends a watch; an even first cut asks for a
 * streaming list. First the lines by themselves: they are the same wherever the stream is cut. Relies on kube/api.h
 * being an interface; there is no network. */

#include <string.h>

#include "base/line_reader.h"
#include "kube/watch.h"
#include "support_fuzz.h"
#include "support_pieces.h"

enum { LINE_LIMIT = 2000, RELISTS_MAX = 20 };

/* Lines. */

static void check_lines(const uint8_t *data, size_t size) {
    struct pieces pieces;
    struct line_reader lines;
    size_t length = 0, line_length = 0;
    const char *line = NULL;
    int got = 0;
    pieces_init(&pieces, data, size);
    const char *rest = pieces.bytes, *end = pieces.bytes + pieces.length;
    line_reader_init(&lines, LINE_LIMIT);
    for (const char *piece; got >= 0 && (piece = pieces_next(&pieces, &length)) != NULL;) {
        while ((got = line_reader_next(&lines, &piece, &length, &line, &line_length)) > 0) {
            CHECK(line_length <= LINE_LIMIT && line_length < (size_t)(end - rest) && rest[line_length] == '\n');
            CHECK(memcmp(line, rest, line_length) == 0 && memchr(line, '\n', line_length) == NULL);
            rest += line_length + 1;
        }
    }
    const char *newline = rest < end ? memchr(rest, '\n', (size_t)(end - rest)) : NULL;
    size_t left = (size_t)((newline != NULL ? newline : end) - rest);
    CHECK(got < 0 ? left > LINE_LIMIT : newline == NULL && left <= LINE_LIMIT);
    line_reader_fini(&lines);
    pieces_fini(&pieces);
}

/* The API server. */

struct kube_call {
    kube_data_cb on_data; /* NULL: a page is asked for */
    kube_done_cb done;
    void *arg;
};

struct server {
    struct kube_api api;
    struct kube_call call; /* the request under way; done NULL: none */
    struct pieces *script;
};

static struct kube_call *server_send(struct kube_api *api, const struct kube_request *request, kube_done_cb done,
                                     void *arg) {
    struct server *server = (struct server *)api; /* its first member */
    CHECK(server->call.done == NULL);             /* one request at a time */
    server->call = (struct kube_call){.on_data = request->on_data, .done = done, .arg = arg};
    return &server->call;
}

static void server_cancel(struct kube_api *api, struct kube_call *call) {
    CHECK(call == &((struct server *)api)->call && call->done != NULL);
    call->done = NULL;
}

static void server_end(struct server *server, struct kube_answer *answer) {
    struct kube_call call = server->call;
    server->call.done = NULL;
    call.done(answer, call.arg);
    json_free(&answer->doc);
}

/* False at the end of the script. */
static bool server_answer(struct server *server) {
    struct kube_answer answer = {.status = 200};
    size_t length = 0;
    if (server->call.on_data == NULL) {
        const char *line = pieces_line(server->script, &length);
        if (line == NULL)
            return false;
        answer.doc = yyjson_read(line, length, 0);
        yyjson_val *root = yyjson_doc_get_root(answer.doc);
        int status = (int)json_int(root, "code", 200);
        kube_answer_judge(&answer, status, root, NULL);
        if (answer.doc == NULL)
            error_set(&answer.err, ERROR_TRANSIENT, "the answer is no JSON");
        server_end(server, &answer);
        return true;
    }
    const char *piece = pieces_next(server->script, &length);
    if (piece == NULL)
        return false;
    if (length == 0)
        server_end(server, &answer);
    else
        server->call.on_data(piece, length, server->call.arg);
    return true;
}

/* The cache. */

static void *project(yyjson_val *object, void *arg) {
    (void)arg;
    return cache_copy_object(object);
}

static void release(void *projected, void *arg) {
    (void)arg;
    yyjson_doc_free(projected);
}

static const char *group(const void *projected, void *arg) {
    (void)arg;
    yyjson_val *root = yyjson_doc_get_root((yyjson_doc *)(uintptr_t)projected);
    return json_text(json_at(root, "metadata", "labels", NULL), "run", NULL);
}

static void changed(const struct cache_entry *old, const struct cache_entry *new, void *arg) {
    size_t *count = arg;
    CHECK(old != NULL || new != NULL);
    *count = *count + (new != NULL) - (old != NULL);
}

static void check_cache(const struct cache *cache, size_t count) {
    size_t seen = 0;
    for (const struct cache_entry *entry = cache_first(cache); entry != NULL;
         entry = cache_next(cache, entry), seen++) {
        CHECK(entry->name[0] != '\0' && cache_get(cache, entry->namespace, entry->name) == entry);
        const char *run = group(entry->object, NULL);
        const struct cache_entry *member = run == NULL ? NULL : cache_group_first(cache, run);
        while (member != NULL && member != entry)
            member = cache_group_next(cache, member);
        CHECK(run == NULL || member == entry);
    }
    CHECK(seen == cache_count(cache) && seen == count);
}

static void on_failed(const struct error *err, void *arg) {
    (void)arg;
    CHECK(err->code != ERROR_NONE && err->text[0] != '\0');
}

static void watch_script(const uint8_t *data, size_t size) {
    static const struct kube_api_ops ops = {.send = server_send, .cancel = server_cancel};
    struct pieces script;
    size_t count = 0;
    uv_loop_t loop;
    pieces_init(&script, data, size);
    struct server server = {.api = {.ops = &ops}, .script = &script};
    struct cache *cache = cache_new(
        &(struct cache_type){.project = project, .free = release, .group = group, .changed = changed, .arg = &count});
    struct watch_options options = {
        .resource = &kube_configmaps, .seed = 1, .line_max = LINE_LIMIT, .failed = on_failed};
    options.stream_lists = script.cuts[0] % 2 == 0;
    CHECK(uv_loop_init(&loop) == 0);
    struct watch *watch = watch_new(&loop, &server.api, cache, &options);
    for (int relists = 0; relists < RELISTS_MAX;) {
        uv_run(&loop, UV_RUN_NOWAIT);
        if (server.call.done == NULL) { /* it backs off */
            watch_relist(watch);
            relists++;
        } else if (!server_answer(&server)) {
            break;
        }
    }
    check_cache(cache, count);
    watch_free(watch);
    CHECK(server.call.done == NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
    cache_free(cache);
    pieces_fini(&script);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_lines(data, size);
    watch_script(data, size);
    return 0;
}
