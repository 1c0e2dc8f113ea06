/* See kinds.h: spark_warn_memory(). Pure. */

#include <ctype.h>
#include <string.h>

#include "base/quantity.h"
#include "executor/kinds.h"

#define MEBI 0x1p20

/* What spark.driver.memory is to Spark (JavaUtils.byteStringAsMb): a whole number and a unit, mebibytes without one.
 * 0: it is none, or it is a reference that the kubelet expands. */
static double spark_bytes(const char *text) {
    static const struct {
        const char *unit;
        double bytes;
    } units[] = {{"", MEBI},    {"b", 1},       {"k", 0x1p10}, {"kb", 0x1p10}, {"m", MEBI},   {"mb", MEBI},
                 {"g", 0x1p30}, {"gb", 0x1p30}, {"t", 0x1p40}, {"tb", 0x1p40}, {"p", 0x1p50}, {"pb", 0x1p50}};
    double value = 0;
    for (; isdigit((unsigned char)*text); text++)
        value = value * 10 + (*text - '0');
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcasecmp(units[i].unit, text) == 0)
            return value * units[i].bytes;
    return 0;
}

/* The limit of the task's container, in bytes; 0: none. A null on the overlay's way takes away what the task says. */
static double memory_limit(const struct task *task) {
    static const char *const way[] = {"resources", "limits", "memory"};
    yyjson_val *limit = task_overlay_main(task);
    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        limit = yyjson_obj_get(limit, way[i]);
        if (yyjson_is_null(limit))
            return 0;
    }
    if (limit == NULL)
        limit = json_at(task->resources, "limits", "memory", NULL);
    double bytes = yyjson_get_num(limit);
    if (yyjson_is_str(limit) && !quantity_parse(yyjson_get_str(limit), &bytes))
        return 0;
    return bytes;
}

void spark_warn_memory(const struct task *task, const char *memory, const struct place *place,
                       struct problems *warnings) {
    const double least_overhead = 384 * MEBI;
    double heap = memory != NULL ? spark_bytes(memory) : 0;
    double limit = memory_limit(task);
    double overhead = heap / 10 > least_overhead ? heap / 10 : least_overhead;
    if (heap > 0 && limit > 0 && heap + overhead > limit)
        problems_add_at(
            warnings, place,
            "%s and Spark's overhead (384Mi, or a tenth when that is more) are %.0fMi, but the memory limit "
            "of the container, where the driver runs, is %.0fMi: it may be killed (raise "
            "resources.limits.memory, or give the driver less)",
            memory, (heap + overhead) / MEBI, limit / MEBI);
}
