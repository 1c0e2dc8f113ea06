#pragma once

/* What hadoopJar and hadoopStreaming share: how `hadoop jar` is called, and Hadoop's generic options. */

#include "executor/kinds.h"

#define HADOOP_TAG_PROPERTY "mapreduce.job.tags"

struct hadoop {
    const char *program, *config_dir, *jar;
    const char *fs, *jt, *token_cache_file;
    struct strings conf_files, lib_jars, files, archives;
    struct pairs conf;
};

/* For the table of a struct with a member `struct hadoop hadoop`. */
#define HADOOP_FIELD(type, member) .offset = offsetof(struct type, hadoop) + offsetof(struct hadoop, member)
#define HADOOP_FIELDS(type)                                                                                            \
    {"conf", "-D: Hadoop properties, one option each. Not for secrets: they would be visible in the pod.",             \
     FIELD_PAIRS, HADOOP_FIELD(type, conf)},                                                                           \
        {"confFiles",                                                                                                  \
         "-conf: configuration files to read.",                                                                        \
         FIELD_STRINGS,                                                                                                \
         HADOOP_FIELD(type, conf_files),                                                                               \
         .flags = FIELD_NOT_FLAG,                                                                                      \
         .max = 100},                                                                                                  \
        {"libJars", "-libjars: jars for the class path of client and tasks.", FIELD_STRINGS,                           \
         HADOOP_FIELD(type, lib_jars), .flags = FIELD_NOT_FLAG},                                                       \
        {"files", "-files: files for the working directory of the tasks; path#name renames.", FIELD_STRINGS,           \
         HADOOP_FIELD(type, files), .flags = FIELD_NOT_FLAG},                                                          \
        {"archives", "-archives: archives to unpack in the working directory of the tasks; path#name renames.",        \
         FIELD_STRINGS, HADOOP_FIELD(type, archives), .flags = FIELD_NOT_FLAG},                                        \
        {"fs", "-fs: default file system, instead of fs.defaultFS.", FIELD_STRING, HADOOP_FIELD(type, fs),             \
         .flags = FIELD_NOT_FLAG},                                                                                     \
        {"jt", "-jt: local, or host:port of the ResourceManager.", FIELD_STRING, HADOOP_FIELD(type, jt),               \
         .flags = FIELD_NOT_FLAG},                                                                                     \
        {"tokenCacheFile", "-tokenCacheFile: file with delegation tokens, from a Secret that is mounted as a volume.", \
         FIELD_STRING, HADOOP_FIELD(type, token_cache_file), .flags = FIELD_NOT_FLAG},                                 \
        {"configDir", "--config: Hadoop's configuration directory (default: HADOOP_CONF_DIR of the environment).",     \
         FIELD_STRING, HADOOP_FIELD(type, config_dir), .flags = FIELD_NOT_FLAG},                                       \
    {                                                                                                                  \
        "program", "Path of hadoop in the image (default: hadoop, looked up in PATH).", FIELD_STRING,                  \
            HADOOP_FIELD(type, program), .flags = FIELD_NOT_FLAG                                                       \
    }

/* `hadoop [--config DIR] jar JAR`; `config_dir` may be NULL. */
void hadoop_add_command(const struct hadoop *hadoop, const char *config_dir, struct argv *argv);
/* YARN, unless the task says that it runs in its pod. */
struct remote hadoop_remote(const struct hadoop *hadoop);
/* The generic options, files first and properties last; the tag among them unless it is NULL. */
void hadoop_add_generic(const struct hadoop *hadoop, const char *tag, struct argv *argv);
bool hadoop_has_generic(const struct hadoop *hadoop);
