#pragma once

/* The client side of TLS by OpenSSL, for the launcher's sockets: 1.2 or newer, the peer's name verified, trust only in
 * the certificates given (never the image's), no configuration file read. */

#include <stddef.h>

#include <openssl/types.h>

#include "base/error.h"

/* Trust in these PEM certificates. Free with tls_context_free(). */
int tls_context_new(const char *ca_pem, SSL_CTX **ret_context, struct error *err);
void tls_context_free(SSL_CTX *context); /* takes NULL */

/* A session on a connected socket, which stays the caller's; `host` is verified and sent as SNI. */
int tls_session_new(SSL_CTX *context, int fd, const char *host, SSL **ret_session, struct error *err);
void tls_session_free(SSL *session); /* takes NULL */

/* Each returns > 0 done (bytes), 0 the peer closed in order, -1 failed with err, or TLS_WANT_… : poll and call again.
 */
enum { TLS_WANT_READ = -2, TLS_WANT_WRITE = -3 };
int tls_handshake(SSL *session, struct error *err);
int tls_read(SSL *session, void *bytes, size_t size, struct error *err);
int tls_write(SSL *session, const void *bytes, size_t size, struct error *err);
