/* See peer.h. */

#include "web/peer.h"

#include <string.h>

enum { PREFIX_BYTES = 8 };

struct in6_addr peer_of(const struct sockaddr *address) {
    struct in6_addr peer = IN6ADDR_ANY_INIT;
    if (address->sa_family == AF_INET) {
        memset(peer.s6_addr + 10, 0xff, 2);
        memcpy(peer.s6_addr + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
        return peer;
    }
    const struct in6_addr *whole = &((const struct sockaddr_in6 *)address)->sin6_addr;
    memcpy(&peer, whole, IN6_IS_ADDR_V4MAPPED(whole) ? sizeof peer : PREFIX_BYTES);
    return peer;
}

bool peer_of_socket(int fd, struct in6_addr *ret_peer) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getpeername(fd, (struct sockaddr *)&address, &length) != 0)
        return false;
    *ret_peer = peer_of((struct sockaddr *)&address);
    return true;
}
