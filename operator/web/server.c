/* The libwebsockets context, its two ports, and their beginning and end. What happens to a request is transaction.c's.
 *
 * Relies on the loop's thread for everything. The library's own rules that are easy to break are kept here: ports are
 * made one by one (else a busy port leaves a half-destroyed context), no timer is set from outside its callbacks, one
 * buffer holds a whole TLS record, and the end comes in two steps. Never logs above debug. */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/log.h"
#include "web/peer.h"
#include "web/transaction.h"

enum {
    RECORD_BUFFER = 20 * 1024, /* a TLS record of 16 KiB and slack: a smaller one leaves bytes unread until a timeout */
    HEADERS_ROOM = 8 * 1024,
    IDLE_TIMEOUT_S = 5,
    SPARE_FDS = 16,
    SHARE_MIN = 8,     /* of one address */
    CLOSING_MAX = 256, /* of a port, beside those that have a seat */
    SILENT_S = 5,      /* a TCP connection without a word of TLS is kept by the kernel, not by us */
};

static const char *const port_names[] = {[WEB_PLAIN] = "plain", [WEB_TLS] = "TLS"};

/* One address's share of the port is one by this: probes and scrapes need few connections, but launchers may come from
 * behind their node's address. */
static const int port_shares[] = {[WEB_PLAIN] = 4, [WEB_TLS] = 2};

/* So long a newcomer is listened to, however many come: a handshake is work, and half of one is work for nothing. */
static const int port_moments_ms[] = {[WEB_PLAIN] = 0, [WEB_TLS] = 200};

struct port *port_of(struct lws *wsi) {
    return lws_get_vhost_user(lws_get_vhost(wsi));
}

/* ---- events ---- */

static int prepare_tls(SSL_CTX *tls, struct lws_vhost *vhost) {
    struct port *port = lws_get_vhost_user(vhost);
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_num_tickets(tls, 0); /* launchers call rarely: resumption saves less than it keeps in memory */
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    port->server->tls = tls;
    return 0;
}

/* Accepted, and nothing made of it yet, no TLS either. What is closed for it is gone only when the loop turns, and it
 * does not turn while more are waiting to be accepted: a refusal makes it. Nonzero refuses. */
static int admit(struct port *port, int fd) {
    void *leaves = NULL;
    if (port->live >= port->seats.max + CLOSING_MAX || !peer_of_socket(fd, &port->arriving) ||
        !seats_admit(&port->seats, &port->arriving, clock_boot_ms(), &leaves))
        return 1;
    if (leaves != NULL)
        lws_set_timeout(leaves, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
    return 0;
}

static void enter(struct port *port, struct lws *wsi) {
    port->live++;
    seats_take(&port->seats, wsi, &port->arriving, clock_boot_ms());
}

static void leave(struct port *port, struct lws *wsi) {
    port->live--;
    seats_leave(&port->seats, wsi);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    struct transaction_slot *slot = user;
    switch ((int)reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS: return in != NULL ? prepare_tls(user, in) : 0;
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION: return admit(port_of(wsi), (int)(intptr_t)in);
    case LWS_CALLBACK_WSI_CREATE: enter(port_of(wsi), wsi); return 0;
    case LWS_CALLBACK_WSI_DESTROY: leave(port_of(wsi), wsi); return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: /* WebSocket: not served */ return 1;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return -1;
    case LWS_CALLBACK_HTTP: return transaction_begin(wsi, slot, in);
    case LWS_CALLBACK_HTTP_BODY: return slot != NULL ? transaction_body(slot, in, length) : 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION: return slot != NULL ? transaction_complete(slot) : 0;
    case LWS_CALLBACK_TIMER: return slot != NULL ? transaction_expire(slot) : 0;
    case LWS_CALLBACK_HTTP_WRITEABLE: return slot != NULL ? transaction_write(slot) : 0;
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        if (slot != NULL)
            transaction_drop(slot);
        return 0;
    default: return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = on_event, .per_session_data_size = sizeof(struct transaction_slot)},
    {.name = NULL},
};

/* ---- beginning ---- */

static char last_line[160]; /* the library tells its reasons only to its log */

static void keep_line(int level, const char *line) {
    (void)level;
    size_t length = strcspn(line, "\n");
    if (length >= sizeof last_line)
        length = sizeof last_line - 1;
    memcpy(last_line, line, length);
    last_line[length] = '\0';
    log_debug("web", last_line);
}

/* A name would be resolved by nobody, and an IPv4 address on an IPv6 socket would quietly become "any". */
static int socket_options(const char *address, uint64_t *ret_options, struct error *err) {
    unsigned char bytes[16];
    *ret_options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
    bool ipv4 = address != NULL && inet_pton(AF_INET, address, bytes) == 1;
    if (address != NULL && !ipv4 && inet_pton(AF_INET6, address, bytes) != 1)
        return error_set(err, ERROR_INVALID, "listen on \"%s\": not an IP address", address);
    int fd = ipv4 ? -1 : socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        *ret_options |= LWS_SERVER_OPTION_DISABLE_IPV6; /* asked for, or a kernel without */
    else
        close(fd);
    return 0;
}

static int make_context(struct web_server *server, const struct web_config *config, uint64_t options,
                        struct error *err) {
    void *loops[] = {config->loop};
    int connections =
        server->ports[WEB_PLAIN].seats.max + server->ports[WEB_TLS].seats.max + WEB_PORT_COUNT * CLOSING_MAX;
    struct lws_context_creation_info info = {
        .options = options,
        .foreign_loops = loops,
        .pcontext = &server->context, /* cleared when the context frees itself */
        .fd_limit_per_thread = (unsigned)connections + SPARE_FDS,
        .pt_serv_buf_size = RECORD_BUFFER,
        .max_http_header_data = HEADERS_ROOM,
        .max_http_header_pool = (unsigned short)connections, /* a silent connection holds one: none may wait for it */
        .timeout_secs = IDLE_TIMEOUT_S,
    };
    lws_set_log_level(LLL_ERR | LLL_WARN, keep_line);
    last_line[0] = '\0';
    server->context = lws_create_context(&info);
    if (server->context == NULL)
        return error_set(err, ERROR_INVALID, "start libwebsockets: %s", last_line);
    return 0;
}

/* Can the port be listened on? Asked before the library tries: it does not say why not, and for an address that is not
 * this machine's some versions try for ever. */
static int try_port(const struct web_config *config, enum web_port name, struct error *err) {
    char service[16];
    snprintf(service, sizeof service, "%d", config->ports[name]);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int code = EADDRNOTAVAIL;
    if (getaddrinfo(config->address, service, &hints, &found) == 0) {
        int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
        code = bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 1) != 0 ? errno : 0;
        close(fd);
        freeaddrinfo(found);
    }
    if (code == 0)
        return 0;
    return error_set(err, code == EADDRINUSE ? ERROR_TRANSIENT : ERROR_INVALID, "listen on %s port %s:%s: %s",
                     port_names[name], config->address != NULL ? config->address : "*", service, strerror(code));
}

