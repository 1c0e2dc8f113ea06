/* See http_easy.h. A handle is reset before it is used again, so that nothing of one request gets into another; its
 * memory and its TLS sessions stay. The header list is kept too: it is mostly the same. */

#include "kube/http_easy.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/strbuf.h"
#include "base/text.h"

/* Reuse. */

static void set_text(char **at, const char *text) {
    if (*at != NULL)
        OPENSSL_cleanse(*at, strlen(*at)); /* one of them is a secret */
    free(*at);
    *at = text == NULL ? NULL : strdup(text);
    if (text != NULL && *at == NULL)
        abort();
}

static void free_headers(struct http_easy *easy) {
    for (struct curl_slist *header = easy->headers; header != NULL; header = header->next)
        OPENSSL_cleanse(header->data, strlen(header->data));
    curl_slist_free_all(easy->headers);
    easy->headers = NULL;
}

static void easy_free(struct http_easy *easy) {
    curl_easy_cleanup(easy->curl);
    free_headers(easy);
    curl_slist_free_all(easy->connect_to);
    set_text(&easy->token, NULL);
    set_text(&easy->content_type, NULL);
    free(easy);
}

struct http_easy *easy_take(struct easy_store *store) {
    struct http_easy *easy = store->spare;
    if (easy != NULL) {
        store->spare = easy->next;
        store->count--;
        return easy;
    }
    easy = calloc(1, sizeof *easy);
    if (easy != NULL && (easy->curl = curl_easy_init()) == NULL) {
        free(easy);
        easy = NULL;
    }
    return easy;
}

void easy_give(struct easy_store *store, struct http_easy *easy) {
    if (easy == NULL)
        return;
    if (store->count == EASY_SPARE_MAX) {
        easy_free(easy);
        return;
    }
    curl_easy_reset(easy->curl);
    curl_slist_free_all(easy->connect_to);
    easy->connect_to = NULL;
    easy->next = store->spare;
    store->spare = easy;
    store->count++;
}

void easy_clear(struct easy_store *store) {
    while (store->spare != NULL)
        easy_free(easy_take(store));
}

/* Headers. */

static void add_header(struct http_easy *easy, const char *name, const char *value) {
    AUTO_STRBUF line = STRBUF_INIT;
    strbuf_puts(&line, name);
    strbuf_puts(&line, value);
    struct curl_slist *headers = curl_slist_append(easy->headers, strbuf_text(&line));
    if (headers == NULL)
        abort();
    easy->headers = headers;
    OPENSSL_cleanse(line.data, line.length);
}

static void make_headers(struct http_easy *easy, const char *content_type, const char *token) {
    free_headers(easy);
    set_text(&easy->content_type, content_type);
    set_text(&easy->token, token);
    add_header(easy, "Accept: ", "application/json, */*"); /* logs are text */
    if (token != NULL)
        add_header(easy, "Authorization: Bearer ", token);
    if (content_type == NULL)
        return;
    add_header(easy, "Content-Type: ", content_type);
    add_header(easy, "Expect:", ""); /* waiting for a 100 would stall large bodies */
}

void easy_set_headers(struct http_easy *easy, const char *content_type, const char *token) {
    bool same = easy->headers != NULL && text_equal(content_type, easy->content_type) && text_equal(token, easy->token);
    if (!same)
        make_headers(easy, content_type, token);
    curl_easy_setopt(easy->curl, CURLOPT_HTTPHEADER, easy->headers);
}

/* TLS. */

static void set_blob(CURL *curl, CURLoption option, const char *pem) {
    if (pem == NULL)
        return;
    struct curl_blob blob = {.len = strlen(pem), .flags = CURL_BLOB_COPY};
    memcpy(&blob.data, &pem, sizeof pem); /* libcurl only reads what it copies */
    curl_easy_setopt(curl, option, &blob);
}

void easy_set_tls(struct http_easy *easy, const struct kube_tls *tls) {
    set_blob(easy->curl, CURLOPT_CAINFO_BLOB, tls->ca_pem);
    set_blob(easy->curl, CURLOPT_SSLCERT_BLOB, tls->cert_pem);
    set_blob(easy->curl, CURLOPT_SSLKEY_BLOB, tls->key_pem);
    curl_easy_setopt(easy->curl, CURLOPT_SSL_VERIFYPEER, tls->insecure ? 0L : 1L);
    curl_easy_setopt(easy->curl, CURLOPT_SSL_VERIFYHOST, tls->insecure ? 0L : 2L);
    curl_easy_setopt(easy->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

/* URL. */

/* The name expected in the certificate takes the host's place in the URL; the connection goes to the host all the same.
 * *ret_url: free with curl_free(). */
static CURLUcode rename_host(struct http_easy *easy, CURLU *url, const char *server_name, char **ret_url) {
    char *host = NULL;
    char *port = NULL;
    CURLUcode failed = curl_url_get(url, CURLUPART_HOST, &host, 0);
    if (failed == CURLUE_OK)
        failed = curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (failed == CURLUE_OK) {
        AUTO_STRBUF route = STRBUF_INIT;
        strbuf_printf(&route, "%s:%s:%s:%s", server_name, port, host, port);
        easy->connect_to = curl_slist_append(NULL, strbuf_text(&route));
        curl_easy_setopt(easy->curl, CURLOPT_CONNECT_TO, easy->connect_to);
        failed = curl_url_set(url, CURLUPART_HOST, server_name, 0);
    }
    if (failed == CURLUE_OK)
        failed = curl_url_get(url, CURLUPART_URL, ret_url, 0);
    curl_free(host);
    curl_free(port);
    return failed;
}

static int set_renamed(struct http_easy *easy, const char *text, const char *server_name, struct error *err) {
    char *whole = NULL;
    CURLU *url = curl_url();
    CURLUcode failed = url == NULL ? CURLUE_OUT_OF_MEMORY : curl_url_set(url, CURLUPART_URL, text, 0);
    if (failed == CURLUE_OK)
        failed = rename_host(easy, url, server_name, &whole);
    if (failed == CURLUE_OK)
        curl_easy_setopt(easy->curl, CURLOPT_URL, whole);
    curl_free(whole);
    curl_url_cleanup(url);
    return failed == CURLUE_OK ? 0 : error_set(err, ERROR_INVALID, "bad URL: %s", curl_url_strerror(failed));
}

int easy_set_url(struct http_easy *easy, const char *server, const char *path, const struct kube_tls *tls,
                 struct error *err) {
    AUTO_STRBUF text = STRBUF_INIT;
    strbuf_puts(&text, server);
    strbuf_puts(&text, path);
    curl_easy_setopt(easy->curl, CURLOPT_PROTOCOLS_STR, text_starts_with(server, "http://") ? "http" : "https");
    if (tls->proxy_url != NULL)
        curl_easy_setopt(easy->curl, CURLOPT_PROXY, tls->proxy_url);
    else if (tls->loopback)
        curl_easy_setopt(easy->curl, CURLOPT_PROXY, ""); /* the environment's is not for this machine (as in Go) */
    if (tls->server_name != NULL)
        return set_renamed(easy, strbuf_text(&text), tls->server_name, err);
    curl_easy_setopt(easy->curl, CURLOPT_URL, strbuf_text(&text));
    return 0;
}
