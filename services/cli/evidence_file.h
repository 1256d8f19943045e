/*
 * evidence_file - evidence as a file to hand on: one line of JSON made from the record.
 *
 * Every byte of it follows from the record and the cluster's genesis, so that a reader
 * makes it anew and compares: no changed byte goes unseen. For people and jq it names
 * what the record says.
 */
#ifndef APM2_CLI_EVIDENCE_FILE_H
#define APM2_CLI_EVIDENCE_FILE_H

#include <jansson.h>

#include "common/buf.h"
#include "common/evidence/evidence.h"
#include "common/genesis.h"

#define EVIDENCE_FILE_BYTES_MAX (256u * KIB)

/* False: the record is none. `text` is initialised by the caller. */
bool evidence_file_write(struct span record, const char *validator_id, struct buf *text);

struct evidence_file {
    struct wire_evidence evidence; /* borrows from `record` */
    struct evidence_bytes record;
    const char *validator_id; /* of genesis */
    bool is_intact;           /* the file is exactly what its record makes */
};

/* MALFORMED also when no record is in it. */
enum evidence_verdict evidence_file_check(struct span text, const struct genesis *genesis,
                                          struct evidence_file *ret_file);

#endif
