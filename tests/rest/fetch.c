/* A program that makes one request as its options say and prints what became of it, one JSON object a line; linked as
 * weir-launcher is. The tests drive it against servers that misbehave. */

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "rest/rest.h"

struct fetch {
    struct rest_request request;
    struct rest *rest;
    struct rest_call *call;
    const char *ca_file;
    int again;            /* calls more, each started when the one before is done */
    int parallel;         /* calls at once */
    const char *then;     /* URL of those */
    int64_t every_ms;     /* between them */
    int64_t start_at;     /* of the next; 0: none */
    int64_t linger_ms;    /* goes on after the last */
    int64_t cancel_after; /* ms; -1: never */
    bool cancel_in_sink, cancel_in_done, again_in_sink;
    int open;
    size_t streamed;
    uint64_t sum;
};

static void start(struct fetch *fetch);

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *text) {
    if (text != NULL)
        yyjson_mut_obj_add_str(doc, object, name, text);
    else
        yyjson_mut_obj_add_null(doc, object, name);
}

/* Callbacks. */

static void on_bytes(void *context, const char *bytes, size_t length) {
    struct fetch *fetch = context;
    fetch->streamed += length;
    for (size_t i = 0; i < length; i++)
        fetch->sum = fetch->sum * 31 + (unsigned char)bytes[i];
    if (fetch->cancel_in_sink && fetch->call != NULL) {
        rest_cancel(&fetch->call);
        fetch->open--;
        puts("{\"cancelled\": true}");
        if (fetch->again_in_sink)
            start(fetch);
        fetch->cancel_in_sink = false;
    }
}

static void print(const struct fetch *fetch, const struct rest_answer *answer, const struct error *err) {
    AUTO_ARENA arena = ARENA_INIT;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    if (err != NULL) {
        yyjson_mut_obj_add_str(doc, root, "error", err->text);
        yyjson_mut_obj_add_bool(doc, root, "invalid", err->code == ERROR_INVALID);
    } else {
        yyjson_mut_obj_add_int(doc, root, "status", answer->status);
        yyjson_mut_obj_add_uint(doc, root, "length", answer->length);
        yyjson_mut_obj_add_bool(doc, root, "terminated", answer->body[answer->length] == '\0');
        if (answer->length < 100000)
            yyjson_mut_obj_add_strn(doc, root, "body", answer->body, answer->length);
        add_text(doc, root, "contentType", answer->content_type);
        add_text(doc, root, "location", answer->location);
        add_text(doc, root, "url", answer->url);
        yyjson_mut_obj_add_int(doc, root, "retryAfterMs", answer->retry_after_ms);
    }
    yyjson_mut_obj_add_uint(doc, root, "streamed", fetch->streamed);
    yyjson_mut_obj_add_uint(doc, root, "sum", fetch->sum);
    puts(json_write(root, &arena, NULL));
    fflush(stdout);
    yyjson_mut_doc_free(doc);
}

static void on_done(void *context, const struct rest_answer *answer, const struct error *err) {
    struct fetch *fetch = context;
    print(fetch, answer, err);
    fetch->open--;
    if (fetch->cancel_in_done)
        rest_cancel(&fetch->call);
    fetch->call = NULL;
    if (fetch->then != NULL)
        fetch->request.url = fetch->then;
    if (fetch->again-- <= 0)
        return;
    if (fetch->every_ms > 0)
        fetch->start_at = clock_boot_ms() + fetch->every_ms;
    else
        start(fetch);
}

static void start(struct fetch *fetch) {
    struct error err = {0};
    if (rest_start(fetch->rest, &fetch->request, on_done, fetch, &fetch->call, &err) < 0)
        print(fetch, NULL, &err);
    else
        fetch->open++;
}

/* Options. */

