#pragma once

/* Transcripts: commands in, what the plan does and why out. The commands are listed in support_script.c. */

#include "base/strbuf.h"
#include "support_world.h"

/* Does one command; what it prints is added to `out`, each line indented by four blanks. Fatal on an unknown one. */
void script_do(struct world *world, const char *line, struct strbuf *out);

/* Between support_script.c and support_print.c. */
struct words;
void script_add_application(struct world *world, struct pod_view *view, const char *id);  /* told by its launcher */
void script_attempts(struct world *world, const struct words *words, struct strbuf *out); /* the earlier ones */
void script_conditions(struct world *world, const struct words *words, struct strbuf *out);
void script_pods(struct world *world, const struct words *words, struct strbuf *out);
