/* What a ResourceManager, or something that poses as one, says of an application or of several: what is taken is in
 * its exact form, and the explanation is one line. */

#include <string.h>

#include "output/telling.h"
#include "remote/yarn_app.h"
#include "support_fuzz.h"

static void check_app(void *context, const struct yarn_app *app) {
    char why[TELLING_TEXT_MAX];
    (void)context;
    CHECK(yarn_id_valid(app->id));
    CHECK(app->state[0] != '\0' && app->final_status[0] != '\0');
    CHECK(app->progress >= 0 && app->progress <= 100);
    CHECK(app->tracking_url[0] == '\0' || record_url_valid(app->tracking_url));
    CHECK(memchr(app->tags, '\0', sizeof app->tags) != NULL);
    CHECK(memchr(app->diagnostics, '\0', sizeof app->diagnostics) != NULL);
    yarn_app_tagged(app, "weir-0a1b-t");
    yarn_app_explain(app, why, sizeof why);
    CHECK(strpbrk(why, "\r\n") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct yarn_app app;
    struct error err = {0};
    telling_init();
    if (yarn_app_parse((const char *)data, size, &app, &err) == 0)
        check_app(NULL, &app);
    else
        CHECK(err.code == ERROR_INVALID);
    yarn_apps_parse((const char *)data, size, check_app, NULL, &err);
    return 0;
}