static const struct argp_option options[] = {
    {"method", 'm', "METHOD", 0, NULL, 0},     {"connect-to", 'c', "HOST:PORT", 0, NULL, 0},
    {"ca", 'C', "FILE", 0, NULL, 0},           {"token", 't', "TOKEN", 0, NULL, 0},
    {"body", 'b', "TEXT", 0, NULL, 0},         {"type", 'T', "TYPE", 0, NULL, 0},
    {"timeout", 'o', "MS", 0, NULL, 0},        {"connect-timeout", 'O', "MS", 0, NULL, 0},
    {"direct", 'd', NULL, 0, NULL, 0},         {"redirects", 'r', "N", 0, NULL, 0},
    {"max", 'M', "BYTES", 0, NULL, 0},         {"sink", 's', NULL, 0, NULL, 0},
    {"again", 'a', "N", 0, NULL, 0},           {"every", 'e', "MS", 0, NULL, 0},
    {"then", 'n', "URL", 0, NULL, 0},          {"parallel", 'p', "N", 0, NULL, 0},
    {"linger", 'l', "MS", 0, NULL, 0},         {"cancel-after", 'A', "MS", 0, NULL, 0},
    {"cancel-in-sink", 'x', NULL, 0, NULL, 0}, {"cancel-in-done", 'y', NULL, 0, NULL, 0},
    {"again-in-sink", 'z', NULL, 0, NULL, 0},  {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct fetch *fetch = state->input;
    struct rest_request *request = &fetch->request;
    switch (key) {
    case 'm': request->method = text; break;
    case 'c': request->connect_to = text; break;
    case 'C': fetch->ca_file = text; break;
    case 't': request->token = text; break;
    case 'b':
        request->body = text;
        request->body_length = strlen(text);
        break;
    case 'T': request->content_type = text; break;
    case 'o': request->timeout_ms = strtoll(text, NULL, 10); break;
    case 'O': request->connect_timeout_ms = strtoll(text, NULL, 10); break;
    case 'd': request->direct = true; break;
    case 'r': request->redirects = (int)strtol(text, NULL, 10); break;
    case 'M': request->max_bytes = strtoul(text, NULL, 10); break;
    case 's': request->sink = on_bytes; break;
    case 'a': fetch->again = (int)strtol(text, NULL, 10); break;
    case 'e': fetch->every_ms = strtoll(text, NULL, 10); break;
    case 'n': fetch->then = text; break;
    case 'p': fetch->parallel = (int)strtol(text, NULL, 10); break;
    case 'l': fetch->linger_ms = strtoll(text, NULL, 10); break;
    case 'A': fetch->cancel_after = strtoll(text, NULL, 10); break;
    case 'x': fetch->cancel_in_sink = true; break;
    case 'y': fetch->cancel_in_done = true; break;
    case 'z': fetch->again_in_sink = true; break;
    case ARGP_KEY_ARG: request->url = text; break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const char *read_file(const char *path) {
    static char text[64 * 1024];
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    if (file == NULL)
        return NULL;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* Loop. */

static int64_t turn(struct fetch *fetch, int64_t until) {
    struct wait wait;
    wait_reset(&wait);
    wait_until(&wait, until);
    rest_wait(fetch->rest, &wait);
    wait_poll(&wait, clock_boot_ms());
    int64_t now = clock_boot_ms();
    rest_step(fetch->rest, &wait, now);
    return now;
}

static void run(struct fetch *fetch) {
    int64_t now = clock_boot_ms(), cancel_at = fetch->cancel_after < 0 ? INT64_MAX : now + fetch->cancel_after;
    unsigned turns = 0;
    for (int i = 0; i < fetch->parallel; i++)
        start(fetch);
    for (; fetch->open > 0 || fetch->start_at > 0; turns++) {
        int64_t next = fetch->start_at > 0 ? fetch->start_at : INT64_MAX;
        now = turn(fetch, cancel_at < next ? cancel_at : next);
        if (now >= next) {
            fetch->start_at = 0;
            start(fetch);
        }
        if (now >= cancel_at && fetch->call != NULL) {
            rest_cancel(&fetch->call);
            fetch->open--;
            puts("{\"cancelled\": true}");
        }
    }
    for (int64_t end = now + fetch->linger_ms; now < end;)
        now = turn(fetch, end);
    printf("{\"turns\": %u}\n", turns);
}

int main(int argc, char **argv) {
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "URL"};
    struct fetch fetch = {.request = {.method = "GET"}, .parallel = 1, .cancel_after = -1};
    struct error err = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &fetch);
    fetch.request.ca_pem = read_file(fetch.ca_file);
    if (rest_new(&fetch.rest, &err) < 0)
        return EXIT_FAILURE;
    run(&fetch);
    rest_free(fetch.rest);
    return EXIT_SUCCESS;
}
