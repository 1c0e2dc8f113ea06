#pragma once

/* One request with all its tries: the first, by the proxy, after redirects. Within rest/ only. */

#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

#include "base/strbuf.h"
#include "rest/origins.h"
#include "rest/rest.h"
#include "rest/trust.h"

enum { CALL_METHOD_MAX = 16 };

struct rest_call {
    struct rest *rest;
    struct rest_call *prev, *next;
    rest_done *done;
    void (*sink)(void *context, const char *bytes, size_t length);
    void *context;

    char method[CALL_METHOD_MAX]; /* of this try, as are url, has_body and by_proxy */
    char *url;
    bool has_body, by_proxy;
    void *body;
    size_t body_length;
    char *token, *accept, *content_type, *ca_pem, *connect_to;
    struct origin first; /* whom the token is for */
    bool direct;
    int redirects; /* left */
    size_t max_bytes;
    int64_t timeout_ms, connect_timeout_ms;
    int64_t deadline; /* boot ms; 0: not seen by a step yet */
    int64_t left_ms;  /* of the time, when this try began */

    CURL *easy;
    struct curl_slist *headers, *route;
    char message[CURL_ERROR_SIZE];
    bool starved;   /* of memory */
    bool added;     /* to the multi handle */
    bool cancelled; /* while libcurl was calling: to be freed */
    bool finished;  /* done is being called */

    /* The answer of this try. */
    bool reached;  /* the other side accepted the connection: TLS has begun */
    bool headed;   /* its head was looked at */
    bool followed; /* it is a redirect that is followed: its body is not for anybody */
    bool too_large;
    char *location;
    struct strbuf bytes;
};

int call_new(const struct rest_request *request, struct rest_call **ret_call, struct error *err);
void call_free(struct rest_call *call);
/* Makes the handle ready for the next try. -1: no memory. */
int call_prepare(struct rest_call *call, const struct trust *trust);
bool call_connected(const struct rest_call *call); /* this try, if only that; TLS need not have succeeded */
/* The try ended so: does another by the proxy make sense, now that none has been connected? */
bool call_proxy_helps(const struct rest_call *call, CURLcode result);
