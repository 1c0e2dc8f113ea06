/* See json.h: json_hash(). Pure. */

#include "base/hash.h"
#include "base/json.h"

/* An integer as such, however it was written. */
static uint64_t hash_number(yyjson_mut_val *value) {
    const double exact = 9007199254740992.0;
    double real = yyjson_mut_get_num(value);
    int64_t whole = yyjson_mut_get_sint(value);
    if (yyjson_mut_is_real(value) && real <= exact && real >= -exact)
        whole = (int64_t)real;
    if (yyjson_mut_is_real(value) && ((double)whole < real || (double)whole > real))
        return hash_add(hash_text(HASH_INIT, "real"), &real, sizeof real);
    return hash_add(hash_text(HASH_INIT, "integer"), &whole, sizeof whole);
}

/* Members are summed up, so that their order does not matter. */
static uint64_t hash_object(yyjson_mut_val *object) {
    uint64_t sum = 0;
    size_t i, count;
    yyjson_mut_val *name, *value;
    yyjson_mut_obj_foreach(object, i, count, name, value) {
        uint64_t inner = json_hash(value);
        uint64_t member = hash_add(HASH_INIT, yyjson_mut_get_str(name), yyjson_mut_get_len(name));
        sum += hash_add(member, &inner, sizeof inner);
    }
    return hash_add(hash_text(HASH_INIT, "object"), &sum, sizeof sum);
}

static uint64_t hash_array(yyjson_mut_val *array) {
    uint64_t hash = hash_text(HASH_INIT, "array");
    size_t i, count;
    yyjson_mut_val *value;
    yyjson_mut_arr_foreach(array, i, count, value) {
        uint64_t inner = json_hash(value);
        hash = hash_add(hash, &inner, sizeof inner);
    }
    return hash;
}

uint64_t json_hash(yyjson_mut_val *value) {
    if (yyjson_mut_is_obj(value))
        return hash_object(value);
    if (yyjson_mut_is_arr(value))
        return hash_array(value);
    if (yyjson_mut_is_num(value))
        return hash_number(value);
    if (yyjson_mut_is_str(value))
        return hash_add(hash_text(HASH_INIT, "text"), yyjson_mut_get_str(value), yyjson_mut_get_len(value));
    return hash_text(HASH_INIT, !yyjson_mut_is_bool(value) ? "null" : yyjson_mut_get_bool(value) ? "true" : "false");
}
