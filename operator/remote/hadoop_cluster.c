/* See hadoop_cluster.h. Relies on the configuration alone; resolves no name and asks nobody. What it gives is part of
 * URLs, so hosts and ports are checked to the letter. */

#include "remote/hadoop_cluster.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 253, NAME_MAX_LENGTH = 256, RM_ID_MAX = 64 };

/* A server's web address: the properties that name it, best first. Only `address` has a port of the web. */
struct server {
    const char *address, *secure;       /* by the policy */
    const char *hostname, *rpc_address; /* whose host is the next best; NULL: there is no such property */
    unsigned port, secure_port;
};

static const struct server resource_manager = {
    .address = "yarn.resourcemanager.webapp.address",
    .secure = "yarn.resourcemanager.webapp.https.address",
    .hostname = "yarn.resourcemanager.hostname",
    .rpc_address = "yarn.resourcemanager.address",
    .port = 8088,
    .secure_port = 8090,
};
static const struct server history_server = {
    .address = "mapreduce.jobhistory.webapp.address",
    .secure = "mapreduce.jobhistory.webapp.https.address",
    .rpc_address = "mapreduce.jobhistory.address",
    .port = 19888,
    .secure_port = 19890,
};

struct place {
    char host[HOST_MAX + 3]; /* an IPv6 address has its brackets */
    unsigned port;
};

static bool parse_port(const char *text, unsigned *ret) {
    unsigned port = 0;
    size_t length = strlen(text);
    if (length == 0 || length > 5)
        return false;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text))
            return false;
        port = port * 10 + (unsigned)(*text - '0');
    }
    *ret = port;
    return port > 0 && port <= 65535;
}

/* "HOST", "HOST:PORT", "[V6]", "[V6]:PORT". */
static bool parse_place(const char *text, unsigned default_port, struct place *ret) {
    bool bracketed = text[0] == '[';
    const char *close = bracketed ? strchr(text, ']') : NULL;
    if (bracketed && (!close || close == text + 1))
        return false;
    size_t length = bracketed ? (size_t)(close - text) + 1 : strcspn(text, ":");
    if (length == 0 || length > HOST_MAX)
        return false;
    for (size_t i = bracketed ? 1 : 0; i < length - (bracketed ? 1 : 0); i++)
        if (!(bracketed ? isxdigit((unsigned char)text[i]) || strchr(":.", text[i])
                        : isalnum((unsigned char)text[i]) || strchr(".-_", text[i])))
            return false;
    *ret = (struct place){.port = default_port};
    memcpy(ret->host, text, length);
    return text[length] == '\0' || (text[length] == ':' && parse_port(text + length + 1, &ret->port));
}

static bool is_any(const struct place *place) {
    return strcmp(place->host, "0.0.0.0") == 0 || strcmp(place->host, "[::]") == 0 ||
           strcmp(place->host, "[0:0:0:0:0:0:0:0]") == 0;
}

enum answer { WRONG = -1, UNSET, NAMED, ANY };

/* What one property says; `id` is NULL or one of rm-ids. */
static enum answer ask(const struct hadoop_conf *conf, const char *name, const char *id, unsigned port,
                       struct place *ret, struct error *err) {
    char full[NAME_MAX_LENGTH];
    AUTO_STRBUF value = STRBUF_INIT;
    if (!name)
        return UNSET;
    snprintf(full, sizeof full, "%s%s%s", name, id ? "." : "", id ? id : "");
    const char *text = hadoop_conf_get(conf, full, &value);
    if (!text)
        return UNSET;
    if (!parse_place(text, port, ret)) {
        error_set(err, ERROR_INVALID, "%.80s: \"%.100s\" is not HOST:PORT", full, text);
        return WRONG;
    }
    return is_any(ret) ? ANY : NAMED;
}

static bool configured(const struct hadoop_conf *conf, const char *name, const char *id) {
    char full[NAME_MAX_LENGTH];
    if (!name)
        return false;
    snprintf(full, sizeof full, "%s%s%s", name, id ? "." : "", id ? id : "");
    return hadoop_conf_configured(conf, full);
}

