/* Answers whole, in pieces, and from peers that mean harm. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "launcher/http_response.h"

/* Parses an exact copy; `body` gets the body. */
static int parse(const char *text, size_t length, bool eof, struct http_response *response, char *body, size_t size) {
    struct error err;
    char *copy = malloc(length + 1);
    memcpy(copy, text, length);
    int found = http_response_parse(copy, length, eof, response, &err);
    if (found > 0 && body)
        snprintf(body, size, "%s", response->body);
    free(copy);
    return found;
}

static const struct {
    const char *text, *body;
    int status;
} answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200},
    {"HTTP/1.1 200\r\ncontent-length:  5  \r\n\r\nhello", "hello", 200},
    {"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n", "", 404},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok", "ok", 202},
    {"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", "", 204},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", "hello world",
     200},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n", "0123456789",
     200},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "abc", 200},
};

static void test_every_split(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        size_t length = strlen(answers[i].text);
        struct http_response response;
        char body[64];
        for (size_t cut = 0; cut < length; cut++) {
            assert_int_equal(parse(answers[i].text, cut, false, &response, NULL, 0), 0);
            assert_int_equal(parse(answers[i].text, cut, true, &response, NULL, 0), -1);
        }
        assert_int_equal(parse(answers[i].text, length, false, &response, body, sizeof body), 1);
        assert_int_equal(response.status, answers[i].status);
        assert_string_equal(body, answers[i].body);
    }
}

static void test_until_close(void **state) {
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\n\r\nall of it";
    struct http_response response;
    char body[64];
    assert_int_equal(parse(text, sizeof text - 1, false, &response, NULL, 0), 0);
    assert_int_equal(parse(text, sizeof text - 1, true, &response, body, sizeof body), 1);
    assert_string_equal(body, "all of it");
}

static void test_location(void **state) {
    (void)state;
    static const char redirect[] = "HTTP/1.1 307 T\r\nLocation: http://rm2:8088/ws\r\nContent-Length: 0\r\n\r\n";
    static const char refresh[] = "HTTP/1.1 200 OK\r\nRefresh: 3; url=http://rm2:8088/ws\r\nContent-Length: 0\r\n\r\n";
    struct http_response response;
    assert_int_equal(parse(redirect, sizeof redirect - 1, false, &response, NULL, 0), 1);
    assert_string_equal(response.location, "http://rm2:8088/ws");
    assert_int_equal(parse(refresh, sizeof refresh - 1, false, &response, NULL, 0), 1);
    assert_string_equal(response.location, "http://rm2:8088/ws");
}

static void test_hostile(void **state) {
    (void)state;
    static const char *const bad[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 000 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
        "HTTP/1.1 200 OK\r\nSpace : x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct http_response response;
        if (parse(bad[i], strlen(bad[i]), false, &response, NULL, 0) != -1)
            fail_msg("accepted: %s", bad[i]);
    }
}

static void test_endless_head(void **state) {
    (void)state;
    size_t length = HTTP_HEAD_MAX;
    char *text = malloc(length + 1);
    memset(text, 'a', length);
    memcpy(text, "HTTP/1.1 200 OK\r\nX: ", 20);
    struct http_response response;
    assert_int_equal(parse(text, length - 1, false, &response, NULL, 0), 0);
    assert_int_equal(parse(text, length, false, &response, NULL, 0), -1);
    free(text);
}

static void test_nul_in_the_head(void **state) {
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n";
    struct http_response response;
    assert_int_equal(parse(text, sizeof text - 1, false, &response, NULL, 0), -1);
}

static void test_more_than_said_is_cut(void **state) {
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK";
    struct http_response response;
    char body[64];
    assert_int_equal(parse(text, sizeof text - 1, false, &response, body, sizeof body), 1);
    assert_string_equal(body, "ok");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_until_close),
        cmocka_unit_test(test_location),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_endless_head),
        cmocka_unit_test(test_nul_in_the_head),
        cmocka_unit_test(test_more_than_said_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
