/* See base64.h. Four characters are three bytes. Not made for secrets whose timing somebody could watch. */

#include "base/base64.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Without the padding, if there is one: it fills up four, with one or two. */
static size_t unpadded(const char *text, size_t length) {
    size_t padding = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    return padding == 0 || length % 4 == 0 ? length - padding : length;
}

char *base64_decode(const char *text, size_t length, size_t *ret_length) {
    length = unpadded(text, length);
    char *bytes = length % 4 != 1 ? malloc(length / 4 * 3 + 3) : NULL;
    if (bytes == NULL)
        return NULL;
    size_t count = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < length; i++) {
        int value = value_of(text[i]);
        if (value < 0) {
            free(bytes);
            return NULL;
        }
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 0)
            bytes[count++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    bytes[count] = '\0';
    if (ret_length != NULL)
        *ret_length = count;
    return bytes;
}

char *base64_decode_padded(const char *text, size_t length) {
    bool ordinary = memchr(text, '-', length) == NULL && memchr(text, '_', length) == NULL;
    return length > 0 && length % 4 == 0 && ordinary ? base64_decode(text, length, NULL) : NULL;
}

char *base64_encode(const char *bytes, size_t length) {
    char *text = malloc((length + 2) / 3 * 4 + 1);
    if (text == NULL)
        return NULL;
    char *at = text;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i < 3 ? length - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < left ? (unsigned char)bytes[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            *at++ = k <= left ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
    }
    *at = '\0';
    return text;
}
