/* Memory is zeroed, aligned, and stays where it is. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void memory_is_zeroed_and_aligned(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *bytes = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], 0);
        memset(bytes, 0xFF, size);
    }
}

static void small_and_large_pieces_do_not_overlap(void **state) {
    (void)state;
    enum { COUNT = 400 };
    AUTO_ARENA arena = ARENA_INIT;
    unsigned char *pieces[COUNT];
    size_t sizes[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        sizes[i] = i % 10 == 0 ? 100000 + i : 1 + i * 13 % 300;
        pieces[i] = arena_alloc(&arena, sizes[i]);
        memset(pieces[i], (int)(i % 251), sizes[i]);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < sizes[i]; j += 37)
            assert_int_equal(pieces[i][j], i % 251);
}

static void a_large_piece_comes_first(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    char *large = arena_alloc(&arena, 1 << 20);
    large[(1 << 20) - 1] = 'x';
    assert_string_equal(arena_strdup(&arena, "small"), "small");
}

static void copies_texts(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    assert_null(arena_strdup(&arena, NULL));
    assert_string_equal(arena_strndup(&arena, "abcdef", 3), "abc");
    assert_string_equal(arena_strndup(&arena, NULL, 0), "");
    assert_string_equal(arena_printf(&arena, "%s-%d", "run", 7), "run-7");
}

static void is_usable_after_the_end(void **state) {
    (void)state;
    struct arena arena = ARENA_INIT;
    arena_fini(&arena);
    (void)ARENA_NEW_ARRAY(&arena, 100, struct arena);
    arena_fini(&arena);
    assert_null(arena.last);
    assert_string_equal(arena_strdup(&arena, "again"), "again");
    arena_fini(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned), cmocka_unit_test(small_and_large_pieces_do_not_overlap),
        cmocka_unit_test(a_large_piece_comes_first),    cmocka_unit_test(copies_texts),
        cmocka_unit_test(is_usable_after_the_end),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
