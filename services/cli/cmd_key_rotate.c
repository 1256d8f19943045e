#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/keyfile.h"
#include "common/keygen.h"
#include "common/rotation.h"
#include "services/cli/actor_key.h"
#include "services/cli/submit_session.h"

/* What is rotated to what. */
struct change {
    struct cluster cluster;
    const char *signer; /* the PEM file that signs the event */
    bool is_own;        /* the signer's own key is replaced */
    struct rotation rotation;
    struct sign_pair new;
};

static enum apm_err read_chain(struct change *change, struct complaint *complaint)
{
    struct apm2_cluster *chain = NULL;
    struct apm2_why why;
    if (!apm2_cluster_open(change->cluster.genesis, &chain, &why))
        return complain_why(complaint, &why);
    memcpy(change->rotation.chain.b, apm2_cluster_chain(chain), sizeof(change->rotation.chain.b));
    apm2_cluster_close(&chain);
    return APM_OK;
}

/* --actor names another's key; without it the signer's own is meant. */
static enum apm_err read_old(const struct invocation *invocation, struct change *change,
                             struct complaint *complaint)
{
    const char *actor = invocation->option[OPTION_actor];
    const char *key = invocation->option[OPTION_key];

    change->signer = key != NULL ? key : change->cluster.actor_key;
    change->is_own = actor == NULL;
    if (change->signer[0] == 0)
        return complain(complaint, APM_ERR_USAGE,
                        "whose key? This cluster names no operator: say --key PEM");
    return actor_key_read(actor != NULL ? actor : change->signer,
                          actor != NULL ? "--actor" : "--key", &change->rotation.old_key,
                          complaint);
}

/* A file that is there already is the new key of an earlier try. */
static enum apm_err read_new(const char *output, struct change *change, struct complaint *complaint)
{
    struct why why = {""};
    enum apm_err err = access(output, F_OK) == 0 ? APM_OK : key_new(output, NULL, &why);

    if (err == APM_OK)
        err = keyfile_read_sign(output, &change->new, &why);
    if (err != APM_OK)
        return complain(complaint, err, "%s", why.text);
    change->rotation.new_key = change->new.public_key;
    return APM_OK;
}

static json_t *payload_of(const struct change *change)
{
    uint8_t statement[ROTATION_BYTES];
    struct sig possession;
    char new[ACTOR_KEY_TEXT], old[ACTOR_KEY_TEXT], proof[2 * sizeof(possession) + 1];

    rotation_statement(&change->rotation, statement);
    (void)crypto_sign_detached(possession.b, NULL, statement, sizeof(statement),
                               change->new.secret);
    actor_key_text(&change->rotation.new_key, new);
    actor_key_text(&change->rotation.old_key, old);
    (void)sodium_bin2hex(proof, sizeof(proof), possession.b, sizeof(possession.b));
    json_t *payload = json_pack("{s:s, s:s}", "new_key", new, "possession", proof);
    if (!change->is_own)
        (void)json_object_set_new(payload, "old_key", json_string(old));
    return payload;
}

/* A development cluster's operator signs with the new key from now on. */
static bool adopt(struct change *change, const char *output)
{
    struct complaint ignored = {0};
    char *absolute = realpath(output, NULL);
    bool is_operator = change->is_own && change->cluster.dir[0] != 0 &&
                       strcmp(change->signer, change->cluster.actor_key) == 0;
    bool fits = absolute != NULL && strlen(absolute) < sizeof(change->cluster.actor_key);

    if (is_operator && fits)
        (void)snprintf(change->cluster.actor_key, sizeof(change->cluster.actor_key), "%s",
                       absolute);
    free(absolute);
    return is_operator && fits && cluster_write(&change->cluster, &ignored) == APM_OK;
}

int cmd_key_rotate(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct change change = {0};
    const char *output = invocation->option[OPTION_output];
    if (output == NULL)
        return say_usage(invocation, "--output FILE.pem is needed: where the new key is, or will "
                                     "be made");

    enum apm_err err = cluster_open(invocation, &change.cluster, &complaint);
    if (err == APM_OK)
        err = read_chain(&change, &complaint);
    if (err == APM_OK)
        err = read_old(invocation, &change, &complaint);
    if (err == APM_OK)
        err = read_new(output, &change, &complaint);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);

    json_t *payload = payload_of(&change);
    sign_pair_wipe(&change.new);
    int code = submit_one_event(invocation, "KeyRotated", payload);
    if (code == 0 && adopt(&change, output))
        (void)fprintf(stderr, "the cluster's operator signs with %s from now on\n", output);
    else if (code == 0)
        (void)fprintf(stderr, "from now on: --key %s\n", output);
    else
        (void)fprintf(stderr, "the new key is kept in %s: say the same again to go on\n", output);
    return code;
}
