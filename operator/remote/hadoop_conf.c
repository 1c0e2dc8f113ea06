/* See hadoop_conf.h: the properties as a sorted table, and what Hadoop makes of ${…}. Relies on malloc alone; beside
 * the environment and /etc/passwd it reads nothing. Rules of <final> and of order work name by name, so they are
 * applied once, when all is read. Never aborts: memory that ends is an error. */

#include "remote/hadoop_conf_private.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { SUBSTITUTIONS_MAX = 20, VALUE_MAX = 8 * 1024 * 1024 };

int hadoop_conf_add(struct hadoop_conf *conf, unsigned from, const char *name, const char *value, bool final,
                    struct error *err) {
    if (conf->count == conf->room) {
        size_t room = conf->room ? conf->room * 2 : 64;
        struct hadoop_property *items = reallocarray(conf->items, room, sizeof *items);
        if (!items)
            return error_set(err, ERROR_TRANSIENT, "out of memory");
        conf->items = items;
        conf->room = room;
    }
    struct hadoop_property property = {.name = conf->texts.length,
                                       .order = (unsigned)conf->count,
                                       .from = (unsigned char)from,
                                       .has_value = value != NULL,
                                       .final = final};
    strbuf_add(&conf->texts, name, strlen(name) + 1);
    property.value = conf->texts.length;
    strbuf_add(&conf->texts, value ? value : "", value ? strlen(value) + 1 : 1);
    if (strbuf_failed(&conf->texts))
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    conf->items[conf->count++] = property;
    return 0;
}

static const char *name_of(const struct hadoop_conf *conf, const struct hadoop_property *property) {
    return conf->texts.data + property->name;
}

static int by_name_and_order(const void *a, const void *b, void *conf) {
    const struct hadoop_property *left = a, *right = b;
    int order = strcmp(name_of(conf, left), name_of(conf, right));
    return order != 0 ? order : left->order < right->order ? -1 : 1;
}

/* The last value counts, but none after a <final>; a <final> without a value keeps what was there. */
void hadoop_conf_settle(struct hadoop_conf *conf) {
    if (conf->count == 0)
        return;
    qsort_r(conf->items, conf->count, sizeof conf->items[0], by_name_and_order, conf);
    struct hadoop_property *last = NULL;
    size_t kept = 0;
    for (size_t i = 0; i < conf->count; i++) {
        struct hadoop_property next = conf->items[i];
        if (!last || strcmp(name_of(conf, last), name_of(conf, &next)) != 0) {
            last = &conf->items[kept++];
            *last = (struct hadoop_property){.name = next.name, .value = next.value, .from = HADOOP_FROM_DEFAULT};
        }
        if (next.has_value && !last->final) {
            last->value = next.value;
            last->has_value = true;
            last->from = next.from;
        }
        last->final = last->final || next.final;
        last->finals |= (unsigned char)(next.final ? 1U << next.from : 0);
    }
    conf->count = kept;
}

