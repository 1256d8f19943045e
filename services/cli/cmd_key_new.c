#include <stdio.h>

#include "common/hash.h"
#include "common/keygen.h"
#include "services/cli/say.h"

int cmd_key_new(const struct invocation *invocation)
{
    const char *output = invocation->option[OPTION_output];
    struct why why = {""};
    struct key public_key;
    if (output == NULL)
        return say_usage(invocation, "--output FILE.pem is needed");

    enum apm_err err = key_new(output, &public_key, &why);
    if (err != APM_OK) {
        struct complaint complaint = {0};
        (void)complain(&complaint, err, "%s", why.text);
        return say_complaint(invocation, &complaint);
    }
    char key[65];
    hex_encode(public_key.b, sizeof(public_key.b), key);
    if (say_is_json(invocation))
        (void)printf("{\"file\": \"%s\", \"public_key\": \"%s\"}\n", output, key);
    else
        (void)printf("file       %s\npublic key %s\n", output, key);
    return 0;
}
