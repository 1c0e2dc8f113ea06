/* A credential cache: written by the image's kinit, rewritten by its Java. */

#include "remote/ticket.h"
#include "support_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ticket_times times;
    if (ticket_read(data, size, &times))
        CHECK(times.ends > times.starts && times.starts >= 0);
    return 0;
}
