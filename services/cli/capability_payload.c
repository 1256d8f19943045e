#include "services/cli/capability_payload.h"

#include "common/clock.h"
#include "services/cli/actor_key.h"
#include "services/cli/parse_value.h"

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
    struct key key;
    char grantee[ACTOR_KEY_TEXT];
    uint64_t ttl_ms = 0;
    if (!has_option(invocation, OPTION_grantee) || !has_option(invocation, OPTION_right)) {
        (void)complain(ret_complaint, APM_ERR_USAGE, "--grantee and --right are needed");
        complain_hint(ret_complaint, "apm2 help %s", invocation->command->words);
        return APM_ERR_USAGE;
    }
    enum apm_err err =
        actor_key_read(invocation->option[OPTION_grantee], "--grantee", &key, ret_complaint);
    if (err == APM_OK)
        err = parse_ms(invocation, OPTION_ttl, &ttl_ms, ret_complaint);
    if (err != APM_OK)
        return err;
    actor_key_text(&key, grantee);

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
