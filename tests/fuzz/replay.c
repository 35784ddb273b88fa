/*
 * What the fuzzer found before, once more and without it: every file of
 * tests/fuzz/corpus/NAME, NAME being this program's, goes through the target; or
 * those given as arguments. Run from the project's folder; prints TAP.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST (1024 * 1024)

static int replay(int number, const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = malloc(MOST);
    uint8_t *exact;
    size_t size;

    if (!f || !bytes) {
        perror(path);
        exit(1);
    }
    size = fread(bytes, 1, MOST, f);
    fclose(f);
    /* Of just that size, so that a byte too far is one outside. */
    exact = realloc(bytes, size > 0 ? size : 1);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    printf("ok %d - %s\n", number, path);
    fflush(stdout);
    return 0;
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    struct dirent **list = NULL;
    char path[4096];
    int n;

    if (argc > 1) {
        printf("1..%d\n", argc - 1);
        for (int i = 1; i < argc; i++)
            replay(i, argv[i]);
        return 0;
    }
    snprintf(path, sizeof path, "tests/fuzz/corpus/%s", slash ? slash + 1 : argv[0]);
    n = scandir(path, &list, is_input, alphasort);
    if (n <= 0) {
        fprintf(stderr, "%s: no inputs there; run this from the project's folder\n", path);
        return 1;
    }
    printf("1..%d\n", n);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "tests/fuzz/corpus/%s/%s", slash ? slash + 1 : argv[0],
                 list[i]->d_name);
        replay(i + 1, path);
        free(list[i]);
    }
    free(list);
    return 0;
}
