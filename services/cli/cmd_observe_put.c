#include <stdio.h>

#include "common/file.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/msgpack_json.h"
#include "services/cli/observation.h"
#include "services/cli/output_json.h"

static enum apm_err read_payload(const char *text, struct buf *ret_bytes,
                                 struct complaint *complaint)
{
    json_error_t error;
    bool is_input = strcmp(text, "-") == 0;
    size_t flags = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES;
    json_t *json = is_input ? json_loadf(stdin, flags, &error) : json_loads(text, flags, &error);

    if (json == NULL) {
        (void)complain(complaint, APM_ERR_BAD_INPUT, "the payload is not JSON: %s", error.text);
        complain_hint(complaint, "quote texts: apm2 observe put --kind Note '\"text\"'");
        return APM_ERR_BAD_INPUT;
    }
    enum apm_err err = msgpack_of_json(json, ret_bytes);
    json_decref(json);
    if (err == APM_ERR_BAD_INPUT)
        return complain(complaint, err, "the payload has a fraction: use whole numbers or texts");
    if (err != APM_OK)
        return complain(complaint, err, "the payload has more than %u bytes, or is too deep",
                        OBSERVATION_BYTES_MAX);
    return APM_OK;
}

static struct span option_text(const struct invocation *invocation, enum option option,
                               const char *otherwise)
{
    const char *text = invocation->option[option];
    return log_text(text != NULL ? text : otherwise);
}

static void print(const struct invocation *invocation, const struct wire_observe_put_reply *reply)
{
    struct hash_text feed = hash_to_text(&reply->feed);

    if (!say_is_json(invocation)) {
        (void)printf("%s %llu\n", feed.text, (unsigned long long)reply->seq);
        return;
    }
    json_t *json = json_pack("{s:s, s:I}", "feed", feed.text, "seq", (json_int_t)reply->seq);
    output_json(json);
    json_decref(json);
}

int cmd_observe_put(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct wire_observe_put_reply reply;
    struct buf payload, frame;

    if (!has_option(invocation, OPTION_kind))
        return say_usage(invocation, "say what is observed: --kind KIND");
    buf_init(&payload, OBSERVATION_BYTES_MAX);
    buf_init(&frame, 4u * KIB);
    enum apm_err err = read_payload(invocation->args[0], &payload, &complaint);
    const struct wire_observe_put put = {
        .space = option_text(invocation, OPTION_namespace, "kernel"),
        .kind = option_text(invocation, OPTION_kind, ""),
        .key = option_text(invocation, OPTION_id, ""),
        .payload = buf_span(&payload),
    };
    const struct observation_question question = {WIRE_observe_put, &put, WIRE_observe_put_reply};
    if (err == APM_OK)
        err = observation_ask(invocation, &question, &frame, &complaint);
    if (err == APM_OK &&
        wire_decode_as(WIRE_observe_put_reply, buf_span(&frame), &reply) != WIRE_OK)
        err = complain(&complaint, APM_ERR_FAILED, "the answer is no answer");
    if (err == APM_OK)
        err = observation_error(reply.error, reply.detail, &complaint);
    if (err == APM_OK)
        print(invocation, &reply);
    buf_release(&payload);
    buf_release(&frame);
    return say_complaint(invocation, &complaint);
}
