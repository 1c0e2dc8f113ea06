/* Which request goes where, and which body may come. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "web/route.h"

static const struct web_route routes[] = {
    {.port = WEB_PLAIN, .method = WEB_GET, .path = "/metrics"},
    {.port = WEB_TLS, .method = WEB_POST, .path = "/v1/report", .body_max = 16},
};

struct request {
    const char *line; /* PORT METHOD PATH [LENGTH|chunked] */
    const char *seen; /* STATUS [keep|close], or the path that serves it and the length */
};

static void choose(const char *line, char *out, size_t size) {
    char port[8], method[8], path[64], body[64] = "";
    assert_in_range(sscanf(line, "%7s %7s %63s %63s", port, method, path, body), 3, 4);
    bool chunked = strcmp(body, "chunked") == 0;
    struct route_head head = {
        .port = strcmp(port, "tls") == 0 ? WEB_TLS : WEB_PLAIN,
        .get = strcmp(method, "GET") == 0,
        .head = strcmp(method, "HEAD") == 0,
        .post = strcmp(method, "POST") == 0,
        .path = path,
        .content_length = body[0] != '\0' && !chunked ? body : NULL,
        .transfer_encoding = chunked,
    };
    struct route_choice choice = route_choose(routes, 2, &head);
    const char *then = choice.close ? "close" : "keep";
    if (choice.route != NULL)
        snprintf(out, size, "%s %zu %s", choice.route->path, choice.length, then);
    else
        snprintf(out, size, "%d %s%s%s", choice.status, then, choice.allow != NULL ? " allow " : "",
                 choice.allow != NULL ? choice.allow : "");
}

static void requests_find_their_route(void **state) {
    (void)state;
    static const struct request script[] = {
        {"plain GET /metrics", "/metrics 0 keep"},
        {"plain HEAD /metrics", "/metrics 0 keep"},
        {"plain POST /metrics 3", "405 keep allow GET, HEAD"},
        {"plain POST /metrics chunked", "405 close allow GET, HEAD"},
        {"plain DELETE /metrics", "405 close allow GET, HEAD"},
        {"plain GET /metrics/", "404 keep"},
        {"plain GET /Metrics", "404 keep"},
        {"plain GET /v1/report", "404 keep"},
        {"tls GET /metrics", "404 keep"},
        {"tls GET /v1/report", "405 keep allow POST"},
        {"plain GET /metrics 500000000", "/metrics 500000000 close"},
    };
    for (size_t i = 0; i < sizeof script / sizeof *script; i++) {
        char out[128];
        choose(script[i].line, out, sizeof out);
        assert_string_equal(out, script[i].seen);
    }
}

static void bodies_are_bounded_before_they_come(void **state) {
    (void)state;
    static const struct request script[] = {
        {"tls POST /v1/report 0", "/v1/report 0 keep"}, {"tls POST /v1/report 16", "/v1/report 16 keep"},
        {"tls POST /v1/report 17", "413 keep"},         {"tls POST /v1/report 262144", "413 keep"},
        {"tls POST /v1/report 262145", "413 close"},    {"tls POST /v1/report", "411 close"},
        {"tls POST /v1/report chunked", "411 close"},   {"tls POST /v1/report -1", "400 close"},
        {"tls POST /v1/report +16", "400 close"},       {"tls POST /v1/report 0x10", "400 close"},
        {"tls POST /v1/report 16,16", "400 close"},     {"tls POST /v1/report 18446744073709551617", "400 close"},
    };
    for (size_t i = 0; i < sizeof script / sizeof *script; i++) {
        char out[128];
        choose(script[i].line, out, sizeof out);
        assert_string_equal(out, script[i].seen);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_find_their_route),
        cmocka_unit_test(bodies_are_bounded_before_they_come),
    };
    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
