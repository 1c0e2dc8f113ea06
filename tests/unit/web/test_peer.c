/* Who counts as one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "web/peer.h"

static struct in6_addr peer(const char *text) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return peer_of((struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return peer_of((struct sockaddr *)&v6);
}

static void an_address_or_a_network_of_64_bits_is_one(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.1", "::ffff:10.0.0.1", true},
        {"::ffff:10.0.0.1", "::ffff:10.0.0.2", false},
        {"fd00:1:2:3::1", "fd00:1:2:3:ffff::2", true},
        {"fd00:1:2:3::1", "fd00:1:2:4::1", false},
        {"10.0.0.1", "::1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct in6_addr a = peer(cases[i].a), b = peer(cases[i].b);
        if ((memcmp(&a, &b, sizeof a) == 0) != cases[i].same)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_address_or_a_network_of_64_bits_is_one)};
    return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
