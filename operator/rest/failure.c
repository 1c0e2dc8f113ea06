/* See failure.h. Names host and port and never more of the URL; libcurl's own words are used only where they hold
 * nothing of the request: for TLS and broken connections. */

#include "rest/failure.h"

#include <inttypes.h>
#include <string.h>

static curl_off_t time_of(const struct rest_call *call, CURLINFO what) {
    curl_off_t time = 0;
    curl_easy_getinfo(call->easy, what, &time);
    return time;
}

/* Which part of the work took too long. */
static int say_timeout(const struct rest_call *call, struct error *err) {
    if (time_of(call, CURLINFO_PRETRANSFER_TIME_T) > 0)
        return error_set(err, ERROR_TRANSIENT, "no complete answer in %" PRId64 " ms", call->timeout_ms);
    if (call->reached)
        return error_set(err, ERROR_TRANSIENT, "connected, but no TLS in time");
    if (time_of(call, CURLINFO_NAMELOOKUP_TIME_T) > 0)
        return error_set(err, ERROR_TRANSIENT, "not connected in time");
    return error_set(err, ERROR_TRANSIENT, "its name was not resolved in time");
}

static int say_connect(const struct rest_call *call, struct error *err) {
    long number = 0;
    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
    if (number == 0 && call->by_proxy)
        return error_set(err, ERROR_TRANSIENT, "it cannot be used");
    return error_set(err, ERROR_TRANSIENT, "connect: %s", number > 0 ? strerror((int)number) : "failed");
}

static int say_tls(const struct rest_call *call, const struct trust *trust, struct error *err) {
    bool blind = call->ca_pem == NULL && trust->file == NULL && trust->directory == NULL;
    error_set(err, ERROR_TRANSIENT, "TLS: %s", call->message[0] != '\0' ? call->message : "failed");
    return blind ? error_wrap(err, "this image has no CA certificates (SSL_CERT_FILE names some)") : -1;
}

static int say_trust(const struct rest_call *call, const struct trust *trust, struct error *err) {
    if (call->ca_pem != NULL)
        return error_set(err, ERROR_INVALID, "the CA bundle holds no certificate in PEM form");
    const char *place = trust->file != NULL ? trust->file : trust->directory;
    return error_set(err, ERROR_INVALID, "no CA certificates can be read from %s", place != NULL ? place : "anywhere");
}

static int say_what(const struct rest_call *call, CURLcode result, const struct trust *trust, struct error *err) {
    switch ((int)result) {
    case CURLE_OPERATION_TIMEDOUT: return say_timeout(call, err);
    case CURLE_COULDNT_CONNECT: return say_connect(call, err);
    case CURLE_COULDNT_RESOLVE_HOST: return error_set(err, ERROR_TRANSIENT, "its name is not known");
    case CURLE_COULDNT_RESOLVE_PROXY: return error_set(err, ERROR_TRANSIENT, "the proxy's name is not known");
    case CURLE_PROXY: return error_set(err, ERROR_TRANSIENT, "the proxy failed");
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION: return say_tls(call, trust, err);
    case CURLE_SSL_CACERT_BADFILE: return say_trust(call, trust, err);
    case CURLE_GOT_NOTHING: return error_set(err, ERROR_TRANSIENT, "closed the connection without an answer");
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return error_set(err, ERROR_TRANSIENT, "the connection broke: %s",
                         call->message[0] != '\0' ? call->message : "?");
    case CURLE_PARTIAL_FILE:
        return error_set(err, ERROR_TRANSIENT, "the connection was closed in the middle of the answer");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY: return error_set(err, ERROR_TRANSIENT, "the answer is not HTTP");
    case CURLE_WRITE_ERROR:
        if (call->too_large)
            return error_set(err, ERROR_INVALID, "the answer has more than %zu bytes", call->max_bytes);
        return error_set(err, ERROR_TRANSIENT, "the answer's encoding is broken, or no memory is left for it");
    default: return error_set(err, ERROR_TRANSIENT, "%s", curl_easy_strerror(result));
    }
}

/* Of a try that might go by the proxy: no_proxy may have kept it from that. A proxy that cannot be used, as its URL
 * makes no sense, fails before there is a socket. */
static bool concerns_proxy(const struct rest_call *call, CURLcode result) {
    long used = 0, number = 0;
    curl_easy_getinfo(call->easy, CURLINFO_USED_PROXY, &used);
    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
    bool of_host = number > 0 || result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_OPERATION_TIMEDOUT;
    return call->by_proxy && (used > 0 || !of_host);
}

int failure_say(const struct rest_call *call, CURLcode result, const struct trust *trust, struct error *err) {
    struct error ignored;
    struct origin origin = {0};
    char name[ORIGIN_TEXT_MAX];
    say_what(call, result, trust, err);
    if (concerns_proxy(call, result))
        error_wrap(err, "not connected directly; by the proxy");
    if (origin_of(call->url, &origin, &ignored) < 0)
        return -1;
    if (call->connect_to != NULL && origin_same(&origin, &call->first))
        return error_wrap(err, "%.100s (at %.60s)", origin_name(&origin, name), call->connect_to);
    return error_wrap(err, "%.100s", origin_name(&origin, name));
}
