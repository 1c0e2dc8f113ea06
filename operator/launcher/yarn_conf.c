/* See yarn_conf.h. Relies on expat; keeps only the properties that matter. A document type is refused, so that there
 * are no entities to expand; ${name} is replaced as Hadoop's Configuration does, to a fixed depth. */

#include "launcher/yarn_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <expat.h>

enum { PROPERTIES_MAX = 64, NAME_MAX_LENGTH = 128, VALUE_MAX_LENGTH = 512, SUBSTITUTIONS_MAX = 20, HTTP_PORT = 8088 };

struct property {
    char name[NAME_MAX_LENGTH], value[VALUE_MAX_LENGTH];
};

struct site {
    struct property items[PROPERTIES_MAX], current;
    size_t count;
    char *text; /* of the element we are in; NULL: of no interest */
    size_t room, length;
    XML_Parser parser;
    bool refused;
};

static void on_start(void *context, const char *element, const char **attributes) {
    struct site *site = context;
    (void)attributes;
    site->length = 0;
    if (strcmp(element, "property") == 0)
        site->current = (struct property){0};
    bool is_name = strcmp(element, "name") == 0;
    site->text = is_name ? site->current.name : strcmp(element, "value") == 0 ? site->current.value : NULL;
    site->room = is_name ? NAME_MAX_LENGTH : VALUE_MAX_LENGTH;
}

static void on_text(void *context, const char *text, int length) {
    struct site *site = context;
    if (!site->text || site->length + (size_t)length >= site->room)
        return;
    memcpy(site->text + site->length, text, (size_t)length);
    site->length += (size_t)length;
    site->text[site->length] = '\0';
}

static void trim(char *text) {
    size_t skip = strspn(text, " \t\r\n"), length = strlen(text + skip);
    memmove(text, text + skip, length + 1);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]))
        text[--length] = '\0';
}

static void on_end(void *context, const char *element) {
    struct site *site = context;
    site->text = NULL;
    if (strcmp(element, "property") != 0 ||
        strncmp(site->current.name + strspn(site->current.name, " \t\r\n"), "yarn.", 5) != 0)
        return;
    trim(site->current.name);
    trim(site->current.value);
    for (size_t i = 0; i < site->count; i++) { /* the last one counts */
        if (strcmp(site->items[i].name, site->current.name) == 0) {
            site->items[i] = site->current;
            return;
        }
    }
    bool wanted = strncmp(site->current.name, "yarn.resourcemanager.", 21) == 0 ||
                  strncmp(site->current.name, "yarn.http.", 10) == 0;
    if (wanted && site->count < PROPERTIES_MAX)
        site->items[site->count++] = site->current;
}

static void on_doctype(void *context, const char *name, const char *system, const char *public, int internal) {
    struct site *site = context;
    (void)name, (void)system, (void)public, (void)internal;
    site->refused = true;
    XML_StopParser(site->parser, XML_FALSE);
}

static const char *find(const struct site *site, const char *name) {
    for (size_t i = 0; i < site->count; i++)
        if (strcmp(site->items[i].name, name) == 0)
            return site->items[i].value;
    return NULL;
}

/* ${name} and ${env.NAME}; what is not known stays, as in Hadoop. Returns NULL when the property is missing or empty.
 */
static const char *get(const struct site *site, const char *name, char out[VALUE_MAX_LENGTH]) {
    const char *value = find(site, name);
    if (!value || !*value)
        return NULL;
    snprintf(out, VALUE_MAX_LENGTH, "%s", value);
    for (int i = 0; i < SUBSTITUTIONS_MAX; i++) {
        char inner[NAME_MAX_LENGTH], next[VALUE_MAX_LENGTH];
        const char *open = strstr(out, "${"), *close = open ? strchr(open, '}') : NULL;
        size_t length = close ? (size_t)(close - open - 2) : sizeof inner;
        if (length >= sizeof inner)
            break;
        memcpy(inner, open + 2, length);
        inner[length] = '\0';
        const char *with = strncmp(inner, "env.", 4) == 0 ? getenv(inner + 4) : find(site, inner);
        if (!with)
            break;
        size_t before = (size_t)(open - out), middle = strlen(with), after = strlen(close + 1);
        if (before + middle + after >= sizeof next)
            break;
        memcpy(next, out, before);
        memcpy(next + before, with, middle);
        memcpy(next + before + middle, close + 1, after + 1);
        memcpy(out, next, before + middle + after + 1);
    }
    return out;
}

