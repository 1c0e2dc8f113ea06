#pragma once

/* libcurl handles that are used again, and where they lead: private to kube/http_pool.c and http_call.c. */

#include <curl/curl.h>

#include "base/error.h"
#include "kube/config.h"

struct http_easy {
    CURL *curl;
    struct http_easy *next;                  /* spare */
    struct curl_slist *headers, *connect_to; /* must live as long as the transfer */
    char *token, *content_type;              /* what `headers` are made of; NULL: none */
};

/* Handles that are not in use, at most EASY_SPARE_MAX. Zero is empty. */
enum { EASY_SPARE_MAX = 32 };
struct easy_store {
    struct http_easy *spare;
    unsigned count;
};

/* A handle without any option set. NULL: out of memory. */
struct http_easy *easy_take(struct easy_store *store);
/* It must be in no multi handle. Its connection stays with the multi handle. Takes NULL. */
void easy_give(struct easy_store *store, struct http_easy *easy);
void easy_clear(struct easy_store *store);

/* Server, proxy, protocol, and the name that the server must prove. */
int easy_set_url(struct http_easy *easy, const char *server, const char *path, const struct kube_tls *tls,
                 struct error *err);
/* A changed CA or certificate gives new connections: libcurl reuses only those made with the same ones. */
void easy_set_tls(struct http_easy *easy, const struct kube_tls *tls);
/* `content_type` NULL: there is no body; `token` NULL: none. */
void easy_set_headers(struct http_easy *easy, const char *content_type, const char *token);
