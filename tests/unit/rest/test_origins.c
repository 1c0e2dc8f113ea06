/* Origins of URLs, and which of several is asked. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rest/origins.h"

static const char *url_of(const char *url) {
    static char text[ORIGIN_TEXT_MAX];
    struct error err;
    struct origin origin;
    return origin_of(url, &origin, &err) < 0 ? NULL : origin_url(&origin, text);
}

static void test_url(void **state) {
    (void)state;
    assert_string_equal(url_of("http://rm-1.example/ws?x=http://a:1/"), "http://rm-1.example:80");
    assert_string_equal(url_of("HTTPS://RM.example"), "https://RM.example:443");
    assert_string_equal(url_of("http://[fd00::1]:8088/x"), "http://[fd00::1]:8088");
    assert_string_equal(url_of("http://10.0.0.1:65535?x"), "http://10.0.0.1:65535");
    assert_string_equal(url_of("http://a#@b/"), "http://a:80");
}

static void test_no_url(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",           "http://",         "ftp://a",        "a:1",           "http://:80",
        "http://a:",  "http://a:0",      "http://a:65536", "http://a:8o",   "http://u:p@a/",
        "http://a b", "http://[::1",     "http://[]:1",    "http://[::1]x", "http://a:000080",
        "http://[",   "http://[::1]:1:2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (url_of(bad[i]) != NULL)
            fail_msg("%s", bad[i]);
    char longer[ORIGIN_HOST_MAX + 20] = "http://";
    memset(longer + 7, 'a', ORIGIN_HOST_MAX);
    assert_null(url_of(longer));
    longer[7 + ORIGIN_HOST_MAX - 1] = '\0';
    assert_int_equal(strlen(url_of(longer)), 7 + ORIGIN_HOST_MAX - 1 + 3);
}

static void test_errors_show_no_secret(void **state) {
    (void)state;
    struct error err;
    struct origin origin;
    assert_int_equal(origin_of("http://user:pass@host/?token=x", &origin, &err), -1);
    assert_null(strstr(err.text, "pass"));
    assert_null(strstr(err.text, "token"));
}

static void test_address(void **state) {
    (void)state;
    struct error err;
    struct origin origin;
    char text[ORIGIN_TEXT_MAX];
    assert_int_equal(origin_of_address("rm:8088", 0, &origin, &err), 0);
    assert_string_equal(origin_name(&origin, text), "rm:8088");
    assert_int_equal(origin_of_address("[::1]", 8088, &origin, &err), 0);
    assert_string_equal(origin_name(&origin, text), "[::1]:8088");
    assert_int_equal(origin_of_address("rm", 0, &origin, &err), -1);
    assert_string_equal(err.text, "\"rm\" is not HOST:PORT");
    assert_int_equal(origin_of_address("rm:1/x", 0, &origin, &err), -1);
}

static void add(struct origins *origins, const char *text) {
    struct error err = {0};
    if (origins_add(origins, text, false, &err) < 0)
        fail_msg("%s: %s", text, err.text);
}

static const char *current(const struct origins *origins) {
    static char text[ORIGIN_TEXT_MAX];
    return origin_url(origins_current(origins), text);
}

static void test_fail_over(void **state) {
    (void)state;
    struct origins origins = {0};
    assert_null(origins_current(&origins));
    assert_false(origins_next(&origins));
    add(&origins, "a:1");
    assert_false(origins_next(&origins));
    add(&origins, "http://b:2/");
    add(&origins, "https://c:3");
    add(&origins, "http://A:1");
    assert_int_equal(origins.count, 3);
    assert_string_equal(current(&origins), "http://a:1");
    assert_true(origins_next(&origins));
    assert_string_equal(current(&origins), "http://b:2");
    assert_true(origins_next(&origins));
    assert_string_equal(current(&origins), "https://c:3");
    assert_false(origins_next(&origins)); /* each has failed once */
    assert_string_equal(current(&origins), "http://a:1");
    assert_true(origins_next(&origins)); /* and from the beginning */
}

static void test_answered(void **state) {
    (void)state;
    struct origins origins = {0};
    add(&origins, "a:1");
    add(&origins, "b:2");
    add(&origins, "c:3");
    origins_next(&origins);
    origins_next(&origins);
    origins_answered(&origins, "http://B:2/ws/v1?x"); /* a redirect led there */
    assert_string_equal(current(&origins), "http://b:2");
    assert_true(origins_next(&origins));
    assert_true(origins_next(&origins));
    assert_false(origins_next(&origins));       /* counted from the answer */
    origins_answered(&origins, "https://c:3/"); /* another scheme, or another server: nothing known of it */
    origins_answered(&origins, "http://elsewhere:3/");
    origins_answered(&origins, "nonsense");
    assert_string_equal(current(&origins), "http://b:2");
}

static void test_refused(void **state) {
    (void)state;
    struct error err;
    struct origins origins = {0};
    assert_int_equal(origins_add(&origins, "rm", false, &err), -1);
    assert_int_equal(origins_add(&origins, "http://rm:1/path", false, &err), -1);
    assert_int_equal(origins_add(&origins, "ftp://rm:1", false, &err), -1);
    assert_int_equal(origins.count, 0);
    for (int i = 0; i < ORIGINS_MAX; i++)
        add(&origins, (const char *[]){"a:1", "b:1", "c:1", "d:1"}[i]);
    assert_int_equal(origins_add(&origins, "e:1", false, &err), -1);
    assert_string_equal(err.text, "more than 4 servers");
    assert_int_equal(origins_add(&origins, "a:1", false, &err), 0);
    assert_int_equal(origins_add(&origins, "a:1", true, &err), -1); /* https is another */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url),     cmocka_unit_test(test_no_url),    cmocka_unit_test(test_errors_show_no_secret),
        cmocka_unit_test(test_address), cmocka_unit_test(test_fail_over), cmocka_unit_test(test_answered),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
