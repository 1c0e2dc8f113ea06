/* The output of a job, cut anywhere: the lines are the same wherever it is cut, the facts taken from them are in their
 * exact form, and the telling line is one line. */

#include <string.h>

#include "base/hash.h"
#include "output/lines.h"
#include "output/scan.h"
#include "output/telling.h"
#include "support_fuzz.h"
#include "support_pieces.h"

struct seen {
    uint64_t hash; /* of all lines */
    struct telling telling;
};

static void check_fact(const struct fact *fact) {
    CHECK(memchr(fact->text, '\0', sizeof fact->text) != NULL);
    switch (fact->type) {
    case FACT_APPLICATION: CHECK(strncmp(fact->text, "app", 3) == 0); break;
    case FACT_JOB: CHECK(strncmp(fact->text, "job_", 4) == 0); break;
    case FACT_TRACKING_URL: CHECK(record_url_valid(fact->text)); break;
    case FACT_MAP_REDUCE:
        CHECK(fact->number >= 0 && fact->number <= 100 && fact->total >= 0 && fact->total <= 100);
        break;
    case FACT_UI_PORT: CHECK(fact->number > 0 && fact->number <= 65535); break;
    case FACT_STATE:
    case FACT_FINAL_STATUS: CHECK(fact->text[0] >= 'A' && fact->text[0] <= 'Z'); break;
    case FACT_LOST_CONTACT: break;
    case FACT_TASKS: CHECK(fact->number >= 0 && fact->total > 0 && fact->number <= fact->total); break;
    }
}

static void on_line(void *context, const char *line, size_t length) {
    struct seen *seen = context;
    CHECK(length > 0 && length <= LINES_WINDOW && memchr(line, '\n', length) == NULL);
    seen->hash = hash_add(hash_add(seen->hash, &length, sizeof length), line, length);
    telling_line(&seen->telling, TELLING_STDERR, line, length);
    static const char *const kinds[] = {"sparkSubmit", "hadoopJar"};
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        struct facts facts;
        scan_line(scanner_of(kinds[kind]), line, length, &facts);
        CHECK(facts.count <= FACTS_MAX);
        for (size_t i = 0; i < facts.count; i++)
            check_fact(&facts.items[i]);
    }
}

static struct lines *new_lines(struct seen *seen) {
    struct lines *lines = calloc(1, sizeof *lines);
    CHECK(lines != NULL);
    *seen = (struct seen){.hash = HASH_INIT};
    lines->each = on_line;
    lines->context = seen;
    return lines;
}

static void end_lines(struct lines *lines) {
    const struct seen *seen = lines->context;
    lines_end(lines);
    free(lines);
    const char *best = telling_best(&seen->telling);
    CHECK(strlen(best) < TELLING_TEXT_MAX && strpbrk(best, "\r\n") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct pieces pieces;
    struct seen in_pieces, whole;
    telling_init();
    pieces_init(&pieces, data, size);
    struct lines *lines = new_lines(&whole);
    lines_add(lines, pieces.bytes, pieces.length);
    end_lines(lines);
    size_t length = 0;
    lines = new_lines(&in_pieces);
    for (const char *piece; (piece = pieces_next(&pieces, &length)) != NULL;)
        lines_add(lines, piece, length);
    end_lines(lines);
    pieces_fini(&pieces);
    CHECK(in_pieces.hash == whole.hash);
    CHECK(strcmp(telling_best(&in_pieces.telling), telling_best(&whole.telling)) == 0);
    return 0;
}
