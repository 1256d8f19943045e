#include "services/cli/submit_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/must.h"

#define BATCHES_MAX 10000000u
/* Room for body, signature and headers. */
#define BATCH_BYTES_MAX (BUNDLE_BYTES_MAX - 4u * KIB)

struct reading {
    struct apm2_cluster *chain;
    uint32_t per_bundle;
    struct batches batches;
    uint32_t capacity;
    size_t open_bytes; /* of the last batch */
    uint64_t line;
    uint64_t n_bad;
    char bad[400]; /* the first */
};

static struct batch *open_batch(struct reading *reading)
{
    if (reading->batches.n == reading->capacity) {
        reading->capacity = reading->capacity == 0 ? 256 : reading->capacity * 2;
        reading->batches.list =
            mem_resize(reading->batches.list, sizeof(struct batch) * reading->capacity);
    }
    MUST(reading->batches.list != NULL);
    struct batch *batch = &reading->batches.list[reading->batches.n++];
    *batch = (struct batch){0};
    batch->events = mem_new(reading->per_bundle, sizeof(*batch->events));
    reading->open_bytes = 0;
    return batch;
}

static bool fits(const struct reading *reading, const struct batch *batch,
                 const struct apm2_event *event)
{
    return batch->n_events < reading->per_bundle &&
           reading->open_bytes + apm2_event_size(event) <= BATCH_BYTES_MAX &&
           strcmp(apm2_event_namespace(batch->events[0].event), apm2_event_namespace(event)) == 0;
}

static void take_line(struct reading *reading, const char *text, size_t size)
{
    struct apm2_event *event = NULL;
    struct apm2_why why;
    if (!apm2_event_new(reading->chain, text, size, &event, &why)) {
        if (reading->n_bad++ == 0)
            (void)snprintf(reading->bad, sizeof(reading->bad), "line %llu: %s",
                           (unsigned long long)reading->line, why.text);
        return;
    }
    uint32_t n = reading->batches.n;
    struct batch *batch = n > 0 ? &reading->batches.list[n - 1] : NULL;
    if (batch == NULL || !fits(reading, batch, event))
        batch = open_batch(reading);
    batch->events[batch->n_events++] = (struct batch_event){event, reading->line};
    reading->open_bytes += apm2_event_size(event);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == 0;
}

static void read_lines(struct reading *reading, FILE *file)
{
    char *text = NULL;
    size_t capacity = 0;
    ssize_t size = 0;
    while ((size = getline(&text, &capacity, file)) >= 0) {
        reading->line++;
        while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
            size--;
        if (!is_blank(text) && reading->batches.n < BATCHES_MAX)
            take_line(reading, text, (size_t)size);
    }
    free(text);
}

enum apm_err submit_input_read(const char *path, struct apm2_cluster *chain, uint32_t per_bundle,
                               struct batches *ret_batches, struct complaint *ret_complaint)
{
    struct reading reading = {.chain = chain, .per_bundle = per_bundle};
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    if (file == NULL)
        return complain(ret_complaint, errno == ENOENT ? APM_ERR_NOT_FOUND : APM_ERR_IO,
                        "%s: %m (\"-\" reads standard input)", path);
    read_lines(&reading, file);
    bool is_broken = ferror(file) != 0;
    if (!is_stdin)
        (void)fclose(file);

    enum apm_err err = APM_OK;
    if (is_broken) {
        err = complain(ret_complaint, APM_ERR_IO, "%s: %m", path);
    } else if (reading.n_bad > 0) {
        err = complain(ret_complaint, APM_ERR_BAD_INPUT, "%s, %s", path, reading.bad);
        complain_hint(ret_complaint,
                      "correct the file: nothing was sent; %llu of %llu lines are bad",
                      (unsigned long long)reading.n_bad, (unsigned long long)reading.line);
    } else if (reading.batches.n == 0) {
        err = complain(ret_complaint, APM_ERR_BAD_INPUT, "%s holds no events", path);
    }
    if (err != APM_OK) {
        batches_release(&reading.batches);
        return err;
    }
    *ret_batches = reading.batches;
    return APM_OK;
}
