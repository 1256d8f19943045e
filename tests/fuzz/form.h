/*
 * form - what every message and record must do, and a mutator that keeps its form.
 *
 * Shared by the targets whose input is one. Expands from messages.def, not from the
 * descriptor table, which is under test.
 */
#ifndef APM2_TESTS_FUZZ_FORM_H
#define APM2_TESTS_FUZZ_FORM_H

#include "tests/fuzz/fuzz.h"

/* True: it is a message, and encodes to the very bytes it was decoded from. */
bool form_check(struct span input, struct wire_message *ret_message);

/* Changes one field, in a field's own record if it holds one. */
size_t form_mutate(struct fuzz_mutation *mutation, struct span input, uint8_t *out,
                   size_t capacity);

#endif
