#pragma once

/* What of a task's pod is weir's own, and the rules for the user's overlay of it, a PodTemplateSpec. */

#include "base/json.h"
#include "base/table.h"

#define MAIN_CONTAINER     "main"
#define LAUNCHER_CONTAINER "weir-launcher"
#define LAUNCHER_VOLUME    "weir"
#define LAUNCHER_MOUNT     "/weir"
#define TOKEN_VOLUME       "weir-token"
#define TOKEN_MOUNT        "/var/run/secrets/weir.dev"
#define OWN_ENV_PREFIX     "WEIR_"

enum { GRACE_DEFAULT_S = 60, GRACE_MIN_S = 10 };

/* What of an overlay fights what weir needs, each with its path and what to do. */
void overlay_check(yyjson_val *overlay, const char *path, struct problems *problems);

/* The same for the lists that a task has itself; each may be NULL. */
void overlay_check_env(yyjson_val *list, const char *path, struct problems *problems);
void overlay_check_volumes(yyjson_val *list, const char *path, struct problems *problems);
void overlay_check_mounts(yyjson_val *list, const char *path, struct problems *problems);
