/* From the text of a manifest to the text that a program gets, with the kubelet's own expansion in between. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support_expand.h"
#include "support_manifest.h"

/* What the params below are called and hold. */
#define HOME   "$(HOME)"
#define ODD    "a$$b$ c$(X)$$(X) )$"
#define PARAMS "params: [{name: home, value: '" HOME "'}, {name: odd, value: '" ODD "'}, {name: plain, value: v}]"

static const struct {
    const char *text, *wanted;
} cases[] = {
    {"", ""},
    {"$$", "$$"},
    {"echo $$", "echo $$"},
    {"$", "$"},
    {"a$", "a$"},
    {"$$$", "$$$"},
    {"$$$$", "$$$$"},
    {"$X ${X} $1 $? $\xC3\xA9", "$X ${X} $1 $? $\xC3\xA9"},
    {"$X$$(", "$X$("},
    /* Kubernetes' own */
    {"$(X)", "<x>"},
    {"a$(X)$(X)b", "a<x><x>b"},
    {"$$(X)", "$(X)"},
    {"$$$(X)", "$<x>"},
    {"$$$$(X)", "$$(X)"},
    {"$$$$$(X)", "$$<x>"},
    {"$(MISSING)", "$(MISSING)"},
    {"$$(MISSING)", "$(MISSING)"},
    {"$(not.ours)", "$(not.ours)"},
    {"$$(not.ours)", "$(not.ours)"},
    /* a shell's own */
    {"$(date +%s)", "$(date +%s)"},
    {"$(ls $$ $(X))", "$(ls $$ <x>)"},
    {"$(ls $(params.plain))", "$(ls v)"},
    {"$(ls '$(params.odd)')", "$(ls '" ODD "')"},
    {"$((1+$(params.plain)))", "$((1+v))"},
    /* none at all */
    {"$(", "$("},
    {"$(X", "$(X"},
    {"$$(", "$("},
    {"$()", "$()"},
    {"$$()", "$()"},
    {")$$)", ")$$)"},
    /* weir's own */
    {"$(params.plain)", "v"},
    {"$(params.home)", HOME},
    {"$(params.odd)", ODD},
    {"$$(params.odd)", "$(params.odd)"},
    {"$$$(params.odd)", "$" ODD},
    {"$$$$(params.odd)", "$$(params.odd)"},
    {"$(params.odd)$(X)$(params.odd)", ODD "<x>" ODD},
    {"$(params.odd)(X)", ODD "(X)"},
    {"$$ $(params.plain) $", "$$ v $"},
    {"$(task.name)/$(pipeline.name)", "t/demo"},
};
enum { CASES = sizeof cases / sizeof *cases };

static void quote(struct strbuf *out, const char *text) {
    json_quote(out, text, strlen(text)); /* YAML reads it as JSON does */
}

/* A manifest whose task `t` has these lines, every ~ in them the text. */
static void read_manifest(struct manifest *manifest, const char *params, const char *task_yaml, const char *text) {
    AUTO_STRBUF yaml = STRBUF_INIT;
    strbuf_printf(&yaml, "metadata: {name: demo, namespace: lab, uid: 0A1B}\nspec:\n  %s\n  tasks:\n  - name: t\n",
                  params);
    for (const char *at = task_yaml; *at != '\0'; at++) {
        if (*at == '~')
            quote(&yaml, text);
        else
            strbuf_putc(&yaml, *at);
    }
    manifest_init(manifest, yaml.data, yaml.length);
    if (manifest->problems.count > 0)
        fail_msg("%s: %s", text, manifest->problems.items[0]);
}

static yyjson_mut_val *container_of(yyjson_mut_val *pod, size_t index) {
    return yyjson_mut_arr_get(yyjson_mut_obj_get(yyjson_mut_obj_get(pod, "spec"), "containers"), index);
}

static void expect_text(const char *text, const char *seen, const char *wanted) {
    if (strcmp(seen, wanted) != 0)
        fail_msg("of %s comes %s and not %s", text, seen, wanted);
}

static const char *last(const struct strings *words) {
    return words->items[words->count - 1];
}

static const char *variable(const struct pairs *env, const char *name) {
    for (size_t i = 0; i < env->count; i++)
        if (text_equal(env->items[i].name, name))
            return env->items[i].value;
    fail_msg("no %s", name);
    return "";
}

