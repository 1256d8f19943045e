/* Samples of what epochs begin with: proofs of each kind, and the record that holds one. */
#include <stdio.h>
#include <sys/stat.h>

#include "common/must.h"
#include "tests/fuzz/sample.h"
#include "tests/support/good_proofs.h"
#include "tests/support/safety_sample.h"

static void put(const char *directory, const char *name, struct span bytes)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    MUST(file != NULL && bytes.size > 0);
    MUST(fwrite(bytes.data, 1, bytes.size, file) == bytes.size && fclose(file) == 0);
}

void epoch_seeds(const char *directory)
{
    static uint8_t bytes[RECORD_BYTES_MAX];
    const struct {
        const char *name;
        const struct epoch_proof *proof;
    } rows[] = {{"certificate/epoch_own", &proofs.own},
                {"certificate/epoch_descendant", &proofs.descendant},
                {"certificate/epoch_recovery", &proofs.recovery}};

    safety_fixture();
    all_good_proofs();
    for (size_t i = 0; i < N_ELEMENTS(rows); i++)
        put(directory, rows[i].name,
            span_of(bytes, epoch_proof_encode(rows[i].proof, bytes, sizeof(bytes))));
    safety_enter_epoch(&record, &proofs.own);
    put(directory, "safety/epoch", span_of(bytes, safety_encode(&record, bytes, sizeof(bytes))));
}
