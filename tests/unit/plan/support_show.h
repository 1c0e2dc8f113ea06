#pragma once

/* What a transcript shows of its world; each line is indented by four blanks and added to `out`. */

#include "base/strbuf.h"
#include "support_world.h"

void print_plan(struct world *world, struct strbuf *out);     /* the last one */
void print_status(struct world *world, struct strbuf *out);   /* as recorded, as what follows */
void print_attempts(struct world *world, struct strbuf *out); /* the earlier ones */
void print_conditions(struct world *world, struct strbuf *out);
void print_pods(struct world *world, struct strbuf *out);
