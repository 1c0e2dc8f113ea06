#pragma once

/* Transcripts: commands in, what the plan does and why out. The commands are listed in support_script.c. */

#include "base/strbuf.h"
#include "support_world.h"

/* Does one command; what it prints is added to `out`, each line indented by four blanks. Fatal on an unknown one. */
void script_do(struct world *world, const char *line, struct strbuf *out);
