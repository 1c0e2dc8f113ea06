/* See reader.h. Never trusts what it reads: ids, ports and URLs are taken only in their exact form. */

#include "output/reader.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool reader_literal(struct reader *reader, const char *literal) {
    size_t length = strlen(literal);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, literal, length) != 0)
        return false;
    reader->at += length;
    return true;
}

bool reader_number(struct reader *reader, int max, int *ret) {
    int value = 0;
    const char *start = reader->at;
    for (; reader->at < reader->end && isdigit((unsigned char)*reader->at); reader->at++) {
        if (value > (max - (*reader->at - '0')) / 10)
            return false;
        value = value * 10 + (*reader->at - '0');
    }
    *ret = value;
    return reader->at > start;
}

/* Appends characters of one class to fact->text; false when there were none or too many. */
bool reader_take(struct reader *reader, struct fact *fact, int (*accept)(int), size_t max) {
    size_t length = strlen(fact->text), taken = 0;
    while (reader->at < reader->end && accept((unsigned char)*reader->at)) {
        if (length + 1 >= sizeof fact->text || ++taken > max)
            return false;
        fact->text[length++] = *reader->at++;
    }
    fact->text[length] = '\0';
    return taken > 0;
}

/* prefix, digits, separator, digits, and then something else: an id that ends here. */
bool reader_id(struct reader *reader, struct fact *fact, const char *prefix, char separator) {
    snprintf(fact->text, sizeof fact->text, "%s", prefix);
    if (!reader_take(reader, fact, isdigit, 20) || reader->at == reader->end || *reader->at != separator)
        return false;
    size_t length = strlen(fact->text);
    fact->text[length] = *reader->at++;
    fact->text[length + 1] = '\0';
    return reader_take(reader, fact, isdigit, 10) &&
           (reader->at == reader->end || (!isalnum((unsigned char)*reader->at) && *reader->at != '_'));
}

bool reader_application(struct reader *reader, struct fact *fact) {
    return reader_id(reader, fact, "application_", '_');
}

static int is_url_character(int c) {
    return c > ' ' && c < 0x7F && !strchr("\"'<>\\`{}|^", c);
}

/* "http" has been read; an authority whose host and port can be, then anything up to a blank or a quote. */
bool reader_url(struct reader *reader, struct fact *fact) {
    snprintf(fact->text, sizeof fact->text, "http");
    if (!reader_take(reader, fact, is_url_character, RECORD_URL_MAX - 4) || !record_url_valid(fact->text))
        return false;
    const char *host = strstr(fact->text, "//") + 2;
    size_t length = host[0] == '[' ? strcspn(host, "]/") : strcspn(host, ":/?#");
    if (host[0] == '[' && host[length] != ']')
        return false;
    for (size_t i = host[0] == '['; i < length; i++)
        if (!isalnum((unsigned char)host[i]) && !strchr(host[0] == '[' ? ":." : ".-_", host[i]))
            return false;
    struct reader port = {host + length + (host[0] == '['), host + strlen(host)};
    int number = 80;
    if (reader_literal(&port, ":") && (!reader_number(&port, 65535, &number) || number == 0))
        return false;
    return true;
}
