/* See hadoop_tagged.h. Relies on the file system. Our property stands before what is included, and is final: so neither
 * a <final> in the original, nor yarn-site.xml, which Hadoop reads after mapred-site.xml, nor a job's own resources
 * take the tag away. A program's own set() still does. Site files that say <final> of the tags are wrapped as well,
 * since Hadoop reads core-site.xml first, and the others in the order in which classes are loaded. Never writes into
 * the original, never follows a link in the target, and removes nothing but links and what it wrote itself. */

#include "remote/hadoop_tagged.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char property_name[] = "mapreduce.job.tags", passing[] = ".weir-new";

struct tagging {
    const struct hadoop_conf *conf;
    const char *source; /* absolute, the original */
    const char *target; /* for errors */
    int from, to;       /* their descriptors */
    const struct strbuf *tags;
    struct error *err;
};

static int fail(struct tagging *tagging, const char *name) {
    return error_set(tagging->err, ERROR_INVALID, "%.150s/%.60s: %s", tagging->target, name, strerror(errno));
}

static void add_escaped(struct strbuf *out, const char *text) {
    for (; *text; text++)
        if (strchr("<>&\"\t\r\n", *text))
            strbuf_printf(out, "&#%d;", *text);
        else
            strbuf_putc(out, *text);
}

/* As written, so that Hadoop replaces the ${…} in it; the tag once. */
static void add_tags(const struct hadoop_conf *conf, const char *tag, struct strbuf *out) {
    const char *raw = hadoop_conf_raw(conf, property_name);
    bool there = false;
    while (raw && *raw) {
        size_t skip = strspn(raw, ", \t\r\n"), length = strcspn(raw += skip, ",");
        size_t end = length;
        while (end > 0 && isspace((unsigned char)raw[end - 1]))
            end--;
        there = there || (end == strlen(tag) && strncasecmp(raw, tag, end) == 0);
        if (end > 0 && out->length > 0)
            strbuf_putc(out, ',');
        strbuf_add(out, raw, end);
        raw += length;
    }
    if (!there)
        strbuf_printf(out, "%s%s", out->length > 0 ? "," : "", tag);
}

static int write_whole(int fd, const struct strbuf *text) {
    for (size_t at = 0; at < text->length;) {
        ssize_t done = write(fd, text->data + at, text->length - at);
        if (done < 0 && errno != EINTR)
            return -1;
        at += done > 0 ? (size_t)done : 0;
    }
    return 0;
}

