/*
 * key - actors' keys, replaced by their owners or by who stands above them.
 *
 * Pure. The new key takes over capabilities and leases and starts with unused
 * nonces; the old one is never good again, but its history still verifies.
 */
#ifndef APM2_AUTHORITY_KEY_H
#define APM2_AUTHORITY_KEY_H

#include "services/consensus/authority/state.h"

/* Returns the outcome and changes nothing unless it is APPLIED. */
enum outcome key_rotate(const struct act *act);

#endif
