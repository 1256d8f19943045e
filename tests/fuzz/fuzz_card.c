/* A card's JSON: what is taken is written the same. */
#include "common/card.h"
#include "common/json_read.h"
#include "tests/fuzz/fuzz.h"

static void check_again(const struct card *card)
{
    struct card again;
    struct why why;
    json_t *json = card_to_json(card);

    MUST(json != NULL && card_from_json(json, &again, &why) == APM_OK);
    json_decref(json);
    MUST(strcmp(again.id, card->id) == 0 && strcmp(again.address, card->address) == 0);
    MUST(card_verify(&again) == card_verify(card));
}

static void run(struct span input)
{
    struct card card = {0};
    struct why why = {""};
    json_t *json = NULL;
    if (json_read(input, &json, &why) != APM_OK)
        return;

    if (card_from_json(json, &card, &why) == APM_OK)
        check_again(&card);
    else
        MUST(why.text[0] != 0);
    json_decref(json);
}

const struct fuzz_target fuzz_target = {.run = run, .heap_base = 64 * KIB, .heap_per_byte = 8};
