/* See version.h. Pure. */

#include "kube/version.h"

#include <stddef.h>
#include <string.h>

static bool is_number(const char *text, size_t length) {
    return length > 0 && (text[0] != '0' || length == 1) && strspn(text, "0123456789") == length;
}

enum version_order version_compare(const char *a, const char *b) {
    if (a == NULL || b == NULL)
        return VERSION_UNKNOWN;
    size_t length_a = strlen(a);
    size_t length_b = strlen(b);
    if (!is_number(a, length_a) || !is_number(b, length_b))
        return VERSION_UNKNOWN;
    if (length_a != length_b)
        return length_a < length_b ? VERSION_OLDER : VERSION_NEWER;
    int order = memcmp(a, b, length_a);
    return order < 0 ? VERSION_OLDER : order > 0 ? VERSION_NEWER : VERSION_SAME;
}

bool version_went_back(const char *shown, const char *known, const char *list) {
    enum version_order order = version_compare(list, known);
    return version_compare(shown, known) == VERSION_OLDER && (order == VERSION_SAME || order == VERSION_NEWER);
}
