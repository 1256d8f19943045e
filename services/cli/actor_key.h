/*
 * actor_key - an actor's public key as users give it: 64 hex digits, or its PEM file.
 */
#ifndef APM2_CLI_ACTOR_KEY_H
#define APM2_CLI_ACTOR_KEY_H

#include "common/ids.h"
#include "services/cli/say.h"

#define ACTOR_KEY_TEXT (2 * sizeof(struct key) + 1)

/* `label` names the argument in the complaint. */
WARN_UNUSED enum apm_err actor_key_read(const char *text, const char *label, struct key *ret_key,
                                        struct complaint *ret_complaint);

void actor_key_text(const struct key *key, char ret_text[ACTOR_KEY_TEXT]);

#endif
