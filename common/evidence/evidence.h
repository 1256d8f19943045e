/*
 * evidence - what a validator did against the rules, as bytes that anyone can check.
 *
 * Pure: a record is checked against the validator set of its epoch and nothing else.
 *
 * Two kinds accuse. `equivocation`: two signed messages of one type and rank that say
 * different things, in the order of their statements. `quorum_forgery`: a signed header
 * and the certificate it cites by digest, which no quorum signed. Nobody can make one
 * without the accused's key, and an honest validator never gives it: it signs one
 * statement per type and rank, across restarts (PROTOCOL, Durability), and cites what
 * it verified. Chain id and epoch are inside every statement.
 *
 * Two kinds do not: `invalid_signature` and `replay` say what came over a member's
 * transport session, which proves nothing to others (NOT_ATTRIBUTABLE).
 *
 * Records of one offence (kind, type, validator, rank) have one id, whichever two of
 * its statements and signatures they hold; of several, the bytewise smallest stands, so
 * that all who exchange them keep the same.
 */
#ifndef APM2_EVIDENCE_H
#define APM2_EVIDENCE_H

#include "common/evidence/signed_message.h"

enum evidence_kind {
    EVIDENCE_EQUIVOCATION = 1,
    EVIDENCE_INVALID_SIGNATURE = 2,
    EVIDENCE_QUORUM_FORGERY = 3,
    EVIDENCE_REPLAY = 4,
};

enum evidence_verdict {
    EVIDENCE_PROVEN,
    EVIDENCE_NOT_ATTRIBUTABLE,  /* well-formed, of a kind that accuses nobody */
    EVIDENCE_MALFORMED,         /* no record, or fields that do not agree */
    EVIDENCE_WRONG_CHAIN,       /* of another cluster */
    EVIDENCE_WRONG_EPOCH,       /* of another epoch than the set, or of another set */
    EVIDENCE_BAD_MESSAGE,       /* a message that the accused did not sign */
    EVIDENCE_SAME_MESSAGE,      /* both say the same */
    EVIDENCE_NOT_ALIKE,         /* two of different validators, types or ranks */
    EVIDENCE_NOT_CITED,         /* the header names another certificate */
    EVIDENCE_SOUND_CERTIFICATE, /* a quorum did sign it, or it cannot be judged */
};

const char *evidence_verdict_text(enum evidence_verdict verdict);
/* "equivocation"; NULL: no such kind. */
const char *evidence_kind_text(uint64_t kind);
/* 0: no kind of this name. */
enum evidence_kind evidence_kind_of(const char *text);
/* "proposal", "vote", ... */
const char *evidence_what_text(uint64_t what);
bool evidence_is_attributable(uint64_t kind);

/* Which validators, with which keys, in which order. */
struct hash evidence_set_digest(const struct validator_set *set);

/* The offence's id. */
struct hash evidence_id(const struct wire_evidence *evidence);

/* Checks a record. ret_evidence borrows from the bytes and is set when they are a record
 * at all, whatever the verdict but MALFORMED. */
enum evidence_verdict evidence_verify(const struct validator_set *set, struct span bytes,
                                      struct wire_evidence *ret_evidence);

/* A record under construction. */
struct evidence_bytes {
    size_t size;
    uint8_t data[EVIDENCE_BYTES_MAX];
};

/* The record that two signed messages (signed_message.h) make, in either order. Anything
 * but PROVEN: they make none. */
enum evidence_verdict evidence_pair(const struct validator_set *set, struct span a, struct span b,
                                    struct evidence_bytes *ret_evidence);

/* The record that a signed_header and the qc_record or entry_record it cites make. */
enum evidence_verdict evidence_forgery(const struct validator_set *set, struct span signed_header,
                                       struct span certificate,
                                       struct evidence_bytes *ret_evidence);

/* What a member's session brought: `message` may be empty. */
struct evidence_sighting {
    enum evidence_kind kind; /* INVALID_SIGNATURE, REPLAY */
    enum wire_id what;
    uint64_t validator;
    struct rank rank; /* as the message says */
    struct span message;
};
/* False: the message is too long to be kept. */
bool evidence_sight(const struct validator_set *set, const struct evidence_sighting *sighting,
                    struct evidence_bytes *ret_evidence);

#endif
