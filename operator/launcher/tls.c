/* See tls.h. Relies on OpenSSL with memory only: OPENSSL_INIT_NO_LOAD_CONFIG first, so that an openssl.cnf in the
 * task's image is not looked at. Errors are cleared before every call, as SSL_get_error() demands. */

#include "launcher/tls.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static int fail(struct error *err, const char *what, long verify, int saved) {
    unsigned long code = ERR_peek_last_error();
    const char *reason = verify != X509_V_OK ? X509_verify_cert_error_string(verify)
                         : code              ? ERR_reason_error_string(code)
                         : saved             ? strerror(saved)
                                             : "connection closed";
    error_set(err, ERROR_TRANSIENT, "TLS: %s: %s", what, reason ? reason : "unknown error");
    ERR_clear_error();
    return -1;
}

static int add_certificates(SSL_CTX *context, const char *ca_pem) {
    int count = 0;
    BIO *bio = BIO_new_mem_buf(ca_pem, -1);
    X509 *certificate;
    while (bio && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        count += X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate);
        X509_free(certificate);
    }
    ERR_clear_error(); /* the end of the bundle is an error to PEM_read */
    BIO_free(bio);
    return count;
}

int tls_context_new(const char *ca_pem, SSL_CTX **ret_context, struct error *err) {
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context)
        return fail(err, "context", X509_V_OK, ENOMEM);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (add_certificates(context, ca_pem) == 0) {
        SSL_CTX_free(context);
        return error_set(err, ERROR_INVALID, "the CA bundle holds no certificate in PEM form");
    }
    *ret_context = context;
    return 0;
}

void tls_context_free(SSL_CTX *context) {
    SSL_CTX_free(context);
}

/* An address is verified as one and has no SNI; a name is verified and sent. */
static bool set_host(SSL *session, const char *host) {
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    ERR_clear_error(); /* a name is an error to a2i_IPADDRESS */
    ASN1_OCTET_STRING_free(address);
    if (address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1;
    char name[256]; /* OpenSSL's macro takes it without const */
    int length = snprintf(name, sizeof name, "%s", host);
    return length > 0 && (size_t)length < sizeof name && SSL_set1_host(session, name) == 1 &&
           SSL_set_tlsext_host_name(session, name) == 1;
}

int tls_session_new(SSL_CTX *context, int fd, const char *host, SSL **ret_session, struct error *err) {
    ERR_clear_error();
    SSL *session = SSL_new(context);
    if (!session)
        return fail(err, "session", X509_V_OK, ENOMEM);
    SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (!set_host(session, host) || SSL_set_fd(session, fd) != 1) {
        fail(err, "host name", X509_V_OK, EINVAL);
        SSL_free(session);
        return -1;
    }
    SSL_set_connect_state(session);
    *ret_session = session;
    return 0;
}

void tls_session_free(SSL *session) {
    SSL_free(session);
}

static int result(SSL *session, int value, const char *what, int saved, struct error *err) {
    if (value > 0)
        return value;
    switch (SSL_get_error(session, value)) {
    case SSL_ERROR_WANT_READ: return TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE: return TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: return fail(err, what, SSL_get_verify_result(session), saved);
    }
}

static int clamp(size_t size) {
    return size > INT_MAX ? INT_MAX : (int)size;
}

int tls_handshake(SSL *session, struct error *err) {
    ERR_clear_error();
    errno = 0;
    int value = SSL_do_handshake(session);
    return result(session, value, "handshake", errno, err);
}

int tls_read(SSL *session, void *bytes, size_t size, struct error *err) {
    ERR_clear_error();
    errno = 0;
    int value = SSL_read(session, bytes, clamp(size));
    return result(session, value, "read", errno, err);
}

int tls_write(SSL *session, const void *bytes, size_t size, struct error *err) {
    ERR_clear_error();
    errno = 0;
    int value = SSL_write(session, bytes, clamp(size));
    return result(session, value, "write", errno, err);
}
