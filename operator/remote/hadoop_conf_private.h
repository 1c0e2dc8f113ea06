#pragma once

/* What the parts of hadoop_conf share: the properties as they are collected, and the reader of one file. */

#include <stdint.h>

#include "remote/hadoop_conf.h"

enum { HADOOP_FROM_DEFAULT = 7, HADOOP_ALL_MAX = 8 * HADOOP_FILE_MAX, HADOOP_DEEP = 8 };

/* One <property>, in the order of reading until hadoop_conf_settle(), afterwards what counts, sorted by name. */
struct hadoop_property {
    size_t name, value;    /* offsets in `texts` */
    unsigned order;        /* of reading */
    unsigned char from;    /* enum hadoop_site, or HADOOP_FROM_DEFAULT */
    unsigned char finals;  /* settled: the sites that say <final>, as bits */
    bool has_value, final; /* as read */
};

struct hadoop_conf {
    struct strbuf texts; /* terminated strings, one after the other */
    struct hadoop_property *items;
    size_t count, room;
    size_t bytes_read;
    char *directory, *paths[HADOOP_SITES];
};

/* `value` NULL: a property without one. */
int hadoop_conf_add(struct hadoop_conf *conf, unsigned from, const char *name, const char *value, bool final,
                    struct error *err);
void hadoop_conf_settle(struct hadoop_conf *conf);

/* Adds the properties of a text. `path` names it in errors, and its directory and the configuration's are where
 * includes are looked for, when the configuration has one. */
int hadoop_xml_parse(struct hadoop_conf *conf, enum hadoop_site site, const char *path, const char *xml, size_t length,
                     struct error *err);
/* Adds the properties of a file. ERROR_NOT_FOUND when there is none. */
int hadoop_xml_read(struct hadoop_conf *conf, enum hadoop_site site, const char *path, struct error *err);
