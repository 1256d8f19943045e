#include "services/cli/actor_key.h"

#include "common/hash.h"
#include "common/keyfile.h"

enum apm_err actor_key_read(const char *text, const char *label, struct key *ret_key,
                            struct complaint *ret_complaint)
{
    struct sign_pair pair;
    struct why why = {""};

    if (hex_decode(text, sizeof(ret_key->b), ret_key->b))
        return APM_OK;
    enum apm_err err = keyfile_read_sign(text, &pair, &why);
    if (err != APM_OK)
        return complain(ret_complaint, err, "%s: neither 64 hex digits nor a key file: %s", label,
                        why.text);
    *ret_key = pair.public_key;
    sign_pair_wipe(&pair);
    return APM_OK;
}

void actor_key_text(const struct key *key, char ret_text[ACTOR_KEY_TEXT])
{
    hex_encode(key->b, sizeof(key->b), ret_text);
}
