/* See cache.h. Two hash tables of nodes, the live one and the list being staged, and a memory of UIDs that are gone.
 * A node is never changed: news makes a new node. No I/O, no clock. */

#include "kube/cache.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/hash_table.h"
#include "kube/graves.h"
#include "kube/version.h"

struct node {
    struct cache_entry entry; /* first */
    UT_hash_handle hh;        /* by key: namespace NUL name */
    struct node *prev, *next; /* in its group */
    struct group *group;
    unsigned long seen; /* number of the last relist that had it */
    bool same;          /* staged: equal to the live one, so nothing was projected */
    unsigned key_length;
    char texts[]; /* the key, UID and version */
};

struct group {
    UT_hash_handle hh;
    struct node *nodes;
    char name[];
};

struct cache {
    struct cache_type type;
    struct node *live, *staged;
    struct group *groups;
    struct graves graves;
    bool staging, synced, watched;
    unsigned long relists;
};

struct identity {
    const char *namespace, *name, *uid, *version;
};

static void *allocate(size_t size) {
    void *memory = calloc(1, size);
    if (memory == NULL)
        abort();
    return memory;
}

static bool identify(yyjson_val *object, struct identity *ret_identity) {
    yyjson_val *metadata = json_at(object, "metadata", NULL);
    *ret_identity = (struct identity){.namespace = json_text(metadata, "namespace", ""),
                                      .name = json_text(metadata, "name", ""),
                                      .uid = json_text(metadata, "uid", ""),
                                      .version = json_text(metadata, "resourceVersion", "")};
    return ret_identity->name[0] != '\0';
}

static struct node *find(struct node *table, const char *namespace, const char *name) {
    char key[1024];
    size_t length = strlen(namespace) + 1 + strlen(name);
    if (length >= sizeof key)
        return NULL;
    memcpy(key, namespace, strlen(namespace) + 1);
    memcpy(key + strlen(namespace) + 1, name, strlen(name));
    struct node *node = NULL;
    HASH_FIND(hh, table, key, length, node);
    return node;
}

/* Nodes. */

static char *append_text(char *at, const char *text) {
    size_t size = strlen(text) + 1;
    memcpy(at, text, size);
    return at + size;
}

static struct node *node_new(const struct identity *identity, void *object) {
    size_t size =
        strlen(identity->namespace) + strlen(identity->name) + strlen(identity->uid) + strlen(identity->version) + 4;
    struct node *node = allocate(sizeof *node + size);
    char *name = append_text(node->texts, identity->namespace);
    char *uid = append_text(name, identity->name);
    char *version = append_text(uid, identity->uid);
    append_text(version, identity->version);
    node->entry =
        (struct cache_entry){.namespace = node->texts, .name = name, .uid = uid, .version = version, .object = object};
    node->key_length = (unsigned)(uid - node->texts) - 1;
    return node;
}

static void node_free(const struct cache *cache, struct node *node) {
    if (node->entry.object != NULL)
        cache->type.free(node->entry.object, cache->type.arg);
    free(node);
}

static void group_join(struct cache *cache, struct node *node) {
    const char *name = cache->type.group == NULL ? NULL : cache->type.group(node->entry.object, cache->type.arg);
    if (name == NULL)
        return;
    struct group *group = NULL;
    HASH_FIND_STR(cache->groups, name, group);
    if (group == NULL) {
        group = allocate(sizeof *group + strlen(name) + 1);
        append_text(group->name, name);
        HASH_ADD_STR(cache->groups, name, group);
    }
    node->group = group;
    DL_APPEND(group->nodes, node);
}

static void group_leave(struct cache *cache, struct node *node) {
    struct group *group = node->group;
    if (group == NULL)
        return;
    DL_DELETE(group->nodes, node);
    if (group->nodes == NULL) {
        HASH_DEL(cache->groups, group);
        free(group);
    }
}

static void link_live(struct cache *cache, struct node *node) {
    node->seen = cache->relists;
    HASH_ADD(hh, cache->live, texts, node->key_length, node);
    group_join(cache, node);
}

static void unlink_live(struct cache *cache, struct node *node) {
    HASH_DEL(cache->live, node);
    group_leave(cache, node);
}

