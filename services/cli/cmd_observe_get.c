#include <errno.h>
#include <stdio.h>

#include "common/hash.h"
#include "services/cli/observation.h"
#include "services/cli/output_json.h"

static enum apm_err parse(const struct invocation *invocation, struct wire_observe_get *ret_get,
                          struct complaint *complaint)
{
    char *end = NULL;

    if (!hex_decode(invocation->args[0], sizeof(ret_get->feed), &ret_get->feed))
        return complain(complaint, APM_ERR_USAGE, "FEED: 64 hex digits, as observe put prints");
    errno = 0;
    ret_get->seq = strtoull(invocation->args[1], &end, 10);
    if (errno != 0 || *end != '\0' || ret_get->seq == 0 || ret_get->seq > INT64_MAX)
        return complain(complaint, APM_ERR_USAGE, "SEQ: a whole number from 1 on");
    return APM_OK;
}

static enum apm_err print(struct span frame, struct complaint *complaint)
{
    struct wire_observe_page page;
    struct observed observed;
    struct span item;
    size_t cursor = 0;

    if (wire_decode_as(WIRE_observe_page, frame, &page) != WIRE_OK)
        return complain(complaint, APM_ERR_FAILED, "the answer is no answer");
    enum apm_err err = observation_error(page.error, page.detail, complaint);
    if (err != APM_OK)
        return err;
    if (!blobs_next(&page.records, &cursor, &item) || !observed_decode(item, &observed))
        return complain(complaint, APM_ERR_CORRUPT, "the record is no record");
    json_t *json = observation_to_json(&observed);
    output_json(json);
    json_decref(json);
    return APM_OK;
}

int cmd_observe_get(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct wire_observe_get get = {.request = 1};
    const struct observation_question question = {WIRE_observe_get, &get, WIRE_observe_page};
    struct buf frame;

    buf_init(&frame, FRAME_BYTES_MAX);
    enum apm_err err = parse(invocation, &get, &complaint);
    if (err == APM_OK)
        err = observation_ask(invocation, &question, &frame, &complaint);
    if (err == APM_OK)
        err = print(buf_span(&frame), &complaint);
    buf_release(&frame);
    return err == APM_OK ? 0 : say_complaint(invocation, &complaint);
}
