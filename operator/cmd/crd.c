/* weir-crd: prints the CustomResourceDefinition of Pipeline, made of the decode tables. A build tool: what it prints is
 * committed as crd/weir.dev_pipelines.yaml, and a test fails when that is stale. */

#include <stdio.h>

#include "base/table.h"
#include "cmd/crd_yaml.h"
#include "executor/executor.h"
#include "pipeline/tables.h"

struct column {
    const char *name, *type, *path, *description;
    bool wide;
};

static const struct column columns[] = {
    {"Phase", "string", ".status.phase", "Where the run is.", false},
    {"Progress", "string", ".status.progress", "Tasks done of all tasks.", false},
    {"Running", "string", ".status.running", "Tasks that are starting or running.", false},
    {"Age", "date", ".metadata.creationTimestamp", "Since the Pipeline was made.", false},
    {"Started", "date", ".status.startedAt", "Since the first task started.", true},
    {"Finished", "date", ".status.finishedAt", "Since the run ended.", true},
    {"Message", "string", ".status.message", "What a person should know.", true},
};

static yyjson_mut_val *text_property(yyjson_mut_doc *doc, yyjson_mut_val *properties, const char *name,
                                     const char *type, const char *description) {
    yyjson_mut_val *property = yyjson_mut_obj_add_obj(doc, properties, name);
    yyjson_mut_obj_add_str(doc, property, "type", type);
    yyjson_mut_obj_add_str(doc, property, "description", description);
    return property;
}

static yyjson_mut_val *described(yyjson_mut_doc *doc, const struct table *table, const char *description) {
    yyjson_mut_val *schema = table_schema(table, doc);
    yyjson_mut_obj_add_str(doc, schema, "description", description);
    return schema;
}

static yyjson_mut_val *object_schema(yyjson_mut_doc *doc, struct arena *arena) {
    yyjson_mut_val *schema = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, schema, "type", "object");
    yyjson_mut_obj_add_str(
        doc, schema, "description",
        "A graph of Spark and Hadoop jobs, run once: to what Job is to one pod, as many tasks as you like.");
    yyjson_mut_val *properties = yyjson_mut_obj_add_obj(doc, schema, "properties");
    text_property(doc, properties, "apiVersion", "string", WEIR_API_VERSION ".");
    text_property(doc, properties, "kind", "string", "Pipeline.");
    yyjson_mut_val *metadata = yyjson_mut_obj_add_obj(doc, properties, "metadata");
    yyjson_mut_obj_add_str(doc, metadata, "type", "object");
    yyjson_mut_obj_add_val(doc, properties, "spec",
                           described(doc, tables_spec(executor_tables(), arena), "What is wanted."));
    yyjson_mut_val *status = described(doc, &status_table, "What is, as the operator saw it last.");
    /* kstatus takes a missing observedGeneration for a kind without one, and so an object just made for ready. */
    yyjson_mut_obj_add_int(doc, yyjson_mut_obj_add_obj(doc, status, "default"), "observedGeneration", -1);
    yyjson_mut_obj_add_val(doc, properties, "status", status);
    yyjson_mut_arr_add_str(doc, yyjson_mut_obj_add_arr(doc, schema, "required"), "spec");
    return schema;
}

static void add_columns(yyjson_mut_doc *doc, yyjson_mut_val *version) {
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, version, "additionalPrinterColumns");
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        yyjson_mut_val *column = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_str(doc, column, "name", columns[i].name);
        yyjson_mut_obj_add_str(doc, column, "type", columns[i].type);
        yyjson_mut_obj_add_str(doc, column, "description", columns[i].description);
        yyjson_mut_obj_add_str(doc, column, "jsonPath", columns[i].path);
        if (columns[i].wide)
            yyjson_mut_obj_add_int(doc, column, "priority", 1);
    }
}

static void add_names(yyjson_mut_doc *doc, yyjson_mut_val *spec) {
    yyjson_mut_val *names = yyjson_mut_obj_add_obj(doc, spec, "names");
    yyjson_mut_obj_add_str(doc, names, "kind", "Pipeline");
    yyjson_mut_obj_add_str(doc, names, "listKind", "PipelineList");
    yyjson_mut_obj_add_str(doc, names, "plural", "pipelines");
    yyjson_mut_obj_add_str(doc, names, "singular", "pipeline");
    yyjson_mut_arr_add_str(doc, yyjson_mut_obj_add_arr(doc, names, "shortNames"), "pl");
    yyjson_mut_arr_add_str(doc, yyjson_mut_obj_add_arr(doc, names, "categories"), "weir");
}

static yyjson_mut_val *definition(yyjson_mut_doc *doc, struct arena *arena) {
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, root, "apiVersion", "apiextensions.k8s.io/v1");
    yyjson_mut_obj_add_str(doc, root, "kind", "CustomResourceDefinition");
    yyjson_mut_obj_add_str(doc, yyjson_mut_obj_add_obj(doc, root, "metadata"), "name", "pipelines." WEIR_GROUP);
    yyjson_mut_val *spec = yyjson_mut_obj_add_obj(doc, root, "spec");
    yyjson_mut_obj_add_str(doc, spec, "group", WEIR_GROUP);
    yyjson_mut_obj_add_str(doc, spec, "scope", "Namespaced");
    add_names(doc, spec);
    yyjson_mut_val *version = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, spec, "versions"));
    yyjson_mut_obj_add_str(doc, version, "name", "v1alpha1");
    yyjson_mut_obj_add_bool(doc, version, "served", true);
    yyjson_mut_obj_add_bool(doc, version, "storage", true);
    yyjson_mut_obj_add_obj(doc, yyjson_mut_obj_add_obj(doc, version, "subresources"), "status");
    add_columns(doc, version);
    yyjson_mut_obj_add_val(doc, yyjson_mut_obj_add_obj(doc, version, "schema"), "openAPIV3Schema",
                           object_schema(doc, arena));
    return root;
}

int main(void) {
    AUTO_ARENA arena = ARENA_INIT;
    AUTO_STRBUF text = STRBUF_INIT;
    strbuf_puts(&text, "# generated by weir-crd: do not edit, change the decode tables\n---\n");
    crd_write_yaml(definition(json_new(&arena), &arena), &text);
    return strbuf_failed(&text) || fwrite(text.data, 1, text.length, stdout) != text.length || fflush(stdout) != 0;
}
