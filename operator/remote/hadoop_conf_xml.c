/* One site file as Hadoop's Configuration.Parser reads it: by local names, attributes or elements, what is included
 * where the xi:include stands. Relies on expat. A document type is refused, so that there are no entities to expand;
 * only regular files are read, of bounded size, number of bytes in all, and depth; nothing is fetched by network. */

#include "remote/hadoop_conf_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <expat.h>

struct reader {
    struct hadoop_conf *conf;
    enum hadoop_site site;
    const char *path; /* of this file */
    int depth;        /* of includes */
    XML_Parser parser;
    struct strbuf token, name, value, href;
    bool has_name, has_value, final, collecting;
    bool missing, fallback; /* of the xi:include that we are in: there is no such file; its xi:fallback was seen */
    bool failed;
    struct error *err;
};

static int read_at(struct hadoop_conf *conf, enum hadoop_site site, const char *path, int depth, struct error *err);

static void fail(struct reader *reader, const char *why) {
    if (!reader->failed)
        error_set(reader->err, ERROR_INVALID, "%.150s, line %lu: %.60s", reader->path,
                  XML_GetCurrentLineNumber(reader->parser), why);
    reader->failed = true;
    XML_StopParser(reader->parser, XML_FALSE);
}

static const char *local(const char *name) {
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

static void begin_property(struct reader *reader, const char **attributes) {
    strbuf_reset(&reader->name);
    strbuf_reset(&reader->value);
    reader->has_name = reader->has_value = reader->final = false;
    for (; attributes[0]; attributes += 2) {
        const char *attribute = local(attributes[0]);
        if (strcmp(attribute, "name") == 0) {
            strbuf_reset(&reader->name);
            strbuf_puts(&reader->name, attributes[1]);
            reader->has_name = true;
        } else if (strcmp(attribute, "value") == 0) {
            strbuf_reset(&reader->value);
            strbuf_puts(&reader->value, attributes[1]);
            reader->has_value = true;
        } else if (strcmp(attribute, "final") == 0) {
            reader->final = strcmp(attributes[1], "true") == 0;
        }
    }
}

/* One place where an included file may be. True: it is dealt with. */
static bool include_from(struct reader *reader, const char *directory, size_t length, const char *href) {
    AUTO_STRBUF path = STRBUF_INIT;
    struct error err = {0};
    strbuf_add(&path, directory, length);
    strbuf_puts(&path, href);
    if (strbuf_failed(&path))
        return false;
    if (read_at(reader->conf, reader->site, strbuf_text(&path), reader->depth + 1, &err) == 0)
        return true;
    if (err.code == ERROR_NOT_FOUND)
        return false;
    if (!reader->failed)
        *reader->err = err; /* names the file that is at fault */
    reader->failed = true;
    XML_StopParser(reader->parser, XML_FALSE);
    return true;
}

/* A relative name is looked for on Hadoop's class path first, which begins with the directory of the configuration. */
static void include(struct reader *reader, const char **attributes) {
    const char *href = NULL, *own = strrchr(reader->path, '/');
    for (; attributes[0]; attributes += 2)
        if (strcmp(local(attributes[0]), "href") == 0)
            href = attributes[1];
    if (!href)
        return;
    strbuf_reset(&reader->href);
    strbuf_puts(&reader->href, href);
    href = strncmp(href, "file:///", 8) == 0 ? href + 7 : strncmp(href, "file:/", 6) == 0 ? href + 5 : href;
    if (reader->depth >= HADOOP_DEEP) {
        fail(reader, "files include each other too deep");
        return;
    }
    const char *directory = reader->conf->directory;
    if (!directory || strstr(href, "://")) {
        reader->missing = true;
    } else if (href[0] == '/') {
        reader->missing = !include_from(reader, "", 0, href);
    } else {
        AUTO_STRBUF beside = STRBUF_INIT;
        strbuf_printf(&beside, "%s/", directory);
        reader->missing = !include_from(reader, strbuf_text(&beside), beside.length, href) &&
                          !(own && include_from(reader, reader->path, (size_t)(own - reader->path) + 1, href));
    }
}

static void on_start(void *context, const char *element, const char **attributes) {
    struct reader *reader = context;
    const char *name = local(element);
    if (reader->failed)
        return;
    if (strcmp(name, "property") == 0) {
        begin_property(reader, attributes);
    } else if (strcmp(name, "name") == 0 || strcmp(name, "value") == 0 || strcmp(name, "final") == 0) {
        strbuf_reset(&reader->token);
        reader->collecting = true;
    } else if (strcmp(name, "include") == 0) {
        include(reader, attributes);
    } else if (strcmp(name, "fallback") == 0) {
        reader->fallback = true;
    }
}

static void on_text(void *context, const char *text, int length) {
    struct reader *reader = context;
    if (reader->collecting)
        strbuf_add(&reader->token, text, (size_t)length);
}

static void end_name(struct reader *reader) {
    const char *text = strbuf_text(&reader->token);
    size_t length = reader->token.length, skip = 0;
    if (length == 0)
        return;
    while (skip < length && (unsigned char)text[skip] <= ' ')
        skip++;
    while (length > skip && (unsigned char)text[length - 1] <= ' ')
        length--;
    strbuf_reset(&reader->name);
    strbuf_add(&reader->name, text + skip, length - skip);
    reader->has_name = true;
}

static void end_property(struct reader *reader) {
    struct error err = {0};
    if (!reader->has_name || (reader->fallback && !reader->missing))
        return;
    if (strbuf_failed(&reader->name) || strbuf_failed(&reader->value) || strbuf_failed(&reader->token))
        fail(reader, "out of memory");
    else if (hadoop_conf_add(reader->conf, reader->site, strbuf_text(&reader->name),
                             reader->has_value ? strbuf_text(&reader->value) : NULL, reader->final, &err) < 0)
        fail(reader, err.text);
}

static void end_include(struct reader *reader) {
    if (reader->missing && !reader->fallback) {
        AUTO_STRBUF why = STRBUF_INIT;
        strbuf_printf(&why, "no file \"%.40s\" to include", strbuf_text(&reader->href));
        fail(reader, strbuf_text(&why));
    }
    reader->missing = reader->fallback = false;
}

static void on_end(void *context, const char *element) {
    struct reader *reader = context;
    const char *name = local(element);
    if (reader->failed)
        return;
    if (strcmp(name, "name") == 0) {
        end_name(reader);
    } else if (strcmp(name, "value") == 0 && reader->token.length > 0) {
        strbuf_reset(&reader->value);
        strbuf_add(&reader->value, reader->token.data, reader->token.length);
        reader->has_value = true;
    } else if (strcmp(name, "final") == 0) {
        reader->final = strcmp(strbuf_text(&reader->token), "true") == 0;
    } else if (strcmp(name, "property") == 0) {
        end_property(reader);
    } else if (strcmp(name, "include") == 0) {
        end_include(reader);
    }
}

static void on_doctype(void *context, const char *name, const char *system, const char *public, int internal) {
    (void)name, (void)system, (void)public, (void)internal;
    fail(context, "a document type is not allowed");
}

static int parse(struct reader *reader, const char *xml, size_t length) {
    XML_Parser parser = reader->parser = XML_ParserCreate(NULL);
    if (!parser)
        return error_set(reader->err, ERROR_TRANSIENT, "%.150s: out of memory", reader->path);
    XML_SetUserData(parser, reader);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    if (XML_Parse(parser, xml, (int)length, XML_TRUE) != XML_STATUS_OK && !reader->failed)
        fail(reader, XML_ErrorString(XML_GetErrorCode(parser)));
    XML_ParserFree(parser);
    strbuf_fini(&reader->token);
    strbuf_fini(&reader->name);
    strbuf_fini(&reader->value);
    strbuf_fini(&reader->href);
    return reader->failed ? -1 : 0;
}

static int parse_at(struct hadoop_conf *conf, enum hadoop_site site, const char *path, int depth, const char *xml,
                    size_t length, struct error *err) {
    struct reader reader = {.conf = conf, .site = site, .path = path, .depth = depth, .err = err};
    if (length > HADOOP_FILE_MAX)
        return error_set(err, ERROR_INVALID, "%.150s is larger than %d bytes", path, HADOOP_FILE_MAX);
    conf->bytes_read += length;
    if (conf->bytes_read > HADOOP_ALL_MAX)
        return error_set(err, ERROR_INVALID, "%.150s: the files of the configuration are larger than %d bytes together",
                         path, HADOOP_ALL_MAX);
    return parse(&reader, xml, length);
}

int hadoop_xml_parse(struct hadoop_conf *conf, enum hadoop_site site, const char *path, const char *xml, size_t length,
                     struct error *err) {
    return parse_at(conf, site, path, 0, xml, length, err);
}

static int slurp(const char *path, struct strbuf *out, struct error *err) {
    struct stat status;
    char piece[16384];
    ssize_t got = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(err, errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND : ERROR_INVALID, "%.150s: %s", path,
                         strerror(errno));
    bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    while (regular && !strbuf_failed(out) && (got = read(fd, piece, sizeof piece)) > 0)
        strbuf_add(out, piece, (size_t)got);
    int problem = errno;
    close(fd);
    if (!regular)
        return error_set(err, ERROR_INVALID, "%.150s is no regular file", path);
    if (strbuf_failed(out))
        return error_set(err, ERROR_INVALID, "%.150s is larger than %d bytes", path, HADOOP_FILE_MAX);
    return got == 0 ? 0 : error_set(err, ERROR_INVALID, "%.150s: %s", path, strerror(problem));
}

static int read_at(struct hadoop_conf *conf, enum hadoop_site site, const char *path, int depth, struct error *err) {
    AUTO_STRBUF text = STRBUF_MAX(HADOOP_FILE_MAX);
    if (slurp(path, &text, err) < 0)
        return -1;
    return parse_at(conf, site, path, depth, strbuf_text(&text), text.length, err);
}

int hadoop_xml_read(struct hadoop_conf *conf, enum hadoop_site site, const char *path, struct error *err) {
    return read_at(conf, site, path, 0, err);
}
