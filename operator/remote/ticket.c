/* See ticket.h. The format is MIT Kerberos' documented "ccache" file format; tickets and keys in it are skipped, never
 * copied. */

#include "remote/ticket.h"

#include <string.h>

enum { FORMAT = 0x0504, PARTS_MAX = 16, ENTRIES_MAX = 64 };

struct bytes {
    const unsigned char *at;
    size_t left;
    bool cut; /* more was wanted than there is: all that is read from then on is nothing */
};

static const unsigned char *take(struct bytes *bytes, size_t count) {
    const unsigned char *at = bytes->at;
    if (bytes->cut || count > bytes->left) {
        bytes->cut = true;
        return NULL;
    }
    bytes->at += count;
    bytes->left -= count;
    return at;
}

static uint32_t take_number(struct bytes *bytes, size_t size) {
    const unsigned char *at = take(bytes, size);
    uint32_t value = 0;
    for (size_t i = 0; at && i < size; i++)
        value = value << 8 | at[i];
    return value;
}

static const unsigned char *take_data(struct bytes *bytes, size_t *ret_length) {
    *ret_length = take_number(bytes, 4);
    return take(bytes, *ret_length);
}

static void skip_data(struct bytes *bytes) {
    size_t length;
    take_data(bytes, &length);
}

/* True: krbtgt/…, a ticket-granting service. Entries of a cache's own settings have other names. */
static bool take_principal(struct bytes *bytes) {
    bool granting = false;
    take_number(bytes, 4); /* type of name */
    uint32_t parts = take_number(bytes, 4);
    bytes->cut = bytes->cut || parts > PARTS_MAX;
    skip_data(bytes); /* realm */
    for (uint32_t i = 0; i < parts && !bytes->cut; i++) {
        size_t length;
        const unsigned char *part = take_data(bytes, &length);
        granting = granting || (i == 0 && parts == 2 && part && length == 6 && memcmp(part, "krbtgt", 6) == 0);
    }
    return granting;
}

/* Typed data, such as addresses. */
static void skip_list(struct bytes *bytes) {
    uint32_t count = take_number(bytes, 4);
    for (uint32_t i = 0; i < count && !bytes->cut; i++) {
        take_number(bytes, 2);
        skip_data(bytes);
    }
}

static bool take_entry(struct bytes *bytes, struct ticket_times *ret) {
    take_principal(bytes); /* whose it is */
    bool granting = take_principal(bytes);
    take_number(bytes, 2); /* the session key: its type, and itself */
    skip_data(bytes);
    int64_t authenticated = take_number(bytes, 4), starts = take_number(bytes, 4), ends = take_number(bytes, 4);
    take(bytes, 4 + 1 + 4); /* renewable till, kind of key, flags */
    skip_list(bytes);       /* addresses */
    skip_list(bytes);       /* authorization data */
    skip_data(bytes);       /* the ticket, and a second one */
    skip_data(bytes);
    *ret = (struct ticket_times){starts ? starts : authenticated, ends};
    return granting && !bytes->cut && ret->ends > ret->starts;
}

bool ticket_read(const void *data, size_t length, struct ticket_times *ret) {
    struct bytes bytes = {.at = data, .left = length};
    struct ticket_times times;
    if (take_number(&bytes, 2) != FORMAT)
        return false;
    take(&bytes, take_number(&bytes, 2)); /* header */
    take_principal(&bytes);
    for (int i = 0; i < ENTRIES_MAX && !bytes.cut && bytes.left > 0; i++) {
        if (!take_entry(&bytes, &times))
            continue;
        *ret = times;
        return true;
    }
    return false;
}
