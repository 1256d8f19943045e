/*
 * genesis_parse - the inside of genesis.h: the document's form, without signatures.
 */
#ifndef APM2_GENESIS_PARSE_H
#define APM2_GENESIS_PARSE_H

#include "common/genesis.h"

/* Fills in everything, the derived fields too. All but the T0 signatures is checked. */
WARN_UNUSED enum apm_err genesis_parse(const json_t *json, struct genesis *ret_genesis,
                                       struct why *ret_why);

/* No two validators, T0 keys, capabilities or schemas that must differ are alike. */
WARN_UNUSED enum apm_err genesis_check_unique(const struct genesis *genesis, struct why *ret_why);

/* The T0 set alone. */
bool genesis_parse_t0(const json_t *json, struct genesis *ret_genesis);

#endif
