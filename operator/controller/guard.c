/* See guard.h. What the file holds is a fixed struct; one of another size or make is begun anew. The signal handler
 * only writes into it and lets the signal do its work. */

#include "controller/guard.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAGIC = 0x77656972, KILLS_MAX = 2 };

struct suspect {
    char uid[GUARD_KEY_MAX];
    int64_t generation;
    uint32_t deaths;
};

struct page {
    uint32_t magic;
    volatile sig_atomic_t crashed; /* a signal of the process's own making ended it */
    struct suspect work;           /* uid "": nothing is in work */
    struct suspect suspects[GUARD_HELD_MAX];
    uint32_t next; /* where the next one goes */
};

struct guard {
    struct page *page;
    bool mapped;
};

static struct page *handled; /* by the signal handler */

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static void on_crash(int number) {
    if (handled != NULL)
        handled->crashed = 1;
    signal(number, SIG_DFL);
    raise(number);
}

static struct page *map_file(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return NULL;
    void *page = MAP_FAILED;
    if (ftruncate(fd, sizeof(struct page)) == 0)
        page = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return page == MAP_FAILED ? NULL : page;
}

static struct suspect *find(struct page *page, const char *uid) {
    for (size_t i = 0; i < GUARD_HELD_MAX; i++)
        if (strcmp(page->suspects[i].uid, uid) == 0)
            return &page->suspects[i];
    struct suspect *suspect = &page->suspects[page->next++ % GUARD_HELD_MAX];
    *suspect = (struct suspect){0};
    return suspect;
}

/* The last life ended with a run in work. */
static void judge(struct guard *guard) {
    struct page *page = guard->page;
    if (page->work.uid[0] == '\0')
        return;
    page->work.uid[GUARD_KEY_MAX - 1] = '\0';
    struct suspect *suspect = find(page, page->work.uid);
    uint32_t before = suspect->generation == page->work.generation ? suspect->deaths : 0;
    *suspect = page->work;
    suspect->deaths = page->crashed ? KILLS_MAX : before + 1;
}

struct guard *guard_open(const char *path) {
    struct guard *guard = calloc(1, sizeof *guard);
    if (guard == NULL)
        abort();
    guard->page = path != NULL ? map_file(path) : NULL;
    guard->mapped = guard->page != NULL;
    if (!guard->mapped)
        guard->page = calloc(1, sizeof *guard->page);
    if (guard->page == NULL)
        abort();
    if (guard->page->magic != MAGIC)
        *guard->page = (struct page){.magic = MAGIC};
    judge(guard);
    guard->page->work.uid[0] = '\0';
    guard->page->crashed = 0;
    handled = guard->page;
    for (size_t i = 0; guard->mapped && i < sizeof crashes / sizeof *crashes; i++)
        signal(crashes[i], on_crash);
    return guard;
}

void guard_close(struct guard *guard) {
    if (guard == NULL)
        return;
    for (size_t i = 0; guard->mapped && i < sizeof crashes / sizeof *crashes; i++)
        signal(crashes[i], SIG_DFL);
    handled = NULL;
    if (guard->mapped)
        munmap(guard->page, sizeof *guard->page);
    else
        free(guard->page);
    free(guard);
}

void guard_enter(struct guard *guard, const char *uid, int64_t generation) {
    struct suspect *work = &guard->page->work;
    work->generation = generation;
    snprintf(work->uid, sizeof work->uid, "%s", uid);
}

void guard_leave(struct guard *guard) {
    guard->page->work.uid[0] = '\0';
}

bool guard_holds(const struct guard *guard, const char *uid, int64_t generation) {
    for (size_t i = 0; i < GUARD_HELD_MAX; i++) {
        const struct suspect *suspect = &guard->page->suspects[i];
        if (suspect->deaths >= KILLS_MAX && suspect->generation == generation && strcmp(suspect->uid, uid) == 0)
            return true;
    }
    return false;
}
