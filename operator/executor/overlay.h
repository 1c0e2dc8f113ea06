#pragma once

/* What of a task's pod is weir's own, and the rules that follow for what a manifest says of it. */

#include "base/problems.h"

#define MAIN_CONTAINER     "main"
#define LAUNCHER_CONTAINER "weir-launcher"
#define LAUNCHER_VOLUME    "weir"
#define LAUNCHER_MOUNT     "/weir"
#define TOKEN_VOLUME       "weir-token"
#define TOKEN_MOUNT        "/var/run/secrets/weir.dev"
#define KERBEROS_VOLUME    "weir-kerberos"
#define KERBEROS_MOUNT     TOKEN_MOUNT "/kerberos"
#define CONF_VOLUME        "weir-conf"
#define CONF_MOUNT         "/weir-conf" /* a copy of Hadoop's configuration with the task's tag, made by the launcher */
#define OWN_ENV_PREFIX     "WEIR_"

enum { GRACE_DEFAULT_S = 60, GRACE_MIN_S = 10 };

/* What the Kubernetes fields of a task, or of spec.defaults, say against what weir needs, each with what to do. */
void overlay_check(yyjson_mut_val *fields, const struct place *place, struct problems *problems);
