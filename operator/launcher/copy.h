#pragma once

#include "base/error.h"

/* Copies the running program to <directory>/weir-launcher, mode 0755, in one rename: whoever looks sees none or all. */
int copy_self(const char *directory, struct error *err);