static void tell(const struct cache *cache, const struct node *old, const struct node *new) {
    if (cache->type.changed != NULL)
        cache->type.changed(old == NULL ? NULL : &old->entry, new == NULL ? NULL : &new->entry, cache->type.arg);
}

/* `version`: at which it went; NULL: for good. */
static void remove_live(struct cache *cache, struct node *old, const char *version) {
    graves_add(&cache->graves, old->entry.uid, version);
    unlink_live(cache, old);
    tell(cache, old, NULL);
    node_free(cache, old);
}

/* `old` may be NULL. */
static void replace_live(struct cache *cache, struct node *old, struct node *new, bool listed) {
    if (old != NULL && strcmp(old->entry.uid, new->entry.uid) != 0) {
        remove_live(cache, old, NULL);
        old = NULL;
    }
    new->entry.listed = old != NULL ? old->entry.listed : listed;
    if (old != NULL)
        unlink_live(cache, old);
    link_live(cache, new);
    tell(cache, old, new);
    if (old != NULL)
        node_free(cache, old);
}

/* Reading. */

struct cache *cache_new(const struct cache_type *type) {
    struct cache *cache = allocate(sizeof *cache);
    cache->type = *type;
    return cache;
}

void cache_free(struct cache *cache) {
    if (cache == NULL)
        return;
    cache_abort(cache);
    struct node *node = NULL;
    struct node *next = NULL;
    HASH_ITER(hh, cache->live, node, next) {
        unlink_live(cache, node);
        node_free(cache, node);
    }
    graves_clear(&cache->graves);
    free(cache);
}

static const struct cache_entry *entry_of(const struct node *node) {
    return node == NULL ? NULL : &node->entry;
}

const struct cache_entry *cache_get(const struct cache *cache, const char *namespace, const char *name) {
    return entry_of(find(cache->live, namespace, name));
}

const struct cache_entry *cache_first(const struct cache *cache) {
    return entry_of(cache->live);
}

const struct cache_entry *cache_next(const struct cache *cache, const struct cache_entry *entry) {
    (void)cache;
    return entry_of(((const struct node *)entry)->hh.next);
}

const struct cache_entry *cache_group_first(const struct cache *cache, const char *group) {
    struct group *found = NULL;
    HASH_FIND_STR(cache->groups, group, found);
    return found == NULL ? NULL : entry_of(found->nodes);
}

const struct cache_entry *cache_group_next(const struct cache *cache, const struct cache_entry *entry) {
    (void)cache;
    return entry_of(((const struct node *)entry)->next);
}

size_t cache_count(const struct cache *cache) {
    return HASH_COUNT(cache->live);
}

bool cache_synced(const struct cache *cache) {
    return cache->synced;
}

/* Single changes. */

static bool is_news(const struct node *live, const struct identity *identity) {
    if (live == NULL)
        return true;
    enum version_order order = version_compare(identity->version, live->entry.version);
    return order != VERSION_OLDER && order != VERSION_SAME;
}

bool cache_put(struct cache *cache, yyjson_val *object) {
    struct identity identity;
    if (!identify(object, &identity) || !graves_admit(&cache->graves, identity.uid, identity.version))
        return false;
    struct node *live = find(cache->live, identity.namespace, identity.name);
    if (!is_news(live, &identity))
        return false;
    void *projected = cache->type.project(object, cache->type.arg);
    if (projected != NULL)
        replace_live(cache, live, node_new(&identity, projected), false);
    else if (live != NULL)
        remove_live(cache, live, identity.version);
    return true;
}

bool cache_drop(struct cache *cache, const char *namespace, const char *name, const char *uid, const char *version) {
    struct node *live = find(cache->live, namespace, name);
    bool any = uid == NULL || uid[0] == '\0';
    bool watch_tells = version == NULL && cache->watched; /* what comes later, so nothing need be dead for ever */
    if (live != NULL && (any || strcmp(uid, live->entry.uid) == 0)) {
        remove_live(cache, live, watch_tells ? live->entry.version : version);
        return true;
    }
    if (!any && !watch_tells)
        graves_add(&cache->graves, uid, version);
    return false;
}

void cache_watched(struct cache *cache, bool alive) {
    cache->watched = alive;
}

/* Relist. */

