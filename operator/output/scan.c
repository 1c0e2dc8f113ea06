/* See scan.h. The literals of one client program's table, found in one pass by needles.c; the same text is found inside
 * the "msg" of Spark's JSON logs. */

#include "output/scan.h"

#include <stdlib.h>
#include <string.h>

#include "output/reader.h"

struct scanner scan_nothing = {0};

struct scanner *scanner_of(const char *kind) {
    static const struct {
        const char *kind;
        struct scanner *scanner;
    } kinds[] = {{"sparkSubmit", &scan_spark},
                 {"hadoopJar", &scan_hadoop},
                 {"hadoopStreaming", &scan_hadoop},
                 {"command", &scan_nothing}};
    struct scanner *found = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kind, kinds[i].kind) == 0)
            found = kinds[i].scanner;
    if (!found || found->count == 0 || found->needles->count > 0)
        return found;
    for (size_t i = 0; i < found->count; i++)
        if (needles_add(found->needles, found->patterns[i].literal) != (int)i)
            abort();
    needles_build(found->needles);
    return found;
}

struct scan {
    const struct scanner *scanner;
    const char *end;
    struct facts *facts;
};

static void each_match(void *context, int needle, const char *after) {
    struct scan *scan = context;
    if (scan->facts->count == FACTS_MAX)
        return;
    const struct pattern *pattern = &scan->scanner->patterns[needle];
    struct fact *fact = &scan->facts->items[scan->facts->count];
    *fact = (struct fact){.type = pattern->type};
    struct reader reader = {after, scan->end};
    if (pattern->take(&reader, fact))
        scan->facts->count++;
}

void scan_line(const struct scanner *scanner, const char *line, size_t length, struct facts *ret_facts) {
    ret_facts->count = 0;
    if (scanner->count == 0)
        return;
    struct scan scan = {scanner, line + length, ret_facts};
    needles_search(scanner->needles, line, length, each_match, &scan);
}
