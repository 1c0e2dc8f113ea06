/* See needles.h. Relies on nothing; a table is built once and then only read. */

#include "output/needles.h"

#include <string.h>

static uint8_t class_for(struct needles *needles, unsigned char c) {
    if (needles->class_of[c] == 0 && needles->classes + 1 < NEEDLES_CLASSES)
        needles->class_of[c] = (uint8_t)++needles->classes;
    return needles->class_of[c];
}

int needles_add(struct needles *needles, const char *literal) {
    size_t length = strlen(literal), state = 0;
    if (needles->states == 0)
        needles->states = 1;
    if (needles->count == NEEDLES_MAX || length == 0 || needles->states + length > NEEDLES_STATES)
        return -1;
    for (const unsigned char *p = (const unsigned char *)literal; *p; p++) {
        uint8_t class = class_for(needles, *p);
        if (class == 0)
            return -1;
        if (needles->next[state][class] == 0)
            needles->next[state][class] = (uint16_t)needles->states++;
        state = needles->next[state][class];
    }
    needles->found[state] |= 1ULL << needles->count;
    needles->length[needles->count] = length;
    return (int)needles->count++;
}

/* Breadth first: where a literal cannot go on, go on with the longest other one that the text may be in. */
void needles_build(struct needles *needles) {
    static uint16_t queue[NEEDLES_STATES], fallback[NEEDLES_STATES];
    size_t head = 0, tail = 0;
    for (size_t class = 0; class < NEEDLES_CLASSES; class ++) {
        uint16_t state = needles->next[0][class];
        if (state) {
            fallback[state] = 0;
            queue[tail++] = state;
        }
    }
    while (head < tail) {
        uint16_t state = queue[head++];
        needles->found[state] |= needles->found[fallback[state]];
        for (size_t class = 0; class < NEEDLES_CLASSES; class ++) {
            uint16_t to = needles->next[state][class], other = needles->next[fallback[state]][class];
            if (to) {
                fallback[to] = other;
                queue[tail++] = to;
            } else {
                needles->next[state][class] = other;
            }
        }
    }
}

void needles_search(const struct needles *needles, const char *text, size_t length, needles_each each, void *context) {
    uint16_t state = 0;
    for (size_t i = 0; i < length; i++) {
        state = needles->next[state][needles->class_of[(unsigned char)text[i]]];
        uint64_t found = needles->found[state];
        while (found) {
            each(context, __builtin_ctzll(found), text + i + 1);
            found &= found - 1;
        }
    }
}
