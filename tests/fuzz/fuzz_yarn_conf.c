/* A yarn-site.xml from an image that anybody may have built: the addresses taken from it can be connected to and be put
 * into a Host header. */

#include <string.h>

#include "launcher/yarn_conf.h"
#include "support_fuzz.h"

static void check_endpoint(const struct endpoint *endpoint) {
    char text[ENDPOINT_TEXT_MAX];
    struct endpoint again;
    struct error err;
    CHECK(endpoint->host[0] != '\0' && endpoint->port > 0 && endpoint->port <= 65535);
    CHECK(strpbrk(endpoint->host, " \t\r\n/@[]") == NULL);
    CHECK(strlen(endpoint_text(endpoint, text)) < sizeof text);
    CHECK(endpoint_parse(text, 0, &again, &err) == 0 && endpoint_same(endpoint, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct yarn_rms rms = {0};
    struct error err = {0};
    if (yarn_conf_parse((const char *)data, size, &rms, &err) < 0) {
        CHECK(err.code == ERROR_INVALID && err.text[0] != '\0');
        return 0;
    }
    CHECK(rms.count <= YARN_RMS_MAX);
    for (size_t i = 0; i < rms.count; i++)
        check_endpoint(&rms.items[i]);
    return 0;
}
