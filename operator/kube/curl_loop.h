#pragma once

/* libcurl's multi interface turned by a libuv loop (after curl's docs/examples/multi-uv.c). */

#include <curl/curl.h>
#include <uv.h>

#include "base/error.h"

struct curl_loop;

/* `turned` is called after each turn of libcurl, outside of it: read completions then. */
struct curl_loop *curl_loop_new(uv_loop_t *loop, void (*turned)(void *arg), void *arg, struct error *err);
CURLM *curl_loop_multi(struct curl_loop *curl);
/* All easy handles must have been removed. Memory is freed as the loop turns; takes NULL. */
void curl_loop_free(struct curl_loop *curl);
