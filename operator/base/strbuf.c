/* See strbuf.h. Relies on malloc alone. Never aborts and never adds a part of what was asked for: an append is whole or
 * it marks the buffer failed, so that the launcher can use it where memory may end. */

#include "base/strbuf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for `more` bytes and the terminator, or false with the buffer failed. */
static bool reserve(struct strbuf *buf, size_t more) {
    if (buf->failed)
        return false;
    size_t bound = buf->max != 0 ? buf->max : SIZE_MAX / 2;
    if (buf->length > bound || more > bound - buf->length) {
        buf->failed = true;
        return false;
    }
    size_t wanted = buf->length + more + 1;
    if (wanted <= buf->room)
        return true;
    size_t room = buf->room < 64 ? 64 : buf->room;
    while (room < wanted)
        room = room > SIZE_MAX / 2 ? wanted : room * 2;
    if (room > bound + 1)
        room = bound + 1;
    char *data = realloc(buf->data, room);
    if (data == NULL) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->room = room;
    return true;
}

void strbuf_fini(struct strbuf *buf) {
    free(buf->data);
    *buf = (struct strbuf){.max = buf->max};
}

void strbuf_reset(struct strbuf *buf) {
    strbuf_cut(buf, 0);
}

void strbuf_add(struct strbuf *buf, const void *bytes, size_t length) {
    if (!reserve(buf, length))
        return;
    if (length > 0)
        memcpy(buf->data + buf->length, bytes, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}

void strbuf_puts(struct strbuf *buf, const char *text) {
    strbuf_add(buf, text, strlen(text));
}

void strbuf_putc(struct strbuf *buf, char c) {
    strbuf_add(buf, &c, 1);
}

void strbuf_printf(struct strbuf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    strbuf_vprintf(buf, format, args);
    va_end(args);
}

void strbuf_vprintf(struct strbuf *buf, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) {
        buf->failed = true;
        return;
    }
    if (!reserve(buf, (size_t)length))
        return;
    vsnprintf(buf->data + buf->length, (size_t)length + 1, format, args);
    buf->length += (size_t)length;
}

void strbuf_drop_front(struct strbuf *buf, size_t length) {
    if (buf->data == NULL || length == 0)
        return;
    if (length > buf->length)
        length = buf->length;
    buf->length -= length;
    memmove(buf->data, buf->data + length, buf->length + 1);
}

void strbuf_cut(struct strbuf *buf, size_t length) {
    buf->failed = false;
    if (length < buf->length)
        buf->length = length;
    if (buf->data != NULL)
        buf->data[buf->length] = '\0';
}

const char *strbuf_text(const struct strbuf *buf) {
    return buf->data != NULL ? buf->data : "";
}

char *strbuf_steal(struct strbuf *buf) {
    char *data = buf->data != NULL ? buf->data : calloc(1, 1);
    *buf = (struct strbuf){.max = buf->max};
    return data;
}

bool strbuf_failed(const struct strbuf *buf) {
    return buf->failed;
}
