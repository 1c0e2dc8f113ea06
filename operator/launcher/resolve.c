/* See resolve.h. Relies on fork() of a small process and on glibc's files and dns lookups, which a static program has
 * built in. The child is reaped by the loop's waitpid(-1) like any orphan; an alarm bounds its life. */

#include "launcher/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <nss.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { LOOKUP_SECONDS = 10 };

/* What the child writes; below PIPE_BUF, so that it arrives whole. */
struct answer {
    int error; /* of getaddrinfo() */
    struct addresses addresses;
};

int resolve_literal(const struct endpoint *endpoint, struct addresses *ret) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)endpoint->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)endpoint->port)};
    struct addresses found = {.count = 1};
    if (inet_pton(AF_INET, endpoint->host, &v4.sin_addr) == 1) {
        memcpy(&found.items[0].to, &v4, sizeof v4);
        found.items[0].length = sizeof v4;
    } else if (inet_pton(AF_INET6, endpoint->host, &v6.sin6_addr) == 1) {
        memcpy(&found.items[0].to, &v6, sizeof v6);
        found.items[0].length = sizeof v6;
    } else {
        return -1;
    }
    *ret = found;
    return 0;
}

static void look_up(const struct endpoint *endpoint, struct answer *answer) {
    struct addrinfo *list = NULL, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    char port[12];
    snprintf(port, sizeof port, "%u", endpoint->port);
    __nss_configure_lookup("hosts", "files dns"); /* whatever the image's nsswitch.conf says */
    answer->error = getaddrinfo(endpoint->host, port, &hints, &list);
    for (const struct addrinfo *one = list; !answer->error && one; one = one->ai_next) {
        struct address *address = &answer->addresses.items[answer->addresses.count];
        if (answer->addresses.count == RESOLVE_MAX || one->ai_addrlen > sizeof address->to)
            break;
        memcpy(&address->to, one->ai_addr, one->ai_addrlen);
        address->length = one->ai_addrlen;
        answer->addresses.count++;
    }
}

static _Noreturn void resolver_child(const struct endpoint *endpoint, int fd) {
    struct answer answer = {0};
    sigset_t none;
    sigemptyset(&none);
    signal(SIGALRM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(LOOKUP_SECONDS);
    look_up(endpoint, &answer);
    ssize_t written = write(fd, &answer, sizeof answer);
    _exit(written == (ssize_t)sizeof answer ? 0 : 1);
}

int resolver_start(struct resolver *resolver, const struct endpoint *endpoint, struct error *err) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return error_set(err, ERROR_TRANSIENT, "resolve %s: pipe: %s", endpoint->host, strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        resolver_child(endpoint, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return error_set(err, ERROR_TRANSIENT, "resolve %s: fork: %s", endpoint->host, strerror(errno));
    }
    resolver->fd = ends[0];
    return 0;
}

int resolver_step(struct resolver *resolver, const struct endpoint *endpoint, struct addresses *ret,
                  struct error *err) {
    struct answer answer = {0};
    ssize_t got = read(resolver->fd, &answer, sizeof answer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    resolver_stop(resolver);
    if (got != (ssize_t)sizeof answer)
        return error_set(err, ERROR_TRANSIENT, "resolve %s: no answer", endpoint->host);
    if (answer.error || answer.addresses.count == 0)
        return error_set(err, ERROR_TRANSIENT, "resolve %s: %s", endpoint->host,
                         answer.error ? gai_strerror(answer.error) : "no address");
    *ret = answer.addresses;
    return 1;
}

void resolver_stop(struct resolver *resolver) {
    if (resolver->fd >= 0)
        close(resolver->fd);
    resolver->fd = -1;
}
