/* See arena.h. Blocks of doubling size, so that a pass over a small run costs one malloc and one over a large run few.
 * Relies on calloc for zeroes. Never moves what it gave out, never returns NULL. */

#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_FIRST = 4096, BLOCK_LAST = 256 * 1024 };

struct arena_block {
    struct arena_block *previous;
    size_t size; /* of data */
    size_t used;
    max_align_t data[];
};

static _Noreturn void out_of_memory(size_t size) {
    fprintf(stderr, "{\"level\":\"error\",\"logger\":\"arena\",\"msg\":\"out of memory: %zu bytes wanted\"}\n", size);
    abort();
}

static struct arena_block *new_block(size_t size) {
    struct arena_block *block = size < SIZE_MAX / 2 ? calloc(1, sizeof *block + size) : NULL;
    if (block == NULL)
        out_of_memory(size);
    block->size = size;
    return block;
}

/* A block of its own, put behind the last one so that its room stays in use. */
static void *alloc_large(struct arena *arena, size_t size) {
    struct arena_block *block = new_block(size);
    block->used = size;
    if (arena->last == NULL) {
        arena->last = block;
    } else {
        block->previous = arena->last->previous;
        arena->last->previous = block;
    }
    return block->data;
}

void *arena_alloc(struct arena *arena, size_t size) {
    const size_t align = _Alignof(max_align_t);
    if (size > BLOCK_LAST / 4)
        return alloc_large(arena, size);
    size = size == 0 ? align : (size + align - 1) & ~(align - 1);
    struct arena_block *block = arena->last;
    if (block == NULL || block->size - block->used < size) {
        size_t room = block == NULL ? BLOCK_FIRST : block->size * 2;
        if (room > BLOCK_LAST)
            room = BLOCK_LAST;
        while (room < size)
            room *= 2;
        block = new_block(room);
        block->previous = arena->last;
        arena->last = block;
    }
    void *result = (char *)block->data + block->used;
    block->used += size;
    return result;
}

void *arena_array(struct arena *arena, size_t count, size_t size) {
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory(SIZE_MAX);
    return arena_alloc(arena, total);
}

char *arena_strdup(struct arena *arena, const char *text) {
    return text != NULL ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length) {
    char *copy = arena_alloc(arena, length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        return arena_strdup(arena, "");
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

void arena_fini(struct arena *arena) {
    struct arena_block *block = arena->last;
    while (block != NULL) {
        struct arena_block *previous = block->previous;
        free(block);
        block = previous;
    }
    arena->last = NULL;
}

size_t arena_size(const struct arena *arena) {
    size_t size = 0;
    for (const struct arena_block *block = arena->last; block != NULL; block = block->previous)
        size += block->size;
    return size;
}
