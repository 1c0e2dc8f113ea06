/* See support_kube.h. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/support_kube.h"

void secret_model_fini(struct secret_model *model) {
    free(model->object);
    *model = (struct secret_model){0};
}

/* The body with its resource version set to the model's. */
static void keep(struct secret_model *model, const struct kube_request *request) {
    AUTO_ARENA arena = ARENA_INIT;
    AUTO_JSON *doc = NULL;
    struct error err;
    assert_int_equal(json_parse(request->body, request->length, &doc, &err), 0);
    yyjson_mut_doc *copy = json_new(&arena);
    yyjson_mut_val *object = yyjson_val_mut_copy(copy, yyjson_doc_get_root(doc));
    yyjson_mut_val *metadata = yyjson_mut_obj_get(object, "metadata");
    yyjson_mut_obj_remove_key(metadata, "resourceVersion");
    yyjson_mut_obj_add_str(copy, metadata, "resourceVersion", arena_printf(&arena, "%d", ++model->version));
    free(model->object);
    model->object = strdup(json_write(object, &arena, NULL));
    model->writes++;
}

static bool up_to_date(const struct secret_model *model, const struct kube_request *request) {
    AUTO_JSON *doc = NULL;
    struct error err;
    assert_int_equal(json_parse(request->body, request->length, &doc, &err), 0);
    const char *version = json_text(json_at(yyjson_doc_get_root(doc), "metadata", NULL), "resourceVersion", "none");
    return strtol(version, NULL, 10) == model->version;
}

static int write_status(struct secret_model *model, const struct kube_request *request) {
    bool create = strcmp(request->method, "POST") == 0;
    assert_string_equal(request->path, create ? "/api/v1/namespaces/weir/secrets?fieldValidation=Strict"
                                              : "/api/v1/namespaces/weir/secrets/weir-tls");
    if (create && model->object != NULL)
        return 409;
    if (!create && model->object == NULL)
        return 404;
    if (!create && !up_to_date(model, request))
        return 409;
    keep(model, request);
    return create ? 201 : 200;
}

struct script_answer secret_answer(struct secret_model *model, const struct kube_request *request) {
    struct script_answer answer = {.status = model->refuse};
    if (model->refuse != 0)
        return answer;
    if (strcmp(request->method, "GET") == 0) {
        assert_string_equal(request->path, "/api/v1/namespaces/weir/secrets/weir-tls");
        model->gets++;
        answer.status = model->object != NULL ? 200 : 404;
    } else {
        answer.status = write_status(model, request);
    }
    if (answer.status < 300 && model->lose > 0 && request->body != NULL) {
        model->lose--;
        return (struct script_answer){.status = 0};
    }
    if (answer.status < 300)
        answer.body = strdup(model->object);
    else if (answer.status == 404)
        answer.body = strdup("{\"kind\":\"Status\",\"reason\":\"NotFound\",\"message\":\"no such Secret\","
                             "\"details\":{\"name\":\"weir-tls\",\"kind\":\"secrets\"}}");
    else if (answer.status == 409)
        answer.body = strdup(strcmp(request->method, "POST") == 0
                                 ? "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\",\"message\":\"there\"}"
                                 : "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":\"changed\"}");
    return answer;
}
