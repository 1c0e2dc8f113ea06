/* See address.h. One uv_getaddrinfo() at a time; a failure keeps what was known. */

#include "report/address.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFRESH_MS = 60 * 1000, RETRY_MS = 5 * 1000, TEXT_MAX = 320 };

struct address {
    uv_getaddrinfo_t request;
    uv_timer_t timer;
    char *host;
    int port;
    bool resolving, stopped;
    char text[TEXT_MAX];
    void (*changed)(void *arg);
    void *arg;
};

static void address_free(struct address *address) {
    free(address->host);
    free(address);
}

static void closed(uv_handle_t *handle) {
    struct address *address = handle->data;
    if (!address->resolving)
        address_free(address);
    else
        address->timer.data = NULL; /* resolved() frees */
}

static void take(struct address *address, const struct sockaddr *found) {
    char ip[64] = "";
    char text[TEXT_MAX];
    uv_ip_name(found, ip, sizeof ip);
    snprintf(text, sizeof text, strchr(ip, ':') == NULL ? "%s:%d" : "[%s]:%d", ip, address->port);
    if (strcmp(text, address->text) == 0)
        return;
    memcpy(address->text, text, sizeof text);
    if (address->changed != NULL)
        address->changed(address->arg);
}

static void refresh(uv_timer_t *timer);

static void resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
    struct address *address = request->data;
    address->resolving = false;
    if (status == 0 && found != NULL && !address->stopped)
        take(address, found->ai_addr);
    uv_freeaddrinfo(found);
    if (!address->stopped)
        uv_timer_start(&address->timer, refresh, status == 0 ? REFRESH_MS : RETRY_MS, 0);
    else if (address->timer.data == NULL)
        address_free(address);
}

static void refresh(uv_timer_t *timer) {
    struct address *address = timer->data;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    address->request.data = address;
    if (uv_getaddrinfo(timer->loop, &address->request, resolved, address->host, NULL, &hints) == 0)
        address->resolving = true;
    else
        uv_timer_start(timer, refresh, RETRY_MS, 0);
}

struct address *address_new(uv_loop_t *loop, const char *host, int port, const char *fixed, void (*changed)(void *arg),
                            void *arg) {
    struct address *address = calloc(1, sizeof *address);
    if (address == NULL || (address->host = strdup(host)) == NULL)
        abort();
    address->port = port;
    address->changed = changed;
    address->arg = arg;
    uv_timer_init(loop, &address->timer);
    address->timer.data = address;
    if (fixed != NULL) {
        snprintf(address->text, sizeof address->text, "%s", fixed);
        return address;
    }
    snprintf(address->text, sizeof address->text, "%s:%d", host, port);
    refresh(&address->timer);
    return address;
}

const char *address_text(const struct address *address) {
    return address->text;
}

void address_stop(struct address *address) {
    if (address == NULL)
        return;
    address->stopped = true;
    if (address->resolving)
        uv_cancel((uv_req_t *)&address->request);
    uv_close((uv_handle_t *)&address->timer, closed);
}