/* NAME with the tags, and what the original says of all else; `original` NULL: it is not there. */
static int write_site(struct tagging *tagging, const char *name, const char *original) {
    AUTO_STRBUF text = STRBUF_INIT;
    strbuf_puts(&text,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- Written by weir-launcher: the original, and the "
                "tag by which its jobs are found. -->\n"
                "<configuration xmlns:xi=\"http://www.w3.org/2001/XInclude\">\n");
    strbuf_printf(&text, "  <property><name>%s</name><value>", property_name);
    add_escaped(&text, strbuf_text(tagging->tags));
    strbuf_puts(&text, "</value><final>true</final></property>\n");
    if (original) {
        strbuf_puts(&text, "  <xi:include href=\"");
        add_escaped(&text, original);
        strbuf_puts(&text, "\"/>\n");
    }
    strbuf_puts(&text, "</configuration>\n");
    if (strbuf_failed(&text))
        return error_set(tagging->err, ERROR_TRANSIENT, "out of memory");
    unlinkat(tagging->to, passing, 0);
    int fd = openat(tagging->to, passing, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return fail(tagging, name);
    int written = write_whole(fd, &text), problem = errno, closed = close(fd);
    errno = written < 0 ? problem : errno;
    return written < 0 || closed < 0 || renameat(tagging->to, passing, tagging->to, name) < 0 ? fail(tagging, name) : 0;
}

static int link_to(struct tagging *tagging, const char *name, const char *path) {
    unlinkat(tagging->to, passing, 0);
    if (symlinkat(path, tagging->to, passing) < 0 || renameat(tagging->to, passing, tagging->to, name) < 0)
        return fail(tagging, name);
    return 0;
}

/* A relative path would be one from the link. */
static char *absolute(const char *path) {
    char *directory = NULL, *real = NULL, *whole = NULL;
    const char *slash = strrchr(path, '/');
    directory = slash ? strndup(path, slash > path ? (size_t)(slash - path) : 1) : strdup(".");
    real = directory ? realpath(directory, NULL) : NULL;
    if (!real || asprintf(&whole, "%s/%s", strcmp(real, "/") == 0 ? "" : real, slash ? slash + 1 : path) < 0)
        whole = NULL;
    free(directory);
    free(real);
    return whole;
}

static int put_site(struct tagging *tagging, enum hadoop_site site) {
    const char *name = hadoop_site_name(site), *path = hadoop_conf_path(tagging->conf, site);
    bool wrapped = site == HADOOP_SITE_MAPRED || hadoop_conf_final_in(tagging->conf, property_name, site);
    if (!path && !wrapped)
        return unlinkat(tagging->to, name, 0) == 0 || errno == ENOENT ? 0 : fail(tagging, name);
    char *original = path ? absolute(path) : NULL;
    if (path && !original)
        return fail(tagging, name);
    int result = wrapped ? write_site(tagging, name, original) : link_to(tagging, name, original);
    free(original);
    return result;
}

static bool is_site(const char *name) {
    for (enum hadoop_site site = 0; site < HADOOP_SITES; site++)
        if (strcmp(name, hadoop_site_name(site)) == 0)
            return true;
    return false;
}

/* Not for us: the directory itself, and what a ConfigMap's volume keeps for its own use. */
static bool is_hidden(const char *name) {
    return strcmp(name, ".") == 0 || strncmp(name, "..", 2) == 0 || strcmp(name, passing) == 0;
}

static int each_entry(struct tagging *tagging, int directory, int (*visit)(struct tagging *tagging, const char *name)) {
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
    DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
    if (!entries) {
        if (copy >= 0)
            close(copy);
        return fail(tagging, ".");
    }
    for (struct dirent *entry; result == 0 && (entry = readdir(entries));)
        if (!is_hidden(entry->d_name) && !is_site(entry->d_name))
            result = visit(tagging, entry->d_name);
    closedir(entries);
    return result;
}

static int link_entry(struct tagging *tagging, const char *name) {
    AUTO_STRBUF path = STRBUF_INIT;
    strbuf_printf(&path, "%s/%s", tagging->source, name);
    if (strbuf_failed(&path))
        return error_set(tagging->err, ERROR_TRANSIENT, "out of memory");
    return link_to(tagging, name, strbuf_text(&path));
}

static int drop_entry(struct tagging *tagging, const char *name) {
    struct stat status;
    if (fstatat(tagging->from, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ||
        fstatat(tagging->to, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(status.st_mode))
        return 0;
    return unlinkat(tagging->to, name, 0) == 0 ? 0 : fail(tagging, name);
}

static int fill(struct tagging *tagging) {
    for (enum hadoop_site site = 0; site < HADOOP_SITES; site++)
        if (put_site(tagging, site) < 0)
            return -1;
    return each_entry(tagging, tagging->from, link_entry) < 0 ? -1 : each_entry(tagging, tagging->to, drop_entry);
}

static int fill_directory(struct tagging *tagging, const char *path) {
    struct stat source, target;
    tagging->to = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tagging->to < 0)
        return error_set(tagging->err, ERROR_INVALID, "%.150s: %s", path, strerror(errno));
    bool same = fstat(tagging->from, &source) == 0 && fstat(tagging->to, &target) == 0 &&
                source.st_dev == target.st_dev && source.st_ino == target.st_ino;
    int result = same ? error_set(tagging->err, ERROR_INVALID, "%.150s is the original itself", path) : fill(tagging);
    close(tagging->to);
    return result;
}

static int remove_entry(struct tagging *tagging, const char *name) {
    return unlinkat(tagging->to, name, 0);
}

/* A staging directory that is of no use any more. */
static void discard(struct tagging *tagging, const char *path) {
    struct error ignored;
    struct tagging copy = *tagging;
    copy.err = &ignored;
    copy.to = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy.to >= 0) {
        for (enum hadoop_site site = 0; site < HADOOP_SITES; site++)
            unlinkat(copy.to, hadoop_site_name(site), 0);
        unlinkat(copy.to, passing, 0);
        each_entry(&copy, copy.to, remove_entry);
        close(copy.to);
    }
    rmdir(path);
}

/* Staged beside the target and renamed; else, where that cannot be (the target has files, is a mount point, or its
 * parent is not ours), in the target itself. */
static int make(struct tagging *tagging) {
    AUTO_STRBUF stage = STRBUF_INIT;
    size_t length = strlen(tagging->target);
    while (length > 1 && tagging->target[length - 1] == '/')
        length--;
    strbuf_printf(&stage, "%.*s.XXXXXX", (int)length, tagging->target);
    if (strbuf_failed(&stage))
        return error_set(tagging->err, ERROR_TRANSIENT, "out of memory");
    bool staged = mkdtemp(stage.data) != NULL;
    int problem = errno;
    if (staged) {
        int result = fill_directory(tagging, stage.data);
        if (result == 0 && chmod(stage.data, 0755) == 0 && rename(stage.data, tagging->target) == 0)
            return 0;
        discard(tagging, stage.data);
        if (result < 0)
            return -1;
    } else if (access(tagging->target, F_OK) < 0) {
        return error_set(tagging->err, ERROR_INVALID, "make %.150s: %s", strbuf_text(&stage), strerror(problem));
    }
    return fill_directory(tagging, tagging->target);
}

bool hadoop_tag_valid(const char *tag) {
    size_t length = strlen(tag);
    for (const char *at = tag; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("-_.:/", *at))
            return false;
    return length > 0 && length <= HADOOP_TAG_MAX && tag[0] != '-';
}

int hadoop_tagged_write(const struct hadoop_conf *conf, const char *tag, const char *target, struct error *err) {
    AUTO_STRBUF tags = STRBUF_INIT;
    const char *directory = hadoop_conf_directory(conf);
    if (!hadoop_tag_valid(tag))
        return error_set(err, ERROR_INVALID, "\"%.100s\" is no tag", tag);
    if (!directory)
        return error_set(err, ERROR_NOT_FOUND,
                         "there is no Hadoop configuration to put a tag into (set HADOOP_CONF_DIR)");
    add_tags(conf, tag, &tags);
    if (strbuf_failed(&tags))
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    char *source = realpath(directory, NULL);
    struct tagging tagging = {.conf = conf, .source = source, .target = target, .from = -1, .tags = &tags, .err = err};
    if (source)
        tagging.from = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result =
        tagging.from < 0 ? error_set(err, ERROR_INVALID, "%.150s: %s", directory, strerror(errno)) : make(&tagging);
    if (tagging.from >= 0)
        close(tagging.from);
    free(source);
    return result;
}
