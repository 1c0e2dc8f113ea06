#pragma once

/* Inside output/ only: reads what follows a literal in a line. Each returns false when it is something else; fact->text
 * may then hold anything. */

#include <stdbool.h>

#include "output/needles.h"
#include "output/scan.h"

struct reader {
    const char *at, *end;
};

bool reader_literal(struct reader *reader, const char *literal);
bool reader_number(struct reader *reader, int max, int *ret);
/* Appends characters of one class to fact->text: at least one, at most `max`. */
bool reader_take(struct reader *reader, struct fact *fact, int (*accept)(int), size_t max);
/* prefix, digits, separator, digits, and then something else: an id that ends here. */
bool reader_id(struct reader *reader, struct fact *fact, const char *prefix, char separator);
/* "application_" has been read. */
bool reader_application(struct reader *reader, struct fact *fact);
/* "http" has been read; an authority whose host and port can be, then anything up to a blank or a quote. */
bool reader_url(struct reader *reader, struct fact *fact);

/* A literal, and what is to be made of what follows it. */
struct pattern {
    const char *literal;
    enum fact_type type;
    bool (*take)(struct reader *, struct fact *);
};

struct scanner {
    const struct pattern *patterns;
    size_t count;
    struct needles *needles; /* of the literals; empty until the first use */
};
extern struct scanner scan_spark, scan_hadoop, scan_nothing;
