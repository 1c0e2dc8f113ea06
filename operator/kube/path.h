#pragma once

/* Resources and their URL paths. Every name and value is percent-encoded, so that nothing read from an object can leave
 * its place in the path. */

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

struct kube_resource {
    const char *group; /* "" for the core group */
    const char *version;
    const char *plural;
    const char *kind;
    bool cluster_scoped;
};

extern const struct kube_resource kube_pods, kube_configmaps, kube_leases, kube_events, kube_token_reviews;

/* One object, or a collection when `name` is NULL. `namespace` NULL: all namespaces, or a cluster-scoped resource. */
struct kube_ref {
    const struct kube_resource *resource;
    const char *namespace;
    const char *name;
};

/* Appends /api/v1/namespaces/NS/PLURAL/NAME/SUBRESOURCE; `subresource` may be NULL. */
void kube_path(struct strbuf *out, struct kube_ref ref, const char *subresource);
/* Appends ?name=value, or &name=value when the path has a query already. No-op when value is NULL. */
void kube_query(struct strbuf *path, const char *name, const char *value);
void kube_query_int(struct strbuf *path, const char *name, int64_t value);
/* "v1" or "group/version", appended. */
void kube_api_version(struct strbuf *out, const struct kube_resource *resource);
