#include "services/cli/capability_payload.h"

#include "common/clock.h"
#include "common/hash.h"
#include "common/keyfile.h"
#include "services/cli/parse_value.h"

/* 64 hex digits, or the actor's own PEM file. */
static enum apm_err read_grantee(const char *text, char out[65], struct complaint *complaint)
{
    struct key key;
    struct sign_pair pair;
    struct why why = {""};
    if (!hex_decode(text, sizeof(key.b), key.b)) {
        enum apm_err err = keyfile_read_sign(text, &pair, &why);
        if (err != APM_OK)
            return complain(complaint, err, "--grantee: neither 64 hex digits nor a key file: %s",
                            why.text);
        key = pair.public_key;
        sign_pair_wipe(&pair);
    }
    hex_encode(key.b, sizeof(key.b), out);
    return APM_OK;
}

static json_t *rights_of(const struct invocation *invocation)
{
    json_t *rights = json_array();
    for (uint32_t i = 0; i < invocation->n_repeats; i++) {
        if (invocation->repeats[i].option == OPTION_right)
            (void)json_array_append_new(rights, json_string(invocation->repeats[i].value));
    }
    return rights;
}

enum apm_err capability_payload(const struct invocation *invocation, json_t **ret_payload,
                                struct complaint *ret_complaint)
{
    char grantee[65];
    uint64_t ttl_ms = 0;
    if (!has_option(invocation, OPTION_grantee) || !has_option(invocation, OPTION_right)) {
        (void)complain(ret_complaint, APM_ERR_USAGE, "--grantee and --right are needed");
        complain_hint(ret_complaint, "apm2 help %s", invocation->command->words);
        return APM_ERR_USAGE;
    }
    enum apm_err err = read_grantee(invocation->option[OPTION_grantee], grantee, ret_complaint);
    if (err == APM_OK)
        err = parse_ms(invocation, OPTION_ttl, &ttl_ms, ret_complaint);
    if (err != APM_OK)
        return err;

    json_t *payload = json_pack("{s:s, s:s, s:o}", "capability_id", invocation->args[0], "subject",
                                grantee, "rights", rights_of(invocation));
    uint64_t expires_at_ms = clock_wall_ms() + ttl_ms;
    if (ttl_ms > 0)
        (void)json_object_set_new(payload, "expires_at_ms",
                                  json_integer((json_int_t)expires_at_ms));
    if (has_option(invocation, OPTION_prefix))
        (void)json_object_set_new(payload, "resource_prefix",
                                  json_string(invocation->option[OPTION_prefix]));
    *ret_payload = payload;
    return APM_OK;
}
