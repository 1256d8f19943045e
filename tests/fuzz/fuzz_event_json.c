/* Events as people write them: what is taken comes back as JSON, and from that as is. */
#include <stdlib.h>

#include "common/event_json.h"
#include "tests/fuzz/fuzz.h"

static bool schema_of(const void *context, enum event_type type, struct hash *ret_digest)
{
    (void)context;
    *ret_digest = (struct hash){{(uint8_t)type}};
    return true;
}

static const struct event_json_context context = {.schema_of = schema_of, .hlc_wall_ms = 7};

static void check_again(const struct event_draft *draft)
{
    struct event_draft again;
    struct why why;
    json_t *json = event_json_of(span_of(draft->bytes, draft->size));
    MUST(json != NULL);

    json_t *line = json_pack("{s:O, s:O, s:s}", "type", json_object_get(json, "type"), "payload",
                             json_object_get(json, "payload"), "namespace", draft->space);
    json_decref(json);
    MUST(line != NULL);
    char *text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    MUST(text != NULL);
    MUST(event_json_parse(span_of(text, strlen(text)), &context, &again, &why) == APM_OK);
    free(text);
    MUST(again.size == draft->size && memcmp(again.bytes, draft->bytes, draft->size) == 0);
}

static void run(struct span input)
{
    struct event_draft draft;
    struct why why = {""};

    enum apm_err err = event_json_parse(input, &context, &draft, &why);
    if (err == APM_OK)
        check_again(&draft);
    else
        MUST(why.text[0] != 0);
}

const struct fuzz_target fuzz_target = {.run = run, .heap_base = 64 * KIB, .heap_per_byte = 8};
