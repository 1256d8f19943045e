#include "services/cli/actor_key.h"
#include "services/cli/list_objects.h"

static const char *const columns[] = {"key",        "state",      "tier",     "capabilities",
                                      "next_nonce", "rotated_ms", "successor"};

int cmd_key_show(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    char text[ACTOR_KEY_TEXT];
    struct key key;
    if (actor_key_read(invocation->args[0], "KEY", &key, &complaint) != APM_OK)
        return say_complaint(invocation, &complaint);

    actor_key_text(&key, text);
    return list_objects(invocation, &(struct object_list){.verb = "actors",
                                                          .filter_name = "key",
                                                          .filter = text,
                                                          .columns = columns,
                                                          .n_columns = N_ELEMENTS(columns)});
}
