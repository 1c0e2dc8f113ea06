#pragma once

/* Where a client program of the image is, as a shell would find it. */

char *program_find(const char *name); /* path in PATH; the caller frees; NULL: not there */
/* ROOT of ROOT/bin/NAME, links followed: what the program belongs to. The caller frees; NULL: not there. */
char *program_root(const char *name);
