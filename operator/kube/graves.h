#pragma once

/* UIDs that were seen to go, each with the resource version at which it went: what late answers say of an earlier time
 * does not bring them back. A newer version does: the object was never deleted, it had only left what is watched.
 * Keeps the last ones only: an answer is not later than its request's time-out. "For good" is for what nobody watches,
 * and for what another UID has taken the place of. */

#include <stdbool.h>

struct graves {
    struct grave *oldest; /* private */
};

/* The version is copied; NULL, or one that is no number: gone for good. Of two burials the newer one counts, but for
 * good stays so. No-op for the UID "". */
void graves_add(struct graves *graves, const char *uid, const char *version);
/* Whether an object of this version may live: its UID is not here, or went at an older version. */
bool graves_admit(const struct graves *graves, const char *uid, const char *version);
/* Whether such an object in a list as of `list` proves that history has gone back (kube/version.h). */
bool graves_contradict(const struct graves *graves, const char *uid, const char *version, const char *list);
void graves_clear(struct graves *graves);
