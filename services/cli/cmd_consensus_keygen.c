#include <stdio.h>

#include "common/hash.h"
#include "common/keygen.h"
#include "services/cli/say.h"

/* "dir/n1.pem" -> "n1" */
static void name_of(const char *path, char out[ID_BYTES_MAX + 1])
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    size_t n = strcspn(base, ".");
    (void)snprintf(out, ID_BYTES_MAX + 1, "%.*s", (int)n, base);
}

int cmd_consensus_keygen(const struct invocation *invocation)
{
    const char *output = invocation->option[OPTION_output];
    char name[ID_BYTES_MAX + 1];
    struct why why = {""};
    struct card card;
    if (output == NULL)
        return say_usage(invocation, "--output FILE.pem is needed");
    name_of(output, name);

    struct keygen_options options = {
        .id = has_option(invocation, OPTION_id) ? invocation->option[OPTION_id] : name,
        .address = has_option(invocation, OPTION_address) ? invocation->option[OPTION_address]
                                                          : "127.0.0.1",
    };
    enum apm_err err = keygen_write(output, &options, &card, &why);
    if (err != APM_OK) {
        struct complaint complaint = {0};
        (void)complain(&complaint, err, "%s", why.text);
        return say_complaint(invocation, &complaint);
    }
    char key[65];
    hex_encode(card.key.b, sizeof(card.key.b), key);
    if (say_is_json(invocation))
        (void)printf("{\"id\": \"%s\", \"public_key\": \"%s\", \"address\": \"%s\"}\n", card.id,
                     key, card.address);
    else
        (void)printf("id         %s\npublic key %s\naddress    %s\n", card.id, key, card.address);
    return 0;
}