/* The address of one ResourceManager; suffix is "" or ".rm1". */
static void add_rm(const struct site *site, const char *suffix, struct yarn_rms *rms) {
    char name[NAME_MAX_LENGTH], value[VALUE_MAX_LENGTH];
    struct error ignored;
    if (rms->count == YARN_RMS_MAX)
        return;
    snprintf(name, sizeof name, "yarn.resourcemanager.webapp.address%s", suffix);
    const char *address = get(site, name, value);
    if (!address) {
        snprintf(name, sizeof name, "yarn.resourcemanager.hostname%s", suffix);
        address = get(site, name, value);
    }
    /* 0.0.0.0 is the default of a file that was not meant to name a cluster */
    if (address && strncmp(address, "0.0.0.0", 7) != 0 &&
        endpoint_parse(address, HTTP_PORT, &rms->items[rms->count], &ignored) == 0)
        rms->count++;
}

static int read_rms(const struct site *site, struct yarn_rms *ret, struct error *err) {
    char value[VALUE_MAX_LENGTH], ids[VALUE_MAX_LENGTH], suffix[NAME_MAX_LENGTH];
    const char *policy = get(site, "yarn.http.policy", value);
    if (policy && strcmp(policy, "HTTPS_ONLY") == 0)
        return error_set(err, ERROR_INVALID, "yarn.http.policy is HTTPS_ONLY, which weir cannot ask yet");
    *ret = (struct yarn_rms){0};
    if (!get(site, "yarn.resourcemanager.ha.rm-ids", ids)) {
        add_rm(site, "", ret);
        return 0;
    }
    for (char *id = ids; *id;) {
        size_t length = strcspn(id, ", ");
        snprintf(suffix, sizeof suffix, ".%.*s", (int)(length < 64 ? length : 64), id);
        if (length > 0)
            add_rm(site, suffix, ret);
        id += length + (id[length] != '\0');
    }
    return 0;
}

int yarn_conf_parse(const char *xml, size_t length, struct yarn_rms *ret, struct error *err) {
    struct site *site = calloc(1, sizeof *site);
    XML_Parser parser = site ? XML_ParserCreate(NULL) : NULL;
    if (!parser) {
        free(site);
        return error_set(err, ERROR_TRANSIENT, "yarn-site.xml: out of memory");
    }
    site->parser = parser;
    XML_SetUserData(parser, site);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    int result;
    if (length > YARN_CONF_MAX)
        result = error_set(err, ERROR_INVALID, "yarn-site.xml is larger than %d bytes", YARN_CONF_MAX);
    else if (XML_Parse(parser, xml, (int)length, XML_TRUE) != XML_STATUS_OK)
        result =
            error_set(err, ERROR_INVALID, "yarn-site.xml, line %lu: %s", XML_GetCurrentLineNumber(parser),
                      site->refused ? "a document type is not allowed" : XML_ErrorString(XML_GetErrorCode(parser)));
    else
        result = read_rms(site, ret, err);
    XML_ParserFree(parser);
    free(site);
    return result;
}

static int read_file(const char *path, char **ret_text, size_t *ret_length, struct error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND : ERROR_INVALID, "%.150s: %s", path,
                         strerror(errno));
    size_t length = 0;
    ssize_t got = 0;
    char *text = malloc(YARN_CONF_MAX + 1);
    while (text && length <= YARN_CONF_MAX && (got = read(fd, text + length, YARN_CONF_MAX + 1 - length)) > 0)
        length += (size_t)got;
    close(fd);
    if (!text || got < 0) {
        free(text);
        return error_set(err, ERROR_INVALID, "%.150s: %s", path, strerror(errno));
    }
    *ret_text = text;
    *ret_length = length;
    return 0;
}

int yarn_conf_read(struct yarn_rms *ret, struct error *err) {
    static const struct {
        const char *variable, *rest;
    } places[] = {
        {"HADOOP_CONF_DIR", ""}, {"YARN_CONF_DIR", ""}, {"HADOOP_HOME", "/etc/hadoop"}, {NULL, "/etc/hadoop/conf"}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char path[4096], *text = NULL;
        size_t length = 0;
        const char *base = places[i].variable ? getenv(places[i].variable) : "";
        if (!base || (places[i].variable && !*base))
            continue;
        snprintf(path, sizeof path, "%s%s/yarn-site.xml", base, places[i].rest);
        if (read_file(path, &text, &length, err) == 0) {
            int result = yarn_conf_parse(text, length, ret, err);
            free(text);
            return result < 0 ? error_wrap(err, "%.150s", path) : 0;
        }
        if (err->code != ERROR_NOT_FOUND)
            return -1;
    }
    *ret = (struct yarn_rms){0};
    return 0;
}
