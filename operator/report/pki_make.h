#pragma once

/* Inside report/ only: what our certificates say. `ret_pair` is untouched on failure. */

#include "report/pki.h"

int pki_make_ca(struct pki_pair *ret_pair, int64_t now, struct error *err);
int pki_make_leaf(struct pki_pair *ret_pair, const struct pki_pair *ca, const char *const *names, int64_t now,
                  struct error *err);
