/* See curl_loop.h. libcurl says which sockets and which time it waits for; libuv waits. Never calls back from inside
 * libcurl, which forbids most of its functions there. */

#include "kube/curl_loop.h"

#include <stdlib.h>

enum { CONNECTIONS_MAX = 64 }; /* kept open */

struct curl_loop {
    CURLM *multi;
    uv_loop_t *loop;
    uv_timer_t timer;
    void (*turned)(void *arg); /* NULL once it is being freed */
    void *arg;
};

struct socket {
    uv_poll_t poll;
    struct curl_loop *curl;
    curl_socket_t fd;
};

static void turn(struct curl_loop *curl, curl_socket_t fd, int events) {
    int running = 0;
    curl_multi_socket_action(curl->multi, fd, events, &running);
    if (curl->turned != NULL)
        curl->turned(curl->arg);
}

static void on_timer(uv_timer_t *timer) {
    turn(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket(uv_poll_t *poll, int status, int events) {
    const struct socket *socket = poll->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    turn(socket->curl, socket->fd, flags);
}

static void socket_closed(uv_handle_t *handle) {
    free(handle->data);
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg) {
    (void)multi;
    struct curl_loop *curl = arg;
    if (timeout_ms < 0) {
        uv_timer_stop(&curl->timer);
        return 0;
    }
    uv_update_time(curl->loop); /* the loop's time is that of its last turn */
    uv_timer_start(&curl->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static struct socket *socket_new(struct curl_loop *curl, curl_socket_t fd) {
    struct socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        return NULL;
    *socket = (struct socket){.curl = curl, .fd = fd};
    if (uv_poll_init_socket(curl->loop, &socket->poll, fd) != 0) {
        free(socket);
        return NULL;
    }
    socket->poll.data = socket;
    curl_multi_assign(curl->multi, fd, socket);
    return socket;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg) {
    (void)easy;
    struct curl_loop *curl = arg;
    struct socket *socket = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(curl->multi, fd, NULL);
        if (socket != NULL)
            uv_close((uv_handle_t *)&socket->poll, socket_closed);
        return 0;
    }
    if (socket == NULL)
        socket = socket_new(curl, fd);
    if (socket == NULL)
        return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&socket->poll, events, on_socket) == 0 ? 0 : -1;
}

struct curl_loop *curl_loop_new(uv_loop_t *loop, void (*turned)(void *arg), void *arg, struct error *err) {
    struct curl_loop *curl = calloc(1, sizeof *curl);
    CURLM *multi = curl_multi_init();
    if (curl == NULL || multi == NULL) {
        free(curl);
        curl_multi_cleanup(multi);
        error_set(err, ERROR_TRANSIENT, "out of memory");
        return NULL;
    }
    *curl = (struct curl_loop){.multi = multi, .loop = loop, .turned = turned, .arg = arg};
    uv_timer_init(loop, &curl->timer);
    curl->timer.data = curl;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, curl);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    /* Else as many as there are handles just then: after each burst connections would be closed. */
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
    return curl;
}

CURLM *curl_loop_multi(struct curl_loop *curl) {
    return curl->multi;
}

static void timer_closed(uv_handle_t *handle) {
    free(handle->data);
}

void curl_loop_free(struct curl_loop *curl) {
    if (curl == NULL)
        return;
    curl->turned = NULL;
    curl_multi_cleanup(curl->multi); /* closes the sockets by set_socket() */
    uv_close((uv_handle_t *)&curl->timer, timer_closed);
}
