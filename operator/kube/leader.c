/* See leader.h: does what kube/lease.c decides, on a coordination.k8s.io/v1 Lease. The object read last is what is
 * written back, with our fields changed, so that what others put there stays. */

#include "kube/leader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"

struct leader {
    uv_loop_t *loop;
    uv_timer_t timer;    /* the next step */
    uv_timer_t deadline; /* of a release */
    struct kube_api *api;
    struct leader_options options; /* texts owned */
    struct lease lease;
    struct lease_record claim; /* being written */
    yyjson_doc *object;        /* as read last; NULL: there is none */
    bool read_first;           /* the last write failed: our version of the object may be old */
    struct kube_call *call;
    int64_t sent_at; /* boot ms */
    bool over;       /* released or freed: nothing is done any more */
    void (*released)(void *arg);
    void *released_arg;
    int64_t release_ms; /* how long that may take */
    unsigned open;      /* timers not closed yet */
};

static void step(struct leader *leader);

static void on_timer(uv_timer_t *timer) {
    step(timer->data);
}

static void step_at(struct leader *leader, int64_t at) {
    int64_t now = clock_boot_ms();
    uv_update_time(leader->loop);
    uv_timer_start(&leader->timer, on_timer, at > now ? (uint64_t)(at - now) : 0, 0);
}

/* The object. */

#define PROCESS_ANNOTATION "weir.dev/process"

static struct lease_record read_record(yyjson_val *object) {
    yyjson_val *spec = json_at(object, "spec", NULL);
    struct lease_record record = {.transitions = (uint32_t)json_int(spec, "leaseTransitions", 0)};
    const char *holder = json_text(spec, "holderIdentity", "");
    snprintf(record.holder, sizeof record.holder, "%.*s", LEASE_IDENTITY_MAX, holder);
    const char *process = json_text(json_at(object, "metadata", "annotations", NULL), PROCESS_ANNOTATION, "");
    snprintf(record.process, sizeof record.process, "%.*s", LEASE_PROCESS_MAX, process);
    record.renewed = (int64_t)hash_text(hash_text(HASH_INIT, holder), json_text(spec, "renewTime", ""));
    return record;
}

static void keep_object(struct leader *leader, struct kube_answer *answer) {
    json_free(&leader->object);
    leader->object = kube_answer_take(answer);
}

static int64_t wall_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static yyjson_mut_val *child(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name) {
    yyjson_mut_val *value = yyjson_mut_obj_get(object, name);
    return yyjson_mut_is_obj(value) ? value : yyjson_mut_obj_add_obj(doc, object, name);
}

static void set(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, yyjson_mut_val *value) {
    yyjson_mut_obj_put(object, yyjson_mut_str(doc, name), value);
}

static void set_spec(struct leader *leader, yyjson_mut_doc *doc, yyjson_mut_val *spec) {
    char now[CLOCK_TEXT_MAX];
    clock_format_micro(wall_us(), now);
    bool releasing = leader->claim.holder[0] == '\0';
    bool taking = strcmp(leader->lease.seen.holder, leader->claim.holder) != 0;
    int64_t seconds = releasing ? 1 : (leader->options.timing.duration_ms + 999) / 1000;
    set(doc, spec, "holderIdentity", yyjson_mut_strcpy(doc, leader->claim.holder));
    set(doc, spec, "leaseDurationSeconds", yyjson_mut_sint(doc, seconds));
    set(doc, spec, "leaseTransitions", yyjson_mut_uint(doc, leader->claim.transitions));
    set(doc, spec, "renewTime", yyjson_mut_strcpy(doc, now));
    if (taking)
        set(doc, spec, "acquireTime", yyjson_mut_strcpy(doc, now));
}

static void set_process(struct leader *leader, yyjson_mut_doc *doc, yyjson_mut_val *annotations) {
    if (leader->claim.process[0] != '\0')
        set(doc, annotations, PROCESS_ANNOTATION, yyjson_mut_str(doc, leader->claim.process));
    else
        yyjson_mut_obj_remove_key(annotations, PROCESS_ANNOTATION);
}