static int listen_on(struct web_server *server, enum web_port name, const struct web_config *config, uint64_t options,
                     struct error *err) {
    struct port *port = &server->ports[name];
    if (config->ports[name] < 0)
        return 0;
    if (try_port(config, name, err) != 0)
        return -1;
    struct lws_context_creation_info info = {
        .options = options | (name == WEB_TLS ? LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX
                                              : LWS_SERVER_OPTION_HTTP_HEADERS_SECURITY_BEST_PRACTICES_ENFORCE),
        .port = config->ports[name],
        .iface = config->address,
        .vhost_name = port_names[name],
        .protocols = protocols,
        .user = port,
        .alpn = "http/1.1",
        .keepalive_timeout = config->keepalive_s != 0 ? config->keepalive_s : 5,
        .timeout_secs_ah_idle = IDLE_TIMEOUT_S,
    };
    port->vhost = lws_create_vhost(server->context, &info);
    if (port->vhost == NULL)
        return error_set(err, ERROR_TRANSIENT, "listen on %s port %d: %s", port_names[name], config->ports[name],
                         last_line);
    return 0;
}

/* The library does not tell its socket. Nobody speaks first to a TLS port: what says nothing need not be seen. No-op
 * where it cannot be done. */
static void defer_accept(int port) {
    struct sockaddr_in6 address;
    for (int fd = 0, left = 64; left > 0; fd++) {
        int listens = 0;
        socklen_t length = sizeof listens;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || listens == 0) {
            left--;
            continue;
        }
        length = sizeof address; /* the port is where that of IPv4 is */
        if (getsockname(fd, (struct sockaddr *)&address, &length) == 0 && ntohs(address.sin6_port) == port)
            setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){SILENT_S}, sizeof(int));
    }
}

int web_server_new(const struct web_config *config, struct web_server **ret_server, struct error *err) {
    static const int connections[] = {[WEB_PLAIN] = 32, [WEB_TLS] = 256};
    struct web_server *server = *ret_server = calloc(1, sizeof *server);
    if (server == NULL)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    server->routes = config->routes;
    server->route_count = config->route_count;
    for (enum web_port name = 0; name < WEB_PORT_COUNT; name++) {
        int max = config->connections[name] != 0 ? config->connections[name] : connections[name];
        int share = max / port_shares[name] > SHARE_MIN ? max / port_shares[name] : SHARE_MIN;
        server->ports[name] = (struct port){.server = server, .name = name};
        seats_init(&server->ports[name].seats, max, share, port_moments_ms[name]);
    }
    uint64_t options;
    int result = socket_options(config->address, &options, err);
    if (result == 0)
        result = make_context(server, config, options, err);
    for (enum web_port name = 0; name < WEB_PORT_COUNT && result == 0; name++)
        result = listen_on(server, name, config, options, err);
    if (result == 0 && config->ports[WEB_TLS] >= 0)
        defer_accept(web_server_port(server, WEB_TLS));
    if (result != 0)
        web_server_stop(server);
    return result;
}

int web_server_port(const struct web_server *server, enum web_port port) {
    struct lws_vhost *vhost = server->ports[port].vhost;
    return vhost != NULL ? lws_get_vhost_listen_port(vhost) : -1;
}

int web_server_use_certificate(struct web_server *server, X509 *certificate, EVP_PKEY *key, struct error *err) {
    if (server->tls == NULL)
        return error_set(err, ERROR_INVALID, "there is no TLS port");
    ERR_clear_error();
    if (SSL_CTX_use_cert_and_key(server->tls, certificate, key, NULL, 1) == 1)
        return 0;
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return error_set(err, ERROR_INVALID, "use certificate: %s", reason != NULL ? reason : "refused by OpenSSL");
}

/* ---- end ---- */

void web_server_stop(struct web_server *server) {
    if (server == NULL || server->context == NULL)
        return;
    server->tls = NULL;
    for (enum web_port name = 0; name < WEB_PORT_COUNT; name++)
        server->ports[name].vhost = NULL;
    lws_context_destroy(server->context);
}

void web_server_free(struct web_server *server) {
    if (server == NULL)
        return;
    if (server->context != NULL)
        lws_context_destroy(server->context);
    for (enum web_port name = 0; name < WEB_PORT_COUNT; name++)
        seats_fini(&server->ports[name].seats);
    free(server);
}
