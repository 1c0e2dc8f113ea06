#pragma once

/* What the kubelet does to a container's command, args and environment: k8s.io/kubernetes
 * third_party/forked/golang/expansion, line by line, and who calls it. */

#include "base/json.h"
#include "base/text.h"

/* `input` with every $(NAME) of `variables` replaced, and every $$ a $. */
const char *expand(const char *input, const struct pairs *variables, struct arena *arena);

/* The container's environment as the program sees it; entries with valueFrom have the value "(from)". */
struct pairs expand_env(yyjson_mut_val *container, struct arena *arena);
/* The words of a list of the container, "command" or "args", as the program sees them. */
struct strings expand_words(yyjson_mut_val *container, const char *list, struct arena *arena);
