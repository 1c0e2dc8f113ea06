/* See json.h. Relies on yyjson for reading and writing. Documents from outside are bounded in depth before they are
 * read, so that whoever walks one may recurse. Never fails to write: what JSON cannot say (NaN) becomes null. */

#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static int fail_at(const char *text, size_t length, size_t at, const char *what, struct error *err) {
    size_t line = 0;
    size_t column = 0;
    size_t character = 0;
    if (!yyjson_locate_pos(text, length, at, &line, &column, &character))
        return error_set(err, ERROR_INVALID, "not JSON: %s", what);
    return error_set(err, ERROR_INVALID, "not JSON: line %zu, column %zu: %s", line, column, what);
}

/* Counts brackets outside of strings; right for all that is JSON, and harmless for what is not. */
static int check_depth(const char *text, size_t length, struct error *err) {
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > JSON_DEPTH_MAX)
            return fail_at(text, length, i, "nested too deeply", err);
    }
    return 0;
}

int json_parse(const char *text, size_t length, yyjson_doc **ret_doc, struct error *err) {
    if (check_depth(text, length, err) < 0)
        return -1;
    yyjson_read_err problem = {0};
    char *bytes = (char *)(uintptr_t)text; /* not written to without YYJSON_READ_INSITU */
    yyjson_doc *doc = yyjson_read_opts(bytes, length, YYJSON_READ_NOFLAG, NULL, &problem);
    if (doc != NULL) {
        *ret_doc = doc;
        return 0;
    }
    if (problem.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return error_set(err, ERROR_TRANSIENT, "no memory for a document of %zu bytes", length);
    return fail_at(text, length, problem.pos, problem.msg, err);
}

void json_free(yyjson_doc **doc) {
    yyjson_doc_free(*doc);
    *doc = NULL;
}

static bool deeper(yyjson_val *value, size_t levels) {
    size_t i, count;
    yyjson_val *name, *item;
    if (!yyjson_is_ctn(value))
        return false;
    if (levels == 0)
        return true;
    if (yyjson_is_obj(value)) {
        yyjson_obj_foreach(value, i, count, name, item) {
            if (deeper(item, levels - 1))
                return true;
        }
    }
    yyjson_arr_foreach(value, i, count, item) {
        if (deeper(item, levels - 1))
            return true;
    }
    return false;
}

bool json_too_deep(yyjson_val *value) {
    return deeper(value, JSON_DEPTH_MAX);
}

yyjson_val *json_at(yyjson_val *value, ...) {
    va_list names;
    va_start(names, value);
    const char *name;
    while (value != NULL && (name = va_arg(names, const char *)) != NULL)
        value = yyjson_obj_get(value, name);
    va_end(names);
    return value;
}

const char *json_text(yyjson_val *object, const char *name, const char *fallback) {
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));
    return text != NULL ? text : fallback;
}

int64_t json_time(yyjson_val *object, const char *name) {
    struct error ignored;
    int64_t wall_ms = 0;
    const char *text = json_text(object, name, NULL);
    return text != NULL && clock_parse(text, &wall_ms, &ignored) == 0 ? wall_ms : 0;
}

bool json_lists(yyjson_val *object, const char *name, const char *text) {
    yyjson_arr_iter items = yyjson_arr_iter_with(yyjson_obj_get(object, name));
    yyjson_val *item = NULL;
    while ((item = yyjson_arr_iter_next(&items)) != NULL) {
        if (yyjson_equals_str(item, text))
            return true;
    }
    return false;
}

const char *json_clean(yyjson_val *object, const char *name, size_t max, struct arena *arena) {
    yyjson_val *value = json_at(object, name, NULL);
    if (!yyjson_is_str(value))
        return "";
    return text_clean(yyjson_get_str(value), yyjson_get_len(value), max, arena);
}

int64_t json_int(yyjson_val *object, const char *name, int64_t fallback) {
    yyjson_val *value = yyjson_obj_get(object, name);
    if (!yyjson_is_int(value) || (yyjson_is_uint(value) && yyjson_get_uint(value) > INT64_MAX))
        return fallback;
    return yyjson_get_sint(value);
}

bool json_bool(yyjson_val *object, const char *name, bool fallback) {
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_bool(value) ? yyjson_get_bool(value) : fallback;
}

static void *alloc_in(void *arena, size_t size) {
    return arena_alloc(arena, size);
}

static void *realloc_in(void *arena, void *old, size_t old_size, size_t size) {
    void *result = arena_alloc(arena, size);
    if (old != NULL)
        memcpy(result, old, old_size < size ? old_size : size);
    return result;
}

static void free_in(void *arena, void *memory) {
    (void)arena;
    (void)memory;
}

static yyjson_alc allocator(struct arena *arena) {
    return (yyjson_alc){.malloc = alloc_in, .realloc = realloc_in, .free = free_in, .ctx = arena};
}

yyjson_mut_doc *json_new(struct arena *arena) {
    yyjson_alc alc = allocator(arena);
    return yyjson_mut_doc_new(&alc);
}

