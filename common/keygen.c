#include "common/keygen.h"

#include <limits.h>
#include <sodium.h>
#include <unistd.h>

#include "common/must.h"
#include "common/new_file.h"
#include "common/slot_file.h"
#include "common/wire.h"

#define PEM_SUFFIX ".pem"

/* The files of one keygen, in the order they are written. */
enum part {
    PART_KEY,
    PART_FEED,
    PART_CURVE,
    PART_SAFETY = PART_CURVE + CARD_SERVICES_N,
    PART_CARD,
    PARTS
};

struct birth {
    char paths[PARTS][PATH_MAX];
    struct sign_pair sign;
    struct sign_pair feed;
    struct curve_pair curves[CARD_SERVICES_N];
    struct card card;
};

bool keygen_sibling(const char *output, const char *suffix, char *out, size_t capacity)
{
    size_t size = strlen(output);
    size_t stem = size - strlen(PEM_SUFFIX);
    if (size <= strlen(PEM_SUFFIX) || strcmp(output + stem, PEM_SUFFIX) != 0)
        return false;
    int written = snprintf(out, capacity, "%.*s.%s", (int)stem, output, suffix);
    return written > 0 && (size_t)written < capacity;
}

static bool name_files(const char *output, struct birth *birth)
{
    bool ok = keygen_sibling(output, "pem", birth->paths[PART_KEY], PATH_MAX) &&
              keygen_sibling(output, "feed.pem", birth->paths[PART_FEED], PATH_MAX) &&
              keygen_sibling(output, "safety", birth->paths[PART_SAFETY], PATH_MAX) &&
              keygen_sibling(output, "card.json", birth->paths[PART_CARD], PATH_MAX);
    for (unsigned i = 0; i < CARD_SERVICES_N && ok; i++) {
        char suffix[64];
        (void)snprintf(suffix, sizeof(suffix), "%s.pem", card_service_name((enum card_service)i));
        ok = keygen_sibling(output, suffix, birth->paths[PART_CURVE + i], PATH_MAX);
    }
    return ok;
}

static enum apm_err refuse_existing(const struct birth *birth, struct why *ret_why)
{
    for (unsigned i = 0; i < PARTS; i++) {
        if (access(birth->paths[i], F_OK) == 0)
            return explain(ret_why, APM_ERR_BUSY,
                           "%s: exists already; choose another --output or move it away",
                           birth->paths[i]);
    }
    return APM_OK;
}

static void fill(struct birth *birth, const struct keygen_options *options)
{
    struct card *card = &birth->card;
    sign_pair_new(&birth->sign);
    card->key = birth->sign.public_key;
    sign_pair_new(&birth->feed);
    card->feed = birth->feed.public_key;
    randombytes_buf(card->instance.b, sizeof(card->instance.b));
    memcpy(card->id, options->id, strlen(options->id) + 1);
    memcpy(card->address, options->address, strlen(options->address) + 1);
    card->client_port = options->client_port != 0 ? options->client_port : CARD_CLIENT_PORT;
    for (unsigned i = 0; i < CARD_SERVICES_N; i++) {
        uint16_t port = options->ports[i];
        curve_pair_new(&birth->curves[i]);
        card->services[i].curve = birth->curves[i].public_key;
        card->services[i].port = port != 0 ? port : card_service_port((enum card_service)i);
    }
    card_sign(card, &birth->sign);
}

static enum apm_err write_safety(const struct birth *birth, struct why *ret_why)
{
    const char *path = birth->paths[PART_SAFETY];
    struct wire_safety record = {
        .counter = 1, .instance = birth->card.instance, .epoch = 1, .key = birth->card.key};
    uint8_t bytes[1024];
    size_t size = wire_encode(WIRE_safety, &record, bytes, sizeof(bytes));
    MUST(size > 0);
    enum apm_err err = slot_file_create(path, record.counter, span_of(bytes, size));
    if (err != APM_OK)
        return explain(ret_why, err, "%s: cannot write: %s", path, apm_err_text(err));
    return APM_OK;
}

static enum apm_err write_part(const struct birth *birth, unsigned part, struct why *ret_why)
{
    const char *path = birth->paths[part];
    if (part == PART_KEY)
        return keyfile_write_sign(path, &birth->sign, ret_why);
    if (part == PART_FEED)
        return keyfile_write_sign(path, &birth->feed, ret_why);
    if (part == PART_SAFETY)
        return write_safety(birth, ret_why);
    if (part == PART_CARD)
        return card_write(path, &birth->card, ret_why);
    return keyfile_write_curve(path, &birth->curves[part - PART_CURVE], ret_why);
}

static enum apm_err write_all(const struct birth *birth, struct why *ret_why)
{
    for (unsigned part = 0; part < PARTS; part++) {
        enum apm_err err = write_part(birth, part, ret_why);
        if (err == APM_OK)
            continue;
        /* The part that failed left nothing, or was somebody else's. */
        while (part-- > 0)
            new_file_undo(birth->paths[part]);
        return err;
    }
    return APM_OK;
}

static enum apm_err check_options(const char *output, const struct keygen_options *options,
                                  struct birth *birth, struct why *ret_why)
{
    if (!card_id_is_valid(options->id))
        return explain(ret_why, APM_ERR_BAD_INPUT,
                       "'%s' is no id: letters, digits, '.', '_', '-', at most %u", options->id,
                       ID_BYTES_MAX);
    if (!card_address_is_valid(options->address))
        return explain(ret_why, APM_ERR_BAD_INPUT, "'%s' is no address: a bare host, no port",
                       options->address);
    if (!name_files(output, birth))
        return explain(ret_why, APM_ERR_BAD_INPUT, "--output %s: must end in .pem", output);
    return refuse_existing(birth, ret_why);
}

enum apm_err keygen_write(const char *output, const struct keygen_options *options,
                          struct card *ret_card, struct why *ret_why)
{
    struct birth *birth = calloc(1, sizeof(*birth));
    MUST(birth != NULL);
    enum apm_err err = check_options(output, options, birth, ret_why);
    if (err == APM_OK) {
        fill(birth, options);
        err = write_all(birth, ret_why);
    }
    if (err == APM_OK && ret_card != NULL)
        *ret_card = birth->card;
    sodium_memzero(birth, sizeof(*birth));
    free(birth);
    return err;
}

enum apm_err key_new(const char *output, struct key *ret_key, struct why *ret_why)
{
    struct sign_pair pair;
    sign_pair_new(&pair);
    enum apm_err err = keyfile_write_sign(output, &pair, ret_why);
    if (err == APM_OK && ret_key != NULL)
        *ret_key = pair.public_key;
    sign_pair_wipe(&pair);
    return err;
}
