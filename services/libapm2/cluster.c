#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "common/mem.h"
#include "common/must.h"
#include "common/outcome.h"
#include "services/libapm2/apm2_internal.h"

bool apm2_fail(struct apm2_why *ret_why, enum apm_err err, const char *text)
{
    if (ret_why != NULL) {
        (void)snprintf(ret_why->error, sizeof(ret_why->error), "%s", apm_err_name(err));
        (void)snprintf(ret_why->text, sizeof(ret_why->text), "%s",
                       text != NULL && text[0] != 0 ? text : apm_err_text(err));
    }
    return false;
}

bool apm2_cluster_open(const char *genesis_path, struct apm2_cluster **ret_cluster,
                       struct apm2_why *ret_why)
{
    struct why why = {""};
    struct genesis *genesis = NULL;
    if (sodium_init() < 0)
        return apm2_fail(ret_why, APM_ERR_FAILED, "libsodium cannot start");
    enum apm_err err = genesis_read(genesis_path, &genesis, &why);
    if (err != APM_OK)
        return apm2_fail(ret_why, err, why.text);

    struct apm2_cluster *cluster = mem_new(1, sizeof(*cluster));
    cluster->genesis = genesis;
    cluster->zmq = zmq_ctx_new();
    if (cluster->zmq == NULL) {
        apm2_cluster_close(&cluster);
        return apm2_fail(ret_why, APM_ERR_FAILED, "no ZeroMQ context");
    }
    *ret_cluster = cluster;
    return true;
}

void apm2_cluster_close(struct apm2_cluster **cluster)
{
    if (*cluster == NULL)
        return;
    genesis_destroy(&(*cluster)->genesis);
    if ((*cluster)->zmq != NULL)
        (void)zmq_ctx_term((*cluster)->zmq);
    free(*cluster);
    *cluster = NULL;
}

const uint8_t *apm2_cluster_chain(const struct apm2_cluster *cluster)
{
    return cluster->genesis->chain.b;
}

uint32_t apm2_cluster_n_nodes(const struct apm2_cluster *cluster)
{
    return cluster->genesis->n_validators;
}

const char *apm2_cluster_node(const struct apm2_cluster *cluster, uint32_t i)
{
    MUST(i < cluster->genesis->n_validators);
    return cluster->genesis->cards[i].id;
}

bool apm2_key_read(const char *pem_path, struct apm2_key **ret_key, struct apm2_why *ret_why)
{
    struct why why = {""};
    if (sodium_init() < 0)
        return apm2_fail(ret_why, APM_ERR_FAILED, "libsodium cannot start");
    struct apm2_key *key = mem_new(1, sizeof(*key));
    enum apm_err err = keyfile_read_sign(pem_path, &key->pair, &why);
    if (err != APM_OK) {
        free(key);
        return apm2_fail(ret_why, err, why.text);
    }
    *ret_key = key;
    return true;
}

void apm2_key_close(struct apm2_key **key)
{
    if (*key == NULL)
        return;
    sign_pair_wipe(&(*key)->pair);
    free(*key);
    *key = NULL;
}

const uint8_t *apm2_key_public(const struct apm2_key *key)
{
    return key->pair.public_key.b;
}

const char *apm2_outcome_name(uint8_t code)
{
    return outcome_name(code);
}

const char *apm2_outcome_text(uint8_t code)
{
    return outcome_text(code);
}
