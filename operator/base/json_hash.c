/* See json.h: json_hash(). Pure. */

#include "base/hash.h"
#include "base/json.h"

enum tag { TAG_NULL = 1, TAG_FALSE, TAG_TRUE, TAG_INTEGER, TAG_REAL, TAG_TEXT, TAG_ARRAY, TAG_OBJECT };

/* One step for eight bytes: FNV-1a takes them one by one, and there are many values. */
static uint64_t join(uint64_t hash, uint64_t other) {
    hash = (hash ^ other) * 0x100000001b3ULL;
    return hash ^ (hash >> 29);
}

static uint64_t hash_of(enum tag tag, uint64_t content) {
    return join(join(HASH_INIT, tag), content);
}

/* An integer as such, however it was written. */
static uint64_t hash_number(yyjson_mut_val *value) {
    const double exact = 9007199254740992.0;
    double real = yyjson_mut_get_num(value);
    int64_t whole = yyjson_mut_get_sint(value);
    if (yyjson_mut_is_real(value) && real <= exact && real >= -exact)
        whole = (int64_t)real;
    if (yyjson_mut_is_real(value) && ((double)whole < real || (double)whole > real))
        return hash_of(TAG_REAL, hash_add(HASH_INIT, &real, sizeof real));
    return hash_of(TAG_INTEGER, (uint64_t)whole);
}

/* Members are summed up, so that their order does not matter. */
static uint64_t hash_object(yyjson_mut_val *object) {
    uint64_t sum = 0;
    size_t i, count;
    yyjson_mut_val *name, *value;
    yyjson_mut_obj_foreach(object, i, count, name, value) {
        sum += join(hash_add(HASH_INIT, yyjson_mut_get_str(name), yyjson_mut_get_len(name)), json_hash(value));
    }
    return hash_of(TAG_OBJECT, sum);
}

static uint64_t hash_array(yyjson_mut_val *array) {
    uint64_t hash = HASH_INIT;
    size_t i, count;
    yyjson_mut_val *value;
    yyjson_mut_arr_foreach(array, i, count, value) {
        hash = join(hash, json_hash(value));
    }
    return hash_of(TAG_ARRAY, hash);
}

uint64_t json_hash(yyjson_mut_val *value) {
    if (yyjson_mut_is_obj(value))
        return hash_object(value);
    if (yyjson_mut_is_arr(value))
        return hash_array(value);
    if (yyjson_mut_is_num(value))
        return hash_number(value);
    if (yyjson_mut_is_str(value))
        return hash_of(TAG_TEXT, hash_add(HASH_INIT, yyjson_mut_get_str(value), yyjson_mut_get_len(value)));
    return hash_of(yyjson_mut_is_true(value) ? TAG_TRUE : yyjson_mut_is_false(value) ? TAG_FALSE : TAG_NULL, 0);
}
