/* The way in for everybody who lives by a genesis: whole, or not at all. */
#include "common/genesis.h"

#include "common/canonical_json.h"
#include "common/genesis_parse.h"

static enum apm_err check_signatures(const json_t *json, const struct genesis *genesis,
                                     struct why *ret_why)
{
    uint32_t missing = genesis_signatures_missing(json);
    if (missing == 0)
        return APM_OK;
    return explain(ret_why, APM_ERR_GENESIS,
                   "genesis: %u of %u T0 signatures are missing or do not match the document",
                   missing, genesis->t0_threshold);
}

enum apm_err genesis_from_json(const json_t *json, struct genesis **ret_genesis,
                               struct why *ret_why)
{
    struct genesis *genesis = genesis_new();
    enum apm_err err = genesis_parse(json, genesis, ret_why);
    if (err == APM_OK)
        err = check_signatures(json, genesis, ret_why);
    if (err != APM_OK) {
        genesis_destroy(&genesis);
        return err;
    }
    *ret_genesis = genesis;
    return APM_OK;
}

enum apm_err genesis_read(const char *path, struct genesis **ret_genesis, struct why *ret_why)
{
    json_t *json = NULL;
    enum apm_err err = json_read_file(path, GENESIS_BYTES_MAX, &json, ret_why);
    if (err != APM_OK)
        return err == APM_ERR_BAD_INPUT ? APM_ERR_GENESIS : err;
    err = genesis_from_json(json, ret_genesis, ret_why);
    json_decref(json);
    return err;
}
