/* Runs a target over every file of the directories named: the unit test half. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

static bool replay_file(const char *directory, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return false;
    /* The last name printed is the one that broke it. */
    (void)printf("%s\n", path);
    (void)fflush(stdout);

    /* Of exactly its size, so that a read past the end is seen. */
    uint8_t bytes[FUZZ_BYTES_MAX + 1];
    size_t size = fread(bytes, 1, sizeof(bytes), in);
    (void)fclose(in);
    uint8_t *exact = malloc(size + 1);
    MUST(exact != NULL && size <= FUZZ_BYTES_MAX);
    memcpy(exact + 1, bytes, size);
    fuzz_run(span_of(exact + 1, size));
    free(exact);
    return true;
}

static unsigned replay_directory(const char *directory)
{
    DIR *entries = opendir(directory);
    unsigned n = 0;
    if (entries == NULL)
        return 0;
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries))
        n += entry->d_name[0] != '.' && replay_file(directory, entry->d_name);
    (void)closedir(entries);
    return n;
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    for (int i = 1; i < argc; i++)
        n += replay_directory(argv[i]);
    fuzz_run(span_of("", 0));
    (void)printf("%u inputs\n", n);
    return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
