/* See crd_yaml.h. For values that this build made itself: members in their order, texts without control characters. */

#include "cmd/crd_yaml.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

enum { WIDTH = 110, FOLD_FROM = 70, STEP = 2 };

static void write_value(yyjson_mut_val *value, size_t indent, struct strbuf *out);

static void pad(struct strbuf *out, size_t width) {
    strbuf_printf(out, "%*s", (int)width, "");
}

/* A word that YAML reads as text when it stands alone. */
static bool is_plain(const char *text) {
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./";
    if (!isalpha((unsigned char)text[0]) || text[strspn(text, safe)] != '\0')
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0)
            return false;
    return true;
}

/* Folding puts back one blank for each line break, so only single blanks between words may be broken at. */
static bool can_fold(const char *text) {
    return strlen(text) > FOLD_FROM && strchr(text, '\n') == NULL && strstr(text, "  ") == NULL && text[0] != ' ' &&
           !text_ends_with(text, " ");
}

static void write_folded(const char *text, size_t indent, struct strbuf *out) {
    strbuf_puts(out, ">-");
    size_t column = WIDTH;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column + 1 + length > WIDTH) {
            strbuf_putc(out, '\n');
            pad(out, indent);
            column = indent;
        } else {
            strbuf_putc(out, ' ');
            column++;
        }
        strbuf_add(out, text, length);
        column += length;
        text += length + (text[length] == ' ');
    }
}

static void write_text(const char *text, size_t indent, struct strbuf *out) {
    if (is_plain(text))
        strbuf_puts(out, text);
    else if (can_fold(text))
        write_folded(text, indent, out);
    else
        json_quote(out, text, strlen(text));
}

static bool is_block(yyjson_mut_val *value) {
    return (yyjson_mut_is_obj(value) && yyjson_mut_obj_size(value) > 0) ||
           (yyjson_mut_is_arr(value) && yyjson_mut_arr_size(value) > 0);
}

static void write_object(yyjson_mut_val *object, size_t indent, struct strbuf *out) {
    size_t i, count;
    yyjson_mut_val *name, *value;
    yyjson_mut_obj_foreach(object, i, count, name, value) {
        if (i > 0)
            pad(out, indent);
        write_text(yyjson_mut_get_str(name), indent, out);
        strbuf_putc(out, ':');
        if (!is_block(value)) {
            strbuf_putc(out, ' ');
            write_value(value, indent + STEP, out);
            strbuf_putc(out, '\n');
            continue;
        }
        size_t inner = yyjson_mut_is_arr(value) ? indent : indent + STEP;
        strbuf_putc(out, '\n');
        pad(out, inner);
        write_value(value, inner, out);
    }
}

static void write_list(yyjson_mut_val *list, size_t indent, struct strbuf *out) {
    size_t i, count;
    yyjson_mut_val *value;
    yyjson_mut_arr_foreach(list, i, count, value) {
        if (i > 0)
            pad(out, indent);
        strbuf_puts(out, "- ");
        write_value(value, indent + STEP, out);
        if (!is_block(value))
            strbuf_putc(out, '\n');
    }
}

static void write_value(yyjson_mut_val *value, size_t indent, struct strbuf *out) {
    if (yyjson_mut_is_obj(value) && is_block(value))
        write_object(value, indent, out);
    else if (yyjson_mut_is_arr(value) && is_block(value))
        write_list(value, indent, out);
    else if (yyjson_mut_is_str(value))
        write_text(yyjson_mut_get_str(value), indent, out);
    else if (yyjson_mut_is_obj(value))
        strbuf_puts(out, "{}");
    else if (yyjson_mut_is_arr(value))
        strbuf_puts(out, "[]");
    else if (yyjson_mut_is_bool(value))
        strbuf_puts(out, yyjson_mut_get_bool(value) ? "true" : "false");
    else if (yyjson_mut_is_sint(value))
        strbuf_printf(out, "%lld", (long long)yyjson_mut_get_sint(value));
    else if (yyjson_mut_is_uint(value))
        strbuf_printf(out, "%llu", (unsigned long long)yyjson_mut_get_uint(value));
    else if (yyjson_mut_is_real(value))
        strbuf_printf(out, "%.17g", yyjson_mut_get_real(value));
    else
        strbuf_puts(out, "null");
}

void crd_write_yaml(yyjson_mut_val *value, struct strbuf *out) {
    write_value(value, 0, out);
}
