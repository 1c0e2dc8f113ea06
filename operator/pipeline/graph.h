#pragma once

/* The dependency graph: names to indexes, and what is wrong with it. No recursion: a chain may be as long as it likes.
 */

#include "pipeline/model.h"

/* Fills upstream of every task. Problems: unknown names (with the nearest one), self edges, each cycle once with its
 * path ("a -> b -> a"), duplicates. */
void graph_link(struct pipeline *pipeline, struct arena *arena, struct problems *problems);

/* Indexes in an order where every task comes after its upstream ones. Only for a graph without problems. */
size_t *graph_order(const struct pipeline *pipeline, struct arena *arena);
