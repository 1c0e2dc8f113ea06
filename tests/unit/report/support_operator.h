#pragma once

/* The operator's half that launchers see, in a process of its own: the real endpoint, token review, certificate keeper
 * and web server; the API server's part is played by a model.
 *
 * Tokens are signed (script_pod_token()): good-POD belongs to that pod of flows, slow-POD too but is answered late,
 * never-… is not answered, down-… fails, others are bad. The pod "stranger" is none of ours though it looks so,
 * "nobody" is not known at all, "early" not yet; the end of "deleted" was decided, "drained" goes for other reasons. On
 * the plain port: /state, /bundle, /metrics, /rotate (another replica renews the certificate), /away (leads no more,
 * and again). */

#include "web/support_child.h"

#define OPERATOR_NAME "weir.weir.svc"
enum { OPERATOR_DEADLINE_MS = 4000, OPERATOR_SLOW_MS = 200, OPERATOR_RUNNING = 300 };

extern const struct child_parts operator_parts;
