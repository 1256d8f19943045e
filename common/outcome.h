/*
 * outcome - what execution made of an event: one enum, from schemas/outcomes.def.
 *
 * Pure. Codes are one byte in the ledger. OUTCOME_APPLIED is 0, all else is a
 * rejection; a rejection is committed like everything else.
 */
#ifndef APM2_OUTCOME_H
#define APM2_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/outcomes.def"

#define OUTCOME_ENUM(code, name, text) OUTCOME_##name = (code),
enum outcome { OUTCOMES(OUTCOME_ENUM) };
#undef OUTCOME_ENUM

/* Is this byte a code of ours? */
bool outcome_is_known(uint8_t code);

/* "LEASE_CONFLICT" and "the resource is leased to another holder"; "UNKNOWN" and a
 * text that says so for a code of a later version. */
const char *outcome_name(uint8_t code);
const char *outcome_text(uint8_t code);

#endif
