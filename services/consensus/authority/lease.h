/*
 * lease - who holds which resource, until when.
 *
 * Pure. One live lease per (namespace, resource). Handlers return the outcome and
 * change nothing unless it is APPLIED, but for lapsed leases that are in the way:
 * those are expired, with their derived record.
 */
#ifndef APM2_AUTHORITY_LEASE_H
#define APM2_AUTHORITY_LEASE_H

#include "services/consensus/authority/state.h"

enum outcome lease_issue(const struct act *act);
enum outcome lease_renew(const struct act *act);
enum outcome lease_release(const struct act *act);

/* Expires what has run out by `derived->time_ms`, at most `max` leases, in (expiry,
 * key) order. */
void lease_sweep(struct authority *authority, struct derived *derived, uint32_t max);

uint32_t lease_find(const struct authority *authority, uint32_t space, struct span resource);

#endif