/* *ret_origin is "" when nothing names the server. */
static int find_server(const struct hadoop_conf *conf, const struct server *server, const char *id, bool secure,
                       char ret_origin[HADOOP_ORIGIN_MAX], struct error *err) {
    const char *web = secure ? server->secure : server->address;
    const unsigned port = secure ? server->secure_port : server->port;
    struct place place = {0}, other = {0};
    ret_origin[0] = '\0';
    enum answer said = ask(conf, web, id, port, &place, err);
    if (said == WRONG)
        return -1;
    const char *const hosts[] = {server->hostname, server->rpc_address};
    unsigned web_port = said == UNSET ? port : place.port;
    for (size_t i = 0; said != NAMED && i < sizeof hosts / sizeof hosts[0]; i++) {
        enum answer answer = ask(conf, hosts[i], id, port, &other, err);
        if (answer == WRONG)
            return -1;
        if (answer == NAMED || (answer == ANY && said == UNSET)) {
            place = other;
            said = answer;
        }
    }
    bool by_file = configured(conf, web, id) || configured(conf, server->hostname, id) ||
                   configured(conf, server->rpc_address, id);
    if (said == NAMED || (said == ANY && by_file))
        snprintf(ret_origin, HADOOP_ORIGIN_MAX, "http%s://%s:%u", secure ? "s" : "", place.host, web_port);
    return 0;
}

static bool is(const struct hadoop_conf *conf, const char *name, const char *want) {
    AUTO_STRBUF value = STRBUF_INIT;
    const char *text = hadoop_conf_get(conf, name, &value);
    return text && strcasecmp(text, want) == 0;
}

static int add_manager(const struct hadoop_conf *conf, const char *id, bool secure, struct hadoop_cluster *cluster,
                       struct error *err) {
    char *origin = cluster->managers[cluster->manager_count];
    if (find_server(conf, &resource_manager, id, secure, origin, err) < 0)
        return -1;
    for (size_t i = 0; i < cluster->manager_count; i++)
        if (strcmp(cluster->managers[i], origin) == 0)
            return 0;
    cluster->manager_count += origin[0] != '\0';
    return 0;
}

static int add_ids(const struct hadoop_conf *conf, bool secure, struct hadoop_cluster *cluster, struct error *err) {
    AUTO_STRBUF value = STRBUF_INIT;
    const char *ids = hadoop_conf_get(conf, "yarn.resourcemanager.ha.rm-ids", &value);
    while (ids && *ids) {
        char id[RM_ID_MAX + 1];
        size_t length = strcspn(ids, ", \t\r\n");
        if (length > RM_ID_MAX || (length > 0 && cluster->manager_count == HADOOP_MANAGERS_MAX))
            return error_set(err, ERROR_INVALID,
                             "yarn.resourcemanager.ha.rm-ids: more than %d ids, or one longer than %d bytes",
                             HADOOP_MANAGERS_MAX, RM_ID_MAX);
        memcpy(id, ids, length);
        id[length] = '\0';
        if (length > 0 && add_manager(conf, id, secure, cluster, err) < 0)
            return -1;
        ids += length + (ids[length] != '\0');
    }
    return 0;
}

/* Hadoop looks at the ids when HA is on; they also count when a client's file names nothing else. */
static int read_managers(const struct hadoop_conf *conf, struct hadoop_cluster *cluster, struct error *err) {
    bool secure = is(conf, "yarn.http.policy", "HTTPS_ONLY");
    bool ha = hadoop_conf_bool(conf, "yarn.resourcemanager.ha.enabled", false);
    if (ha && add_ids(conf, secure, cluster, err) < 0)
        return -1;
    if (cluster->manager_count == 0 && add_manager(conf, NULL, secure, cluster, err) < 0)
        return -1;
    return !ha && cluster->manager_count == 0 ? add_ids(conf, secure, cluster, err) : 0;
}

static void read_security(const struct hadoop_conf *conf, struct hadoop_cluster *cluster) {
    AUTO_STRBUF value = STRBUF_INIT;
    cluster->kerberos = is(conf, "hadoop.security.authentication", "kerberos");
    cluster->acls = hadoop_conf_bool(conf, "yarn.acl.enable", false);
    /* the type is without effect where no filter asks for it, and then everybody is the static user, who may not kill
     */
    const char *filters = hadoop_conf_get(conf, "hadoop.http.filter.initializers", &value);
    bool filtered = filters && strstr(filters, "AuthenticationFilterInitializer");
    cluster->web_kerberos = filtered && is(conf, "hadoop.http.authentication.type", "kerberos");
    cluster->rest_kills = !cluster->kerberos || cluster->web_kerberos;
}

int hadoop_cluster_read(const struct hadoop_conf *conf, struct hadoop_cluster *ret, struct error *err) {
    struct hadoop_cluster cluster = {0};
    bool secure = is(conf, "mapreduce.jobhistory.http.policy", "HTTPS_ONLY");
    if (read_managers(conf, &cluster, err) < 0 ||
        find_server(conf, &history_server, NULL, secure, cluster.history, err) < 0)
        return -1;
    read_security(conf, &cluster);
    *ret = cluster;
    return 0;
}
