/* A record as a pod may forge it. What is accepted is bounded, and encoding it and decoding that changes nothing. */

#include <string.h>

#include "record/record.h"
#include "support_fuzz.h"

static void check_bounds(const struct record *record) {
    CHECK(record->job_count <= RECORD_JOBS_MAX && record->application_count <= RECORD_JOBS_MAX);
    CHECK(record->application_id[0] == '\0' || record->application_count > 0);
    CHECK(strlen(record->remains) <= RECORD_MESSAGE_MAX && strpbrk(record->remains, "\r\n\t\033") == NULL);
    CHECK(record->percent >= -1 && record->percent <= 100);
    CHECK(strlen(record->message) <= RECORD_MESSAGE_MAX && strpbrk(record->message, "\r\n\t\033") == NULL);
    CHECK(record->tracking_url[0] == '\0' || record_url_valid(record->tracking_url));
    CHECK(record->history_url[0] == '\0' || record_url_valid(record->history_url));
    CHECK(record->final || !record_succeeded(record));
}

static void check_coding(const struct record *record, size_t max) {
    AUTO_ARENA arena = ARENA_INIT;
    AUTO_STRBUF first = STRBUF_INIT, second = STRBUF_INIT;
    struct record again = RECORD_INIT;
    struct error err = {0};
    record_encode(record, max, &first);
    CHECK(!strbuf_failed(&first) && first.length <= max);
    CHECK(record_decode(first.data, first.length, &again, &arena, &err) == 0);
    CHECK(again.seq == record->seq && again.final == record->final && again.exit_code == record->exit_code);
    CHECK(record_succeeded(&again) == record_succeeded(record));
    record_encode(&again, max, &second);
    CHECK(second.length == first.length && memcmp(second.data, first.data, first.length) == 0);
    CHECK((again.remains[0] != '\0') == (record->remains[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_ARENA arena = ARENA_INIT;
    struct record record = RECORD_INIT;
    struct error err = {0};
    if (record_decode((const char *)data, size, &record, &arena, &err) < 0) {
        CHECK(err.code == ERROR_INVALID && err.text[0] != '\0');
        return 0;
    }
    check_bounds(&record);
    check_coding(&record, RECORD_MAX);
    check_coding(&record, RECORD_MIN);
    return 0;
}