void cache_abort(struct cache *cache) {
    struct node *node = NULL;
    struct node *next = NULL;
    HASH_ITER(hh, cache->staged, node, next) {
        HASH_DEL(cache->staged, node);
        node_free(cache, node);
    }
    cache->staging = false;
}

void cache_begin(struct cache *cache) {
    cache_abort(cache);
    cache->staging = true;
    cache->relists++;
}

void cache_unstage(struct cache *cache, const char *namespace, const char *name) {
    struct node *node = find(cache->staged, namespace, name);
    if (node == NULL)
        return;
    HASH_DEL(cache->staged, node);
    node_free(cache, node);
}

/* What is here already in the same version is not projected again: a relist then needs little memory. */
static bool same_as_live(const struct cache *cache, const struct identity *identity) {
    const struct node *live = find(cache->live, identity->namespace, identity->name);
    return live != NULL && identity->version[0] != '\0' && strcmp(live->entry.uid, identity->uid) == 0 &&
           strcmp(live->entry.version, identity->version) == 0;
}

void cache_stage(struct cache *cache, yyjson_val *object) {
    struct identity identity;
    if (!cache->staging || !identify(object, &identity))
        return;
    cache_unstage(cache, identity.namespace, identity.name);
    bool same = same_as_live(cache, &identity);
    void *projected = same ? NULL : cache->type.project(object, cache->type.arg);
    if (!same && projected == NULL)
        return;
    struct node *node = node_new(&identity, projected);
    node->same = same;
    HASH_ADD(hh, cache->staged, texts, node->key_length, node);
}

static bool commit_node(struct cache *cache, struct node *node, bool rewound) {
    const struct identity identity = {.uid = node->entry.uid, .version = node->entry.version};
    struct node *live = find(cache->live, node->entry.namespace, node->entry.name);
    if (live != NULL)
        live->seen = cache->relists;
    bool admitted = is_news(live, &identity) && graves_admit(&cache->graves, identity.uid, identity.version);
    bool wanted = !node->same && (rewound || admitted);
    if (wanted)
        replace_live(cache, live, node, true);
    else
        node_free(cache, node);
    return wanted;
}

/* What is staged, against what is here and what was seen to go. */
static bool history_went_back(const struct cache *cache, const char *version) {
    for (const struct node *node = cache->staged; node != NULL; node = node->hh.next) {
        const struct cache_entry *entry = &node->entry;
        const struct node *live = find(cache->live, entry->namespace, entry->name);
        if ((live != NULL && version_went_back(entry->version, live->entry.version, version)) ||
            graves_contradict(&cache->graves, entry->uid, entry->version, version))
            return true;
    }
    return false;
}

size_t cache_commit(struct cache *cache, const char *version, bool rewound) {
    struct node *node = NULL;
    struct node *next = NULL;
    size_t changes = 0;
    if (!cache->staging)
        return 0;
    rewound = rewound || history_went_back(cache, version);
    if (rewound)
        graves_clear(&cache->graves);
    HASH_ITER(hh, cache->staged, node, next) {
        HASH_DEL(cache->staged, node);
        changes += commit_node(cache, node, rewound);
    }
    HASH_ITER(hh, cache->live, node, next) {
        /* One that the list lacks and that is newer was created after the list was made. */
        bool newer = version_compare(node->entry.version, version) == VERSION_NEWER;
        if (node->seen != cache->relists && (rewound || !newer)) {
            remove_live(cache, node, version);
            changes++;
        }
    }
    cache->staging = false;
    cache->synced = true;
    return changes;
}

yyjson_doc *cache_copy_object(yyjson_val *object) {
    yyjson_mut_doc *copy = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = copy == NULL ? NULL : yyjson_val_mut_copy(copy, object);
    if (root == NULL)
        abort();
    yyjson_mut_doc_set_root(copy, root);
    yyjson_mut_val *metadata = yyjson_mut_obj_get(root, "metadata");
    if (metadata != NULL)
        yyjson_mut_obj_remove_key(metadata, "managedFields");
    yyjson_doc *doc = yyjson_mut_doc_imut_copy(copy, NULL);
    yyjson_mut_doc_free(copy);
    if (doc == NULL)
        abort();
    return doc;
}