static const struct hadoop_property *find(const struct hadoop_conf *conf, const char *name) {
    size_t low = 0, high = conf->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, name_of(conf, &conf->items[middle]));
        if (order == 0)
            return &conf->items[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *hadoop_conf_raw(const struct hadoop_conf *conf, const char *name) {
    const struct hadoop_property *property = find(conf, name);
    return property && property->has_value ? conf->texts.data + property->value : NULL;
}

bool hadoop_conf_configured(const struct hadoop_conf *conf, const char *name) {
    const struct hadoop_property *property = find(conf, name);
    return property && property->has_value && property->from != HADOOP_FROM_DEFAULT;
}

bool hadoop_conf_final_in(const struct hadoop_conf *conf, const char *name, enum hadoop_site site) {
    const struct hadoop_property *property = find(conf, name);
    return property && (property->finals & 1U << site);
}

void hadoop_conf_each(const struct hadoop_conf *conf, void (*visit)(void *context, const char *name, const char *raw),
                      void *context) {
    for (size_t i = 0; i < conf->count; i++)
        if (conf->items[i].has_value)
            visit(context, name_of(conf, &conf->items[i]), conf->texts.data + conf->items[i].value);
}

/* The first "${name}" as Hadoop finds it: no blank, '$' or '}' in the name, which is not empty. */
static bool find_variable(const char *text, size_t *ret_start, size_t *ret_length) {
    for (const char *at = text; (at = strstr(at, "${"));) {
        size_t length = strcspn(at + 2, "} $");
        if (length > 0 && at[2 + length] == '}') {
            *ret_start = (size_t)(at - text);
            *ret_length = length;
            return true;
        }
        if (at[2 + length] == '\0')
            return false;
        at += 2 + length + (at[2 + length] != '$');
    }
    return false;
}

/* The entry of our uid. getpwuid() would load what a static program cannot rely on. */
static bool passwd_entry(bool home, struct strbuf *out) {
    FILE *file = fopen("/etc/passwd", "re");
    bool found = false;
    for (struct passwd *entry; file && !found && (entry = fgetpwent(file));)
        if (entry->pw_uid == geteuid()) {
            strbuf_puts(out, home ? entry->pw_dir : entry->pw_name);
            found = true;
        }
    if (file)
        fclose(file);
    return found;
}

const char *hadoop_user(struct strbuf *out) {
    const char *named = getenv("HADOOP_USER_NAME");
    strbuf_reset(out);
    if (named && *named)
        strbuf_puts(out, named);
    else if (!passwd_entry(false, out))
        strbuf_printf(out, "%u", geteuid());
    return strbuf_text(out);
}

/* What Java's System.getProperty() would say, of what site files use. */
static bool system_property(const char *name, struct strbuf *out) {
    static const struct {
        const char *name, *value;
    } fixed[] = {{"java.io.tmpdir", "/tmp"}, {"file.separator", "/"}, {"path.separator", ":"}, {"os.name", "Linux"}};
    if (strcmp(name, "user.name") == 0) {
        if (!passwd_entry(false, out))
            strbuf_printf(out, "%u", geteuid());
        return true;
    }
    if (strcmp(name, "user.home") == 0)
        return passwd_entry(true, out);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (strcmp(name, fixed[i].name) == 0) {
            strbuf_puts(out, fixed[i].value);
            return true;
        }
    return false;
}

/* NAME, NAME-default (not set) or NAME:-default (not set or empty); cuts `text` in two. */
static bool environment(char *text, struct strbuf *out) {
    const char *otherwise = NULL;
    bool empty_too = false;
    for (char *at = text; *at && !otherwise; at++) {
        empty_too = at[0] == ':' && at[1] == '-';
        if (empty_too || *at == '-') {
            otherwise = at + (empty_too ? 2 : 1);
            *at = '\0';
        }
    }
    const char *value = getenv(text);
    if (otherwise && (!value || (empty_too && !*value)))
        value = otherwise;
    if (value)
        strbuf_puts(out, value);
    return value != NULL;
}

static bool value_of(const struct hadoop_conf *conf, char *variable, struct strbuf *out) {
    strbuf_reset(out);
    if (strncmp(variable, "env.", 4) == 0 && variable[4]) {
        AUTO_STRBUF name = STRBUF_INIT;
        strbuf_puts(&name, variable + 4);
        if (name.data && environment(name.data, out))
            return true;
    } else if (system_property(variable, out)) {
        return true;
    }
    const char *raw = hadoop_conf_raw(conf, variable);
    if (raw)
        strbuf_puts(out, raw);
    return raw != NULL;
}

/* One ${…} of `text` replaced. *ret_more: look again. */
static bool substitute_one(const struct hadoop_conf *conf, struct strbuf *text, const char *original, bool *ret_more) {
    size_t start, length;
    *ret_more = find_variable(strbuf_text(text), &start, &length);
    if (!*ret_more)
        return true;
    AUTO_STRBUF variable = STRBUF_INIT, reference = STRBUF_INIT, value = STRBUF_MAX(VALUE_MAX), rest = STRBUF_INIT;
    strbuf_add(&variable, text->data + start + 2, length);
    strbuf_add(&reference, text->data + start, length + 3);
    if (strbuf_failed(&variable) || strbuf_failed(&reference))
        return false;
    if (!value_of(conf, variable.data, &value)) {
        *ret_more = false; /* not known: it stays, and so does all after it */
        return true;
    }
    if (strstr(strbuf_text(&value), reference.data)) { /* refers to itself: the whole value stays as it was written */
        strbuf_reset(text);
        strbuf_puts(text, original);
        *ret_more = false;
        return !strbuf_failed(text);
    }
    strbuf_puts(&rest, text->data + start + length + 3);
    strbuf_cut(text, start);
    strbuf_puts(text, strbuf_text(&value));
    strbuf_puts(text, strbuf_text(&rest));
    return !strbuf_failed(text) && !strbuf_failed(&value) && !strbuf_failed(&rest);
}

static void trim(struct strbuf *text) { /* as Java does: whatever is not above a blank */
    size_t skip = 0;
    while (skip < text->length && (unsigned char)text->data[skip] <= ' ')
        skip++;
    strbuf_drop_front(text, skip);
    size_t length = text->length;
    while (length > 0 && (unsigned char)text->data[length - 1] <= ' ')
        length--;
    strbuf_cut(text, length);
}

const char *hadoop_conf_get(const struct hadoop_conf *conf, const char *name, struct strbuf *out) {
    const char *raw = hadoop_conf_raw(conf, name);
    bool more = true;
    strbuf_reset(out);
    if (!raw)
        return NULL;
    out->max = out->max ? out->max : VALUE_MAX;
    strbuf_puts(out, raw);
    for (int i = 0; i < SUBSTITUTIONS_MAX && more; i++)
        if (strbuf_failed(out) || !substitute_one(conf, out, raw, &more))
            return NULL;
    if (more)
        return NULL;
    trim(out);
    return out->length > 0 ? out->data : NULL;
}

bool hadoop_conf_bool(const struct hadoop_conf *conf, const char *name, bool otherwise) {
    AUTO_STRBUF text = STRBUF_MAX(VALUE_MAX);
    const char *value = hadoop_conf_get(conf, name, &text);
    if (value && strcasecmp(value, "true") == 0)
        return true;
    return value && strcasecmp(value, "false") == 0 ? false : otherwise;
}