static const char *build_object(struct leader *leader, struct arena *arena, size_t *ret_length) {
    yyjson_mut_doc *doc = json_new(arena);
    yyjson_val *old = leader->object == NULL ? NULL : yyjson_doc_get_root(leader->object);
    yyjson_mut_val *root = old != NULL ? yyjson_val_mut_copy(doc, old) : yyjson_mut_obj(doc);
    set(doc, root, "apiVersion", yyjson_mut_str(doc, "coordination.k8s.io/v1"));
    set(doc, root, "kind", yyjson_mut_str(doc, "Lease"));
    yyjson_mut_val *metadata = child(doc, root, "metadata");
    set(doc, metadata, "name", yyjson_mut_str(doc, leader->options.name));
    set(doc, metadata, "namespace", yyjson_mut_str(doc, leader->options.namespace));
    set_process(leader, doc, child(doc, metadata, "annotations"));
    set_spec(leader, doc, child(doc, root, "spec"));
    return json_write(root, arena, ret_length);
}

/* The end. */

static void finish(struct leader *leader) {
    void (*released)(void *) = leader->released;
    leader->over = true;
    leader->released = NULL;
    kube_cancel(leader->api, leader->call);
    leader->call = NULL;
    uv_timer_stop(&leader->timer);
    uv_timer_stop(&leader->deadline);
    if (released != NULL)
        released(leader->released_arg);
}

/* Our renewal that is under way may come through: then the record names us, and is taken as it is read. */
static void lose(struct leader *leader, const char *why) {
    kube_cancel(leader->api, leader->call);
    leader->call = NULL;
    leader->read_first = false;
    if (leader->released == NULL)
        leader->options.lost(why, leader->options.arg);
    step(leader);
}

/* Requests. */

static int64_t request_ms(const struct leader *leader) {
    int64_t half = leader->options.timing.renew_deadline_ms / 2;
    return half > 1000 ? half : 1000;
}

static void request(struct leader *leader, const char *method, const char *body, size_t length, kube_done_cb done) {
    AUTO_STRBUF path = STRBUF_INIT;
    bool create = strcmp(method, "POST") == 0;
    const char *verb = create ? "create" : body != NULL ? "update" : "get";
    const char *name = create ? NULL : leader->options.name;
    kube_path(&path, (struct kube_ref){&kube_leases, leader->options.namespace, name}, NULL);
    struct kube_request wanted = {.method = method,
                                  .path = strbuf_text(&path),
                                  .body = body,
                                  .length = length,
                                  .pool = POOL_LEASE,
                                  .timeout_ms = request_ms(leader),
                                  .verb = verb,
                                  .resource = &kube_leases,
                                  .name = name};
    leader->sent_at = clock_boot_ms();
    leader->call = kube_send(leader->api, &wanted, done, leader);
}

static void on_read(struct kube_answer *answer, void *arg) {
    struct leader *leader = arg;
    int64_t now = clock_boot_ms();
    leader->call = NULL;
    if (answer->err.code == ERROR_NONE) {
        leader->read_first = false;
        keep_object(leader, answer);
        struct lease_record record = read_record(yyjson_doc_get_root(leader->object));
        lease_seen(&leader->lease, &record, now);
    } else if (answer->err.code == ERROR_NOT_FOUND) {
        leader->read_first = false;
        json_free(&leader->object);
        lease_seen(&leader->lease, NULL, now);
    } else {
        log_warn("kube", "leader election: the lease cannot be read", {"error", answer->err.text});
    }
    step(leader);
}

static void on_written(struct kube_answer *answer, void *arg) {
    struct leader *leader = arg;
    bool accepted = answer->err.code == ERROR_NONE;
    bool led = leader->lease.state == LEASE_LEADING;
    leader->call = NULL;
    leader->read_first = !accepted;
    if (accepted)
        keep_object(leader, answer);
    else if (answer->err.code != ERROR_CONFLICT && answer->err.code != ERROR_EXISTS)
        log_warn("kube", "leader election: the lease cannot be written", {"error", answer->err.text});
    lease_written(&leader->lease, &leader->claim, accepted, leader->sent_at, clock_boot_ms());
    if (leader->released != NULL)
        lease_release(&leader->lease);
    else if (!led && leader->lease.state == LEASE_LEADING)
        leader->options.won(leader->options.arg);
    else if (leader->lease.state == LEASE_LEADING && answer->err.code == ERROR_CONFLICT)
        request(leader, "GET", NULL, 0, on_read); /* at once: somebody else may lead */
    step(leader);
}

