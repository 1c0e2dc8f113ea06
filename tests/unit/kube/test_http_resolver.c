/* A resolver that hangs, as with name servers that drop packets: libcurl asks it in a thread, and must not wait for
 * that thread when a transfer ends. */

#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kube/support_client.h"

/* Takes the place of the C library's. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **found) {
    (void)node;
    (void)service;
    (void)hints;
    (void)found;
    sleep(3);
    return EAI_AGAIN;
}

static int64_t last, worst;
static void on_beat(uv_timer_t *timer) {
    (void)timer;
    int64_t now = clock_boot_ms();
    if (last != 0 && now - last > worst)
        worst = now - last;
    last = now;
}

static void a_hanging_resolver_does_not_stop_the_loop(void **state) {
    (void)state;
    struct fixture f;
    memset(&f, 0, sizeof f);
    uv_loop_init(&f.loop);
    struct kube_config *config = NULL;
    struct error err;
    assert_int_equal(kube_config_plain("https://api.example.org:6443", "secret", &config, &err), 0);
    client_open(&f, config, &(struct kube_http_options){.connect_ms = 300});
    uv_timer_t beat;
    uv_timer_init(&f.loop, &beat);
    uv_timer_start(&beat, on_beat, 0, 20);
    client_get(&f, 0);
    client_await(&f, 0);
    assert_int_equal(f.outcomes[0].err.code, ERROR_TRANSIENT);
    uv_close((uv_handle_t *)&beat, NULL);
    kube_http_free(f.api);
    loop_finish(&f.loop);
    assert_in_range(worst, 0, 1000);
    sleep(4); /* the thread is still there, and its memory */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_hanging_resolver_does_not_stop_the_loop)};
    return cmocka_run_group_tests_name("http resolver", tests, NULL, NULL);
}
