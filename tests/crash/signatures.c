#include "tests/crash/signatures.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"

/* "vote 1.7.3", and what was signed there. */
struct line {
    char what[64];
    char digest[65];
};

struct lines {
    struct line *list;
    size_t n, capacity;
};

/* The value of " name=value" up to the next space. */
static bool value_of(const char *text, const char *name, char *out, size_t capacity)
{
    const char *at = strstr(text, name);
    if (at == NULL)
        return false;
    at += strlen(name);
    size_t n = strcspn(at, " \n");
    if (n >= capacity)
        return false;
    memcpy(out, at, n);
    out[n] = 0;
    return true;
}

static void add(struct lines *lines, const char *text)
{
    char kind[24], rank[40];
    struct line line;
    if (strstr(text, " event=signed ") == NULL || !value_of(text, " kind=", kind, sizeof(kind)) ||
        !value_of(text, " rank=", rank, sizeof(rank)) ||
        !value_of(text, " digest=", line.digest, sizeof(line.digest)))
        return;
    (void)snprintf(line.what, sizeof(line.what), "%.20s %.40s", kind, rank);
    if (lines->n == lines->capacity) {
        lines->capacity = 2 * lines->capacity + 1024;
        lines->list = realloc(lines->list, lines->capacity * sizeof(*lines->list));
        MUST(lines->list != NULL);
    }
    lines->list[lines->n++] = line;
}

static int compare(const void *a, const void *b)
{
    const struct line *left = a, *right = b;
    int order = strcmp(left->what, right->what);
    return order != 0 ? order : strcmp(left->digest, right->digest);
}

static void count_doubles(const struct lines *lines, uint32_t node, struct signatures *signatures)
{
    for (size_t i = 1; i < lines->n; i++) {
        const struct line *a = &lines->list[i - 1], *b = &lines->list[i];
        if (strcmp(a->what, b->what) != 0 || strcmp(a->digest, b->digest) == 0)
            continue;
        signatures->n_double++;
        (void)snprintf(signatures->example, sizeof(signatures->example),
                       "n%u signed %s twice: %.16s and %.16s", node + 1, a->what, a->digest,
                       b->digest);
    }
}

bool signatures_count(const char *dir, struct signatures *ret_signatures)
{
    *ret_signatures = (struct signatures){0};
    for (uint32_t i = 0; i < CRASH_NODES; i++) {
        char path[300], *text = NULL;
        size_t capacity = 0;
        struct lines lines = {0};
        (void)snprintf(path, sizeof(path), "%s/n%u/log/consensus.log", dir, i + 1);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            return false;
        while (getline(&text, &capacity, file) > 0)
            add(&lines, text);
        fclose(file);
        free(text);
        if (lines.n > 0)
            qsort(lines.list, lines.n, sizeof(*lines.list), compare);
        count_doubles(&lines, i, ret_signatures);
        ret_signatures->n += lines.n;
        free(lines.list);
    }
    return true;
}