yyjson_val *json_copy(yyjson_mut_val *value, struct arena *arena) {
    yyjson_alc alc = allocator(arena);
    return yyjson_doc_get_root(yyjson_mut_val_imut_copy(value, &alc));
}

/* yyjson grows its buffer by copying: done in malloc's memory, so that the arena gets the result alone. */
static const char *keep(char *text, size_t length, struct arena *arena, size_t *ret_length) {
    if (text == NULL) {
        fprintf(stderr, "{\"level\":\"error\",\"logger\":\"json\",\"msg\":\"out of memory while writing\"}\n");
        abort();
    }
    const char *copy = arena_strndup(arena, text, length);
    free(text);
    if (ret_length != NULL)
        *ret_length = length;
    return copy;
}

const char *json_write(yyjson_mut_val *value, struct arena *arena, size_t *ret_length) {
    size_t length = 0;
    yyjson_write_flag flags = YYJSON_WRITE_INF_AND_NAN_AS_NULL | YYJSON_WRITE_ALLOW_INVALID_UNICODE;
    char *text = yyjson_mut_val_write_opts(value, flags, NULL, &length, NULL);
    return keep(text, length, arena, ret_length);
}

const char *json_write_value(yyjson_val *value, struct arena *arena, size_t *ret_length) {
    size_t length = 0;
    char *text = yyjson_val_write_opts(value, YYJSON_WRITE_NOFLAG, NULL, &length, NULL);
    return keep(text, length, arena, ret_length);
}

static bool same_number(yyjson_mut_val *a, yyjson_mut_val *b) {
    if (yyjson_mut_is_real(a) || yyjson_mut_is_real(b)) {
        double left = yyjson_mut_get_num(a);
        double right = yyjson_mut_get_num(b);
        return left <= right && left >= right;
    }
    bool negative = yyjson_mut_is_sint(a) && yyjson_mut_get_sint(a) < 0;
    if (negative != (yyjson_mut_is_sint(b) && yyjson_mut_get_sint(b) < 0))
        return false;
    return yyjson_mut_get_uint(a) == yyjson_mut_get_uint(b);
}

static bool same_object(yyjson_mut_val *a, yyjson_mut_val *b) {
    if (yyjson_mut_obj_size(a) != yyjson_mut_obj_size(b))
        return false;
    size_t i, count;
    yyjson_mut_val *name, *value;
    yyjson_mut_obj_iter other = {0};
    yyjson_mut_obj_iter_init(b, &other); /* goes on where it was: linear when the order is the same */
    yyjson_mut_obj_foreach(a, i, count, name, value) {
        yyjson_mut_val *twin = yyjson_mut_obj_iter_getn(&other, yyjson_mut_get_str(name), yyjson_mut_get_len(name));
        if (twin == NULL || !json_same(value, twin))
            return false;
    }
    return true;
}

static bool same_array(yyjson_mut_val *a, yyjson_mut_val *b) {
    if (yyjson_mut_arr_size(a) != yyjson_mut_arr_size(b))
        return false;
    size_t i, count;
    yyjson_mut_val *value;
    yyjson_mut_val *twin = yyjson_mut_arr_get_first(b);
    yyjson_mut_arr_foreach(a, i, count, value) {
        if (!json_same(value, twin))
            return false;
        twin = twin->next;
    }
    return true;
}

bool json_same(yyjson_mut_val *a, yyjson_mut_val *b) {
    if (a == b)
        return true;
    if (a == NULL || b == NULL || yyjson_mut_get_type(a) != yyjson_mut_get_type(b))
        return false;
    if (yyjson_mut_is_obj(a))
        return same_object(a, b);
    if (yyjson_mut_is_arr(a))
        return same_array(a, b);
    if (yyjson_mut_is_num(a))
        return same_number(a, b);
    if (yyjson_mut_is_str(a))
        return yyjson_mut_equals_strn(a, yyjson_mut_get_str(b), yyjson_mut_get_len(b));
    return !yyjson_mut_is_bool(a) || yyjson_mut_get_bool(a) == yyjson_mut_get_bool(b);
}

static void quote_one(struct strbuf *out, const char *at, size_t width) {
    unsigned char c = (unsigned char)at[0];
    if (width == 0)
        strbuf_puts(out, "\xEF\xBF\xBD"); /* U+FFFD */
    else if (c == '"' || c == '\\')
        strbuf_add(out, (const char[]){'\\', (char)c}, 2);
    else if (c == '\n')
        strbuf_puts(out, "\\n");
    else if (c == '\t')
        strbuf_puts(out, "\\t");
    else if (c < 0x20 || c == 0x7F)
        strbuf_printf(out, "\\u%04x", c);
    else
        strbuf_add(out, at, width);
}

void json_quote(struct strbuf *out, const char *text, size_t length) {
    strbuf_putc(out, '"');
    for (size_t i = 0; i < length;) {
        size_t width = text_utf8(text + i, length - i);
        quote_one(out, text + i, width);
        i += width == 0 ? 1 : width;
    }
    strbuf_putc(out, '"');
}
