#pragma once

/* FNV-1a, 64 bit: names and change detection, never security. */

#include <stddef.h>
#include <stdint.h>

#define HASH_INIT 0xcbf29ce484222325ULL

uint64_t hash_add(uint64_t hash, const void *bytes, size_t length);
uint64_t hash_text(uint64_t hash, const char *text); /* with its terminator, so that "ab","c" is not "a","bc" */

/* `length` characters of [bcdfghjklmnpqrstvwxz2456789]: no vowels and no look-alikes, as Kubernetes' own suffixes. */
void hash_name(uint64_t hash, char *text, size_t length); /* text holds length + 1 */
