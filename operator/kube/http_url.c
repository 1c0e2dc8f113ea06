/* Where a request goes (http_call.h): URL, proxy, and the name that the server must prove. */

#include <string.h>

#include "kube/http_call.h"

/* The name expected in the certificate takes the host's place in the URL; the connection goes to the host all the same.
 */
static CURLUcode rename_host(struct kube_call *call, CURLU *url, const char *server_name) {
    char *host = NULL;
    char *port = NULL;
    CURLUcode failed = curl_url_get(url, CURLUPART_HOST, &host, 0);
    if (failed == CURLUE_OK)
        failed = curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (failed == CURLUE_OK) {
        AUTO_STRBUF route = STRBUF_INIT;
        strbuf_printf(&route, "%s:%s:%s:%s", server_name, port, host, port);
        call->connect_to = curl_slist_append(NULL, strbuf_text(&route));
        curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
        failed = curl_url_set(url, CURLUPART_HOST, server_name, 0);
    }
    curl_free(host);
    curl_free(port);
    return failed;
}

static bool is_loopback(CURLU *url) {
    char *host = NULL;
    if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return false;
    bool loopback = strncmp(host, "127.", 4) == 0 || strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
    curl_free(host);
    return loopback;
}

int call_set_url(struct kube_call *call, const struct call_setup *setup, struct error *err) {
    AUTO_STRBUF text = STRBUF_INIT;
    strbuf_puts(&text, setup->server);
    strbuf_puts(&text, call->path);
    bool plain = strncmp(setup->server, "http://", strlen("http://")) == 0;
    curl_easy_setopt(call->easy, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
    CURLU *url = curl_url();
    CURLUcode failed = url == NULL ? CURLUE_OUT_OF_MEMORY : curl_url_set(url, CURLUPART_URL, strbuf_text(&text), 0);
    bool loopback = failed == CURLUE_OK && is_loopback(url);
    if (failed == CURLUE_OK && setup->tls.server_name != NULL)
        failed = rename_host(call, url, setup->tls.server_name);
    char *whole = NULL;
    if (failed == CURLUE_OK)
        failed = curl_url_get(url, CURLUPART_URL, &whole, 0);
    if (failed == CURLUE_OK)
        curl_easy_setopt(call->easy, CURLOPT_URL, whole);
    if (setup->tls.proxy_url != NULL)
        curl_easy_setopt(call->easy, CURLOPT_PROXY, setup->tls.proxy_url);
    else if (loopback)
        curl_easy_setopt(call->easy, CURLOPT_PROXY, ""); /* the environment's is not for this machine (as in Go) */
    curl_free(whole);
    curl_url_cleanup(url);
    return failed == CURLUE_OK ? 0 : error_set(err, ERROR_INVALID, "bad URL: %s", curl_url_strerror(failed));
}