static void a_command_gets_what_is_written(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct manifest manifest;
        read_manifest(&manifest, PARAMS,
                      "    image: i\n    env: [{name: X, value: <x>}, {name: Y, value: ~}]\n"
                      "    command: {command: [sh, -c, ~], args: [~]}\n",
                      cases[i].text);
        yyjson_mut_val *container = container_of(manifest_pod(&manifest), 0);
        struct strings words = expand_words(container, "command", &manifest.arena);
        struct pairs env = expand_env(container, &manifest.arena);
        expect_text(cases[i].text, words.items[words.count - 2], cases[i].wanted);
        expect_text(cases[i].text, last(&words), cases[i].wanted);
        expect_text(cases[i].text, variable(&env, "Y"), cases[i].wanted);
        manifest_fini(&manifest);
    }
}

/* Words that are put together of several texts. */
static void an_option_gets_what_is_written(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct manifest manifest;
        read_manifest(&manifest, PARAMS,
                      "    image: i\n    env: [{name: X, value: <x>}]\n"
                      "    sparkSubmit: {application: a, jars: [~, z, ~], conf: {k: ~}}\n",
                      cases[i].text);
        struct strings words = expand_words(container_of(manifest_pod(&manifest), 0), "command", &manifest.arena);
        char joined[256], pair[256];
        snprintf(joined, sizeof joined, "%s,z,%s", cases[i].wanted, cases[i].wanted);
        snprintf(pair, sizeof pair, "k=%s", cases[i].wanted);
        expect_text(cases[i].text, words.items[words.count - 4], joined);
        expect_text(cases[i].text, words.items[words.count - 2], pair);
        manifest_fini(&manifest);
    }
}

static void every_container_gets_what_is_written(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct manifest manifest;
        read_manifest(&manifest, PARAMS,
                      "    image: i\n    command: {command: [x]}\n"
                      "    pod: {spec: {containers: [{name: main}, {name: side, env: [{name: X, value: <x>}, {name: Y,"
                      " value: ~}], command: [~], args: [~], livenessProbe: {exec: {command: [~]}},"
                      " lifecycle: {postStart: {exec: {command: [~]}}}, volumeMounts: [{name: v, mountPath: /v,"
                      " subPathExpr: ~}]}]}}\n",
                      cases[i].text);
        yyjson_mut_val *side = container_of(manifest_pod(&manifest), 1);
        struct pairs env = expand_env(side, &manifest.arena);
        struct strings command = expand_words(side, "command", &manifest.arena);
        struct strings args = expand_words(side, "args", &manifest.arena);
        expect_text(cases[i].text, variable(&env, "Y"), cases[i].wanted);
        expect_text(cases[i].text, last(&command), cases[i].wanted);
        expect_text(cases[i].text, last(&args), cases[i].wanted);
        yyjson_mut_val *probe = yyjson_mut_obj_get(yyjson_mut_obj_get(side, "livenessProbe"), "exec");
        yyjson_mut_val *mount = yyjson_mut_arr_get_first(yyjson_mut_obj_get(side, "volumeMounts"));
        const char *word = yyjson_mut_get_str(yyjson_mut_arr_get_first(yyjson_mut_obj_get(probe, "command")));
        const char *path = yyjson_mut_get_str(yyjson_mut_obj_get(mount, "subPathExpr"));
        expect_text(cases[i].text, expand(word, &env, &manifest.arena), cases[i].wanted);
        expect_text(cases[i].text, expand(path, &env, &manifest.arena), cases[i].wanted);
        manifest_fini(&manifest);
    }
}

/* Where nobody expands, $(X) is a text like any other. */
static void what_nobody_expands_is_not_escaped(void **state) {
    (void)state;
    static const struct {
        const char *text, *wanted;
    } plain[] = {
        {"$$", "$$"},
        {"$(X)", "$(X)"},
        {"$$(X)", "$$(X)"},
        {"$(params.odd)", ODD},
        {"$$(params.odd)", "$(params.odd)"},
        {"$$$(params.odd)", "$" ODD},
        {"/data/$(params.home)/$", "/data/$(HOME)/$"},
        {"$(date +%s)", "$(date +%s)"},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        struct manifest manifest;
        read_manifest(&manifest, PARAMS,
                      "    image: ~\n    command: {command: [x], workingDir: ~}\n"
                      "    volumes: [{name: v, hostPath: {path: ~}}]\n"
                      "    volumeMounts: [{name: v, mountPath: ~}]\n"
                      "    nodeSelector: {n: ~}\n"
                      "    pod: {metadata: {annotations: {a: ~}}, spec: {containers: [{name: main, lifecycle:"
                      " {postStart: {exec: {command: [~]}}}}]}}\n",
                      plain[i].text);
        yyjson_mut_val *pod = manifest_pod(&manifest);
        AUTO_STRBUF wanted = STRBUF_INIT;
        quote(&wanted, plain[i].wanted);
        const char *text = json_write(pod, &manifest.arena, NULL);
        size_t count = 0;
        for (const char *at = text; (at = strstr(at, strbuf_text(&wanted))) != NULL; at++)
            count++;
        if (count != 7)
            fail_msg("%s is there %zu times in %s", strbuf_text(&wanted), count, text);
        manifest_fini(&manifest);
    }
}

