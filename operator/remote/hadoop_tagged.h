#pragma once

/* A copy of a configuration directory in which every MapReduce job has a tag: for programs that take no generic
 * options. Links to all that is in the original, and a mapred-site.xml that sets mapreduce.job.tags to what the
 * original has and the tag, and includes the original. */

#include "base/error.h"
#include "remote/hadoop_conf.h"

enum { HADOOP_TAG_MAX = 100 }; /* YARN takes no longer ones */

/* Letters, digits and "-_.:/", and no '-' first: never an option, a list, or in need of quotes. */
bool hadoop_tag_valid(const char *tag);

/* Makes `target`, in one rename where there is none or an empty one, else file by file, each in one rename; links that
 * have nothing to point to any more go. Its parent must be there; it may be on another file system than the original.
 * Called again with the same, nothing changes.
 * ERROR_NOT_FOUND: the configuration has no directory; ERROR_INVALID: the text names the path and says why. */
int hadoop_tagged_write(const struct hadoop_conf *conf, const char *tag, const char *target, struct error *err);
