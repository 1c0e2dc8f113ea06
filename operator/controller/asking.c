/* See asking.h: lists, for there are never more of them than requests under way. */

#include "controller/asking.h"

#include <stdlib.h>
#include <string.h>

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

static struct question **find(struct asking *asking, uint64_t hash) {
    struct question **at = &asking->first;
    while (*at != NULL && (*at)->hash != hash)
        at = &(*at)->next;
    return at;
}

bool asking_has(const struct asking *asking, uint64_t hash) {
    const struct question *question = asking->first;
    while (question != NULL && question->hash != hash)
        question = question->next;
    return question != NULL;
}

void asking_begin(struct asking *asking, uint64_t hash) {
    if (asking_has(asking, hash))
        return;
    struct question *question = make(sizeof *question);
    *question = (struct question){.hash = hash, .next = asking->first};
    asking->first = question;
}

void asking_wait(struct asking *asking, uint64_t hash, const char *key) {
    struct question *question = *find(asking, hash);
    struct waiter *waiter = question != NULL ? question->waiters : NULL;
    while (waiter != NULL && strcmp(waiter->key, key) != 0)
        waiter = waiter->next;
    if (question == NULL || waiter != NULL)
        return;
    size_t size = strlen(key) + 1;
    waiter = make(sizeof *waiter + size);
    memcpy(waiter->key, key, size);
    waiter->next = question->waiters;
    question->waiters = waiter;
}

void asking_end(struct asking *asking, uint64_t hash, void (*wake)(const char *key, void *arg), void *arg) {
    struct question **at = find(asking, hash);
    struct question *question = *at;
    if (question == NULL)
        return;
    *at = question->next;
    while (question->waiters != NULL) {
        struct waiter *waiter = question->waiters;
        question->waiters = waiter->next;
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