static uint64_t next_random(uint64_t *seed) { /* xorshift64*: the same everywhere */
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * 0x2545F4914F6CDD1DULL;
}

/* A param arrives as it is whatever it holds, and so does the text around it when it has no parenthesis. */
static void any_value_arrives(void **state) {
    (void)state;
    static const char inner[] = "$$$$()X.p{";
    static const char outer[] = "$$$X.p) {";
    uint64_t seed = 20261120;
    for (int round = 0; round < 2000; round++) {
        char value[12] = "", before[8] = "", after[8] = "", text[64], wanted[64];
        for (size_t i = next_random(&seed) % sizeof value; i > 0; i--)
            value[i - 1] = inner[next_random(&seed) % (sizeof inner - 1)];
        for (size_t i = next_random(&seed) % sizeof before; i > 0; i--)
            before[i - 1] = outer[next_random(&seed) % (sizeof outer - 1)];
        for (size_t i = next_random(&seed) % sizeof after; i > 0; i--)
            after[i - 1] = outer[next_random(&seed) % (sizeof outer - 1)];
        snprintf(text, sizeof text, "%s|$(params.v)%s", before, after);
        snprintf(wanted, sizeof wanted, "%s|%s%s", before, value, after);
        struct manifest manifest;
        AUTO_STRBUF params = STRBUF_INIT;
        strbuf_puts(&params, "params: [{name: v, value: ");
        quote(&params, value);
        strbuf_puts(&params, "}]");
        read_manifest(&manifest, strbuf_text(&params), "    image: i\n    command: {command: [x, ~]}\n", text);
        struct strings words = expand_words(container_of(manifest_pod(&manifest), 0), "command", &manifest.arena);
        expect_text(text, last(&words), wanted);
        manifest_fini(&manifest);
    }
}

/* The port itself, by the cases of expand_test.go. */
static void the_kubelet_expands_as_it_does(void **state) {
    (void)state;
    static struct pair items[] = {{"VAR_A", "A"}, {"VAR_B", "B"}, {"VAR_REF", "$(VAR_A)"}, {"VAR_EMPTY", ""}};
    static const struct pairs variables = {.items = items, .count = 4};
    static const struct {
        const char *input, *wanted;
    } known[] = {
        {"$(VAR_A)", "A"},
        {"$(VAR_REF)", "$(VAR_A)"},
        {"___$(VAR_A)$(VAR_B)___", "___AB___"},
        {"$(VAR_B)_______$(VAR_A)$(VAR_EMPTY)", "B_______A"},
        {"$(VAR_DNE)", "$(VAR_DNE)"},
        {"$$(VAR_A)", "$(VAR_A)"},
        {"$$$(VAR_A)", "$A"},
        {"$$$$$$$(VAR_A)", "$$$A"},
        {"$VAR_A)", "$VAR_A)"},
        {"$(VAR_A", "$(VAR_A"},
        {"$(VAR_A$(VAR_B)", "$(VAR_A$(VAR_B)"},
        {"\n", "\n"},
        {"$", "$"},
        {"$()", "$()"},
        {"foo$$", "foo$"},
        {"$$$$$$", "$$$"},
        {"$?_boo_$(VAR_A)", "$?_boo_A"},
    };
    AUTO_ARENA arena = ARENA_INIT;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        expect_text(known[i].input, expand(known[i].input, &variables, &arena), known[i].wanted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kubelet_expands_as_it_does),     cmocka_unit_test(a_command_gets_what_is_written),
        cmocka_unit_test(an_option_gets_what_is_written),     cmocka_unit_test(every_container_gets_what_is_written),
        cmocka_unit_test(what_nobody_expands_is_not_escaped), cmocka_unit_test(any_value_arrives),
    };
    return cmocka_run_group_tests_name("unchanged", tests, NULL, NULL);
}
