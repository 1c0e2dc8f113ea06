/* Files, base64, tokens, URLs and PEM (config_private.h). Relies on OpenSSL to tell PEM from noise and on libcurl to
 * read a URL; never asks for a password. */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <curl/curl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "kube/config_private.h"

char *config_read(const char *path, struct error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_INVALID, "%s: %s", path, strerror(errno));
        return NULL;
    }
    AUTO_STRBUF text = STRBUF_MAX(CONFIG_FILE_MAX);
    char piece[4096];
    ssize_t length = 0;
    while ((length = read(fd, piece, sizeof piece)) > 0)
        strbuf_add(&text, piece, (size_t)length);
    int failed = length < 0 ? errno : strbuf_failed(&text) ? EFBIG : 0;
    close(fd);
    if (failed != 0) {
        error_set(err, ERROR_INVALID, "%s: %s", path, strerror(failed));
        return NULL;
    }
    strbuf_putc(&text, '\0');
    return strbuf_steal(&text);
}

char *config_base64(const char *text) {
    AUTO_STRBUF packed = STRBUF_INIT;
    for (const char *c = text; *c != '\0'; c++)
        if (!isspace((unsigned char)*c))
            strbuf_putc(&packed, *c);
    return packed.length <= CONFIG_FILE_MAX ? base64_decode_padded(strbuf_text(&packed), packed.length) : NULL;
}

char *config_to_base64(const char *text) {
    char *packed = base64_encode(text, strlen(text));
    if (packed == NULL)
        abort();
    return packed;
}

void config_trim(char *text) {
    size_t skip = strspn(text, " \t\r\n");
    size_t length = strlen(text + skip);
    memmove(text, text + skip, length + 1);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
}

bool config_is_token(const char *text) {
    if (text[0] == '\0')
        return false;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
        if (*c <= ' ' || *c >= 0x7F)
            return false;
    return true;
}

/* `host` as libcurl gives it: an IPv6 address has brackets. */
static bool is_loopback(char *host) {
    struct in_addr v4;
    struct in6_addr v6;
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        return inet_pton(AF_INET6, host + 1, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    return strcasecmp(host, "localhost") == 0;
}

struct config_host config_host_of(const char *url) {
    struct config_host host = {0};
    char *name = NULL;
    char *user = NULL;
    char *password = NULL;
    CURLU *parsed = curl_url();
    if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_HOST, &name, 0) == CURLUE_OK && name[0] != '\0')
        host = (struct config_host){.valid = true,
                                    .user = curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_OK ||
                                            curl_url_get(parsed, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK,
                                    .loopback = is_loopback(name)};
    curl_free(name);
    curl_free(user);
    curl_free(password);
    curl_url_cleanup(parsed);
    return host;
}

static X509 *first_certificate(const char *pem) {
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return certificate;
}

bool config_is_certificate(const char *pem) {
    X509 *certificate = first_certificate(pem);
    X509_free(certificate);
    return certificate != NULL;
}

bool config_pair_fits(const char *cert_pem, const char *key_pem) {
    char empty[] = ""; /* a passphrase, or OpenSSL would ask for one on the terminal */
    BIO *bio = BIO_new_mem_buf(key_pem, -1);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, empty);
    X509 *certificate = first_certificate(cert_pem);
    bool fits = key != NULL && certificate != NULL && X509_check_private_key(certificate, key) == 1;
    BIO_free(bio);
    EVP_PKEY_free(key);
    X509_free(certificate);
    return fits;
}
