/* See memory.h. Never sees a token. */

#include "report/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash_table.h"

struct known {
    unsigned char hash[MEMORY_HASH_BYTES];
    int64_t at;
    struct identity identity; /* texts in `arena` */
    struct arena arena;
    UT_hash_handle by_token, by_pod;
};

struct refusal {
    unsigned char hash[MEMORY_HASH_BYTES];
    int64_t at;
    UT_hash_handle hh;
};

/* ---- who is known ---- */

static void drop(struct memory *memory, struct known *known) {
    HASH_DELETE(by_token, memory->by_token, known);
    HASH_DELETE(by_pod, memory->by_pod, known);
    arena_fini(&known->arena);
    free(known);
}

static struct known *find_token(const struct memory *memory, const unsigned char hash[MEMORY_HASH_BYTES]) {
    struct known *known = NULL;
    HASH_FIND(by_token, memory->by_token, hash, MEMORY_HASH_BYTES, known);
    return known;
}

const struct identity *memory_find(struct memory *memory, const unsigned char hash[MEMORY_HASH_BYTES], int64_t now) {
    struct known *known = find_token(memory, hash);
    if (known == NULL)
        return NULL;
    if (now - known->at < MEMORY_AGE_MS)
        return &known->identity;
    drop(memory, known);
    return NULL;
}

void memory_forget(struct memory *memory, const char *pod_uid) {
    struct known *known = NULL;
    HASH_FIND(by_pod, memory->by_pod, pod_uid, strlen(pod_uid), known);
    if (known != NULL)
        drop(memory, known);
}

struct identity identity_copy(const struct identity *identity, struct arena *arena) {
    return (struct identity){
        .namespace = arena_strdup(arena, identity->namespace),
        .service_account = arena_strdup(arena, identity->service_account),
        .pod_name = arena_strdup(arena, identity->pod_name),
        .pod_uid = arena_strdup(arena, identity->pod_uid),
    };
}

void memory_keep(struct memory *memory, const unsigned char hash[MEMORY_HASH_BYTES], int64_t now,
                 const struct identity *identity) {
    memory_forget(memory, identity->pod_uid); /* its token was renewed */
    struct known *known = find_token(memory, hash);
    if (known != NULL) /* two questions about one token were on their way */
        drop(memory, known);
    if (HASH_CNT(by_token, memory->by_token) >= MEMORY_MAX)
        drop(memory, memory->by_token); /* the head: the oldest */
    known = calloc(1, sizeof *known);
    if (known == NULL)
        return;
    memcpy(known->hash, hash, MEMORY_HASH_BYTES);
    known->at = now;
    known->identity = identity_copy(identity, &known->arena);
    HASH_ADD(by_token, memory->by_token, hash, MEMORY_HASH_BYTES, known);
    HASH_ADD_KEYPTR(by_pod, memory->by_pod, known->identity.pod_uid, strlen(known->identity.pod_uid), known);
}

/* ---- who was refused ---- */

static void drop_refusal(struct memory *memory, struct refusal *refusal) {
    HASH_DEL(memory->refused, refusal);
    free(refusal);
}

static struct refusal *find_refusal(const struct memory *memory, const unsigned char hash[MEMORY_HASH_BYTES]) {
    struct refusal *refusal = NULL;
    HASH_FIND(hh, memory->refused, hash, MEMORY_HASH_BYTES, refusal);
    return refusal;
}

bool memory_refused(struct memory *memory, const unsigned char hash[MEMORY_HASH_BYTES], int64_t now) {
    struct refusal *refusal = find_refusal(memory, hash);
    if (refusal != NULL && now - refusal->at >= MEMORY_REFUSED_AGE_MS) {
        drop_refusal(memory, refusal);
        refusal = NULL;
    }
    return refusal != NULL;
}

void memory_refuse(struct memory *memory, const unsigned char hash[MEMORY_HASH_BYTES], int64_t now) {
    struct refusal *refusal = find_refusal(memory, hash);
    if (refusal != NULL)
        drop_refusal(memory, refusal);
    if (HASH_COUNT(memory->refused) >= MEMORY_REFUSED_MAX)
        drop_refusal(memory, memory->refused);
    refusal = calloc(1, sizeof *refusal);
    if (refusal == NULL)
        return;
    memcpy(refusal->hash, hash, MEMORY_HASH_BYTES);
    refusal->at = now;
    HASH_ADD(hh, memory->refused, hash, MEMORY_HASH_BYTES, refusal);
}

void memory_fini(struct memory *memory) {
    while (memory->by_token != NULL)
        drop(memory, memory->by_token);
    while (memory->refused != NULL)
        drop_refusal(memory, memory->refused);
}
