#pragma once

/* A growing byte string with an upper bound. Always terminated, may hold any bytes.
 *
 * Past the bound, and when memory ends, the buffer turns *failed*: what was there stays, nothing more is added, and
 * strbuf_failed() says so. So a caller appends freely and checks once. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct strbuf {
    char *data; /* never NULL after the first append; use strbuf_text() before */
    size_t length;
    size_t room;
    size_t max; /* 0: no bound */
    bool failed;
};

#define STRBUF_INIT \
    { 0 }
#define STRBUF_MAX(bytes) \
    { .max = (bytes) }
#define AUTO_STRBUF __attribute__((cleanup(strbuf_fini))) struct strbuf

void strbuf_fini(struct strbuf *buf);  /* frees; the buffer is empty and usable again, its bound kept */
void strbuf_reset(struct strbuf *buf); /* empties, keeps memory and bound, not failed any more */
void strbuf_add(struct strbuf *buf, const void *bytes, size_t length);
void strbuf_puts(struct strbuf *buf, const char *text);
void strbuf_putc(struct strbuf *buf, char c);
void strbuf_printf(struct strbuf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vprintf(struct strbuf *buf, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
void strbuf_drop_front(struct strbuf *buf, size_t length); /* removes that many bytes; more than there are empties it */
void strbuf_cut(struct strbuf *buf, size_t length);        /* keeps the first `length` bytes; not failed any more */
const char *strbuf_text(const struct strbuf *buf);         /* "" when empty; valid until the next change */
char *strbuf_steal(struct strbuf *buf);                    /* the caller frees; the buffer is empty again. NULL: OOM */
bool strbuf_failed(const struct strbuf *buf);
