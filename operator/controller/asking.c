/* See asking.h: lists, for there are never more of them than requests under way. */

#include "controller/asking.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

struct waiter {
    struct waiter *next;
    char key[];
};

struct question {
    uint64_t hash;
    struct waiter *waiters;
    struct question *next;
};

static void *make(size_t size) {
    void *made = calloc(1, size);
    if (made == NULL)
        abort();
    return made;
}

static struct question *find(const struct asking *asking, uint64_t hash) {
    struct question *question = NULL;
    LL_SEARCH_SCALAR(asking->first, question, hash, hash);
    return question;
}

bool asking_has(const struct asking *asking, uint64_t hash) {
    return find(asking, hash) != NULL;
}

void asking_begin(struct asking *asking, uint64_t hash) {
    if (asking_has(asking, hash))
        return;
    struct question *question = make(sizeof *question);
    question->hash = hash;
    LL_PREPEND(asking->first, question);
}

void asking_wait(struct asking *asking, uint64_t hash, const char *key) {
    struct question *question = find(asking, hash);
    struct waiter *waiter = NULL;
    if (question == NULL)
        return;
    LL_FOREACH(question->waiters, waiter) {
        if (strcmp(waiter->key, key) == 0)
            return;
    }
    size_t size = strlen(key) + 1;
    waiter = make(sizeof *waiter + size);
    memcpy(waiter->key, key, size);
    LL_PREPEND(question->waiters, waiter);
}

void asking_end(struct asking *asking, uint64_t hash, void (*wake)(const char *key, void *arg), void *arg) {
    struct question *question = find(asking, hash);
    struct waiter *waiter = NULL;
    struct waiter *next = NULL;
    if (question == NULL)
        return;
    LL_DELETE(asking->first, question);
    LL_FOREACH_SAFE(question->waiters, waiter, next) {
        if (wake != NULL)
            wake(waiter->key, arg);
        free(waiter);
    }
    free(question);
}

void asking_clear(struct asking *asking) {
    while (asking->first != NULL)
        asking_end(asking, asking->first->hash, NULL, NULL);
}
