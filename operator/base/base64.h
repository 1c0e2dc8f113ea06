#pragma once

/* Base64 (RFC 4648) both ways. Results are on the heap, in one block of the right size: what may hold a key leaves no
 * copy behind. */

#include <stddef.h>

/* Reads both alphabets, with padding or without; nothing else may be in it, blanks neither. Terminated; the length in
 * `ret_length` when not NULL. NULL when it is not base64, or memory ends. */
char *base64_decode(const char *text, size_t length, size_t *ret_length);
/* The same of what Kubernetes writes: only the ordinary alphabet, with its padding, and not empty. */
char *base64_decode_padded(const char *text, size_t length);
/* The ordinary alphabet, padded and terminated. NULL when memory ends. */
char *base64_encode(const char *bytes, size_t length);
