#pragma once

/* Memory for one pass: allocated piece by piece, freed whole. Everything in pipeline/ and executor/ lives in one.
 *
 * Never returns NULL: when memory ends the process says so and aborts. The operator's state is in the API server, so a
 * restart loses nothing; the launcher does not use arenas after it has started its child. */

#include <stdarg.h>
#include <stddef.h>

struct arena {
    struct arena_block *last;
};

#define ARENA_INIT \
    { 0 }
#define AUTO_ARENA __attribute__((cleanup(arena_fini))) struct arena

void *arena_alloc(struct arena *arena, size_t size);               /* zeroed, aligned for any type */
void *arena_array(struct arena *arena, size_t count, size_t size); /* the same; aborts on overflow */
char *arena_strdup(struct arena *arena, const char *text);         /* NULL gives NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
size_t arena_size(const struct arena *arena); /* bytes that it holds */
void arena_fini(struct arena *arena);         /* frees all; the arena is empty and usable again */

#define ARENA_NEW(arena, type)              ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_NEW_ARRAY(arena, count, type) ((type *)arena_array((arena), (count), sizeof(type)))
