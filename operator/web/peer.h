#pragma once

/* Who counts as one at the other end of connections: an IPv4 address, written as the IPv6 address that stands for it
 * (::ffff:1.2.3.4), or the first 64 bits of an IPv6 address, since whoever has one of those has them all. */

#include <stdbool.h>

#include <netinet/in.h>
#include <sys/socket.h>

struct in6_addr peer_of(const struct sockaddr *address);
bool peer_of_socket(int fd, struct in6_addr *ret_peer); /* false when it has left already */
