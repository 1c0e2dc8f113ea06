/* Runs a fuzz target over each file of a directory, in a block of exactly its size, so that the sanitizers see a byte
 * too far. For builds without libFuzzer. No file is a failure. */

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "support_fuzz.h"

static void replay(const char *path) {
    AUTO_STRBUF text = STRBUF_INIT;
    char part[4096];
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    for (size_t got; (got = fread(part, 1, sizeof part, file)) > 0;)
        strbuf_add(&text, part, got);
    fclose(file);
    uint8_t *block = malloc(text.length);
    for (size_t i = 0; i < text.length; i++)
        block[i] = (uint8_t)text.data[i];
    LLVMFuzzerTestOneInput(block, text.length);
    free(block);
}

int main(int argc, char **argv) {
    struct dirent **entries = NULL;
    CHECK(argc == 2 && chdir(argv[1]) == 0);
    int count = scandir(".", &entries, NULL, alphasort), replayed = 0;
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            replay(entries[i]->d_name);
            replayed++;
        }
        free(entries[i]);
    }
    free(entries);
    printf("%d inputs of %s\n", replayed, argv[1]);
    return replayed > 0 ? 0 : 1;
}