static void write_claim(struct leader *leader, const struct lease_record *claim) {
    AUTO_ARENA arena = ARENA_INIT;
    size_t length = 0;
    leader->claim = *claim;
    const char *body = build_object(leader, &arena, &length);
    request(leader, leader->object == NULL ? "POST" : "PUT", body, length, on_written);
}

static void run(struct leader *leader) {
    bool leading = leader->lease.state == LEASE_LEADING;
    struct lease_step wanted = lease_run(&leader->lease, clock_boot_ms());
    switch (wanted.action) {
    case LEASE_WAIT: step_at(leader, wanted.at); break;
    case LEASE_READ: request(leader, "GET", NULL, 0, on_read); break;
    case LEASE_WRITE:
        if (leading && leader->read_first)
            request(leader, "GET", NULL, 0, on_read);
        else
            write_claim(leader, &wanted.record);
        break;
    case LEASE_LOST: lose(leader, wanted.reason); break;
    case LEASE_STOP: finish(leader); break;
    }
}

static void on_deadline(uv_timer_t *timer) {
    finish(timer->data);
}

static void limit_release(struct leader *leader) {
    if (leader->released == NULL || leader->call != NULL || uv_is_active((uv_handle_t *)&leader->deadline))
        return;
    uv_update_time(leader->loop);
    uv_timer_start(&leader->deadline, on_deadline, leader->over ? 0 : (uint64_t)leader->release_ms, 0);
}

static void step(struct leader *leader) {
    if (leader->over)
        return;
    limit_release(leader);
    bool leading = leader->lease.state == LEASE_LEADING;
    if (leader->released != NULL && !leading && leader->lease.state != LEASE_RELEASING && leader->call == NULL)
        finish(leader);
    else if (leader->call == NULL || (leading && !lease_held(&leader->lease, clock_boot_ms())))
        run(leader);
    if (!leader->over && leader->call != NULL && leader->lease.state == LEASE_LEADING)
        step_at(leader, leader->lease.renewed_at + leader->options.timing.renew_deadline_ms);
}

/* Lifecycle. */

static void free_text(const char *text) {
    char *own = NULL;
    memcpy(&own, &text, sizeof own);
    free(own);
}

struct leader *leader_new(uv_loop_t *loop, struct kube_api *api, const struct leader_options *options) {
    struct leader *leader = calloc(1, sizeof *leader);
    if (leader == NULL)
        abort();
    *leader = (struct leader){.loop = loop, .api = api, .options = *options, .open = 2};
    leader->options.namespace = strdup(options->namespace);
    leader->options.name = strdup(options->name);
    leader->options.identity = strdup(options->identity);
    if (options->timing.duration_ms == 0)
        leader->options.timing =
            (struct lease_timing){.duration_ms = 15000, .renew_deadline_ms = 10000, .retry_ms = 2000};
    lease_init(&leader->lease, options->identity, options->process != NULL ? options->process : "",
               leader->options.timing);
    uv_timer_init(loop, &leader->timer);
    uv_timer_init(loop, &leader->deadline);
    leader->timer.data = leader->deadline.data = leader;
    step_at(leader, 0);
    return leader;
}

void leader_release(struct leader *leader, int64_t timeout_ms, void (*done)(void *arg), void *arg) {
    leader->released = done;
    leader->released_arg = arg;
    leader->release_ms = timeout_ms;
    limit_release(leader);
    /* A write under way comes first: what it leaves behind decides whether there is anything to release. */
    if (leader->call == NULL)
        lease_release(&leader->lease);
    if (!leader->over)
        step_at(leader, 0);
}

static void timer_closed(uv_handle_t *handle) {
    struct leader *leader = handle->data;
    if (--leader->open > 0)
        return;
    json_free(&leader->object);
    free_text(leader->options.namespace);
    free_text(leader->options.name);
    free_text(leader->options.identity);
    free(leader);
}

void leader_free(struct leader *leader) {
    if (leader == NULL)
        return;
    leader->over = true;
    kube_cancel(leader->api, leader->call);
    leader->call = NULL;
    uv_close((uv_handle_t *)&leader->timer, timer_closed);
    uv_close((uv_handle_t *)&leader->deadline, timer_closed);
}

bool leader_held(const struct leader *leader) {
    return !leader->over && leader->released == NULL && lease_held(&leader->lease, clock_boot_ms());
}

const char *leader_holder(const struct leader *leader) {
    return leader->lease.seen.holder;
}

unsigned leader_transitions(const struct leader *leader) {
    return leader->lease.seen.transitions;
}
