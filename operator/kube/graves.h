#pragma once

/* UIDs that were seen deleted: they never come back, whatever late answers say. Keeps the last ones only: an answer is
 * not later than its request's time-out. */

#include <stdbool.h>

struct graves {
    struct grave *oldest; /* private */
};

void graves_add(struct graves *graves, const char *uid); /* no-op for "" */
bool graves_have(const struct graves *graves, const char *uid);
void graves_clear(struct graves *graves);
