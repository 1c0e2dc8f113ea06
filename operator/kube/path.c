/* See path.h. Pure; relies on base/strbuf.h only and never looks into an object. */

#include "kube/path.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct kube_resource kube_pods = {.group = "", .version = "v1", .plural = "pods", .kind = "Pod"};
const struct kube_resource kube_configmaps = {
    .group = "", .version = "v1", .plural = "configmaps", .kind = "ConfigMap"};
const struct kube_resource kube_leases = {
    .group = "coordination.k8s.io", .version = "v1", .plural = "leases", .kind = "Lease"};
const struct kube_resource kube_events = {
    .group = "events.k8s.io", .version = "v1", .plural = "events", .kind = "Event"};
const struct kube_resource kube_token_reviews = {.group = "authentication.k8s.io",
                                                 .version = "v1",
                                                 .plural = "tokenreviews",
                                                 .kind = "TokenReview",
                                                 .cluster_scoped = true};

/* RFC 3986 unreserved characters stay; so no '/', '?', '#' or '%' of a name survives. */
static void add_encoded(struct strbuf *out, const char *text) {
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (isalnum(*c) || strchr("-._~", *c) != NULL)
            strbuf_putc(out, (char)*c);
        else
            strbuf_printf(out, "%%%02X", *c);
    }
}

static void add_segment(struct strbuf *out, const char *text) {
    strbuf_putc(out, '/');
    /* "." and ".." would be resolved away by whoever normalises the path. */
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        strbuf_puts(out, text[1] == '\0' ? "%2E" : "%2E%2E");
    else
        add_encoded(out, text);
}

void kube_path(struct strbuf *out, struct kube_ref ref, const char *subresource) {
    const struct kube_resource *resource = ref.resource;
    strbuf_puts(out, resource->group[0] == '\0' ? "/api" : "/apis");
    if (resource->group[0] != '\0')
        add_segment(out, resource->group);
    add_segment(out, resource->version);
    if (!resource->cluster_scoped && ref.namespace != NULL) {
        strbuf_puts(out, "/namespaces");
        add_segment(out, ref.namespace);
    }
    add_segment(out, resource->plural);
    if (ref.name != NULL)
        add_segment(out, ref.name);
    if (subresource != NULL)
        add_segment(out, subresource);
}

void kube_query(struct strbuf *path, const char *name, const char *value) {
    if (value == NULL)
        return;
    strbuf_putc(path, strchr(strbuf_text(path), '?') == NULL ? '?' : '&');
    add_encoded(path, name);
    strbuf_putc(path, '=');
    add_encoded(path, value);
}

void kube_query_int(struct strbuf *path, const char *name, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    kube_query(path, name, text);
}

void kube_api_version(struct strbuf *out, const struct kube_resource *resource) {
    if (resource->group[0] != '\0')
        strbuf_printf(out, "%s/", resource->group);
    strbuf_puts(out, resource->version);
}
