/* What operators ask: the list, one record, an acknowledgement. */
#include "services/byzantine-monitor/monitor.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/admin_json.h"
#include "common/clock.h"
#include "common/json_field.h"
#include "common/log.h"
#include "common/mem.h"

#define PAGE_ROWS_MAX 500u
#define REASON_BYTES_MAX 1024u
#define PREFIX_BYTES_MIN 4u

/* A question whose rows are on their way. */
struct question {
    struct monitor *monitor;
    uint64_t ticket;
    json_t *rows;
    bool is_whole; /* with the record itself */
    bool is_ack;
    struct hash id; /* of an acknowledgement, once it is known whole */
    char reason[REASON_BYTES_MAX + 1];
    uint64_t last_number;
    uint64_t limit;
    uint64_t kind;
};

static struct question *question_new(void *state, uint64_t ticket)
{
    struct question *question = mem_new(1, sizeof(*question));

    question->monitor = state;
    question->ticket = ticket;
    question->rows = json_array();
    return question;
}

static void question_end(struct question *question, enum apm_err err, json_t *body)
{
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;

    admin_answer(question->monitor->env->admin, question->ticket, err,
                 text != NULL ? log_text(text) : span_of(NULL, 0));
    free(text);
    json_decref(body);
    json_decref(question->rows);
    free(question);
}

static void question_refuse(struct question *question, enum apm_err err, const char *message)
{
    question_end(question, err, json_pack("{s:s}", "message", message));
}

/* ---- rows as JSON ---- */

static void set_time(json_t *json, const char *name, uint64_t at_ms)
{
    char text[40] = "";
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm parts;

    if (gmtime_r(&seconds, &parts) != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
    json_object_set_new(json, name, json_string(text));
}

static void set_details(json_t *json, const struct store_row *row)
{
    const char *what = evidence_what_text(row->what);
    unsigned long long n = row->n, term = row->rank.term, seq = row->rank.seq;
    char text[200] = "";

    if (row->kind == EVIDENCE_EQUIVOCATION)
        (void)snprintf(text, sizeof(text),
                       "signed two different messages (%s) at term %llu, seq "
                       "%llu",
                       what, term, seq);
    else if (row->kind == EVIDENCE_QUORUM_FORGERY)
        (void)snprintf(text, sizeof(text),
                       "signed a proposal at term %llu, seq %llu around a "
                       "certificate that no quorum signed (%s)",
                       term, seq, what);
    else if (row->kind == EVIDENCE_INVALID_SIGNATURE)
        (void)snprintf(text, sizeof(text), "%llu with a bad signature over its session (%s)", n,
                       what);
    else
        (void)snprintf(text, sizeof(text), "%llu old messages again over its session (%s)", n,
                       what);
    json_object_set_new(json, "details", json_string(text));
}

static void set_acknowledgement(json_t *json, const struct store_row *row)
{
    json_object_set_new(json, "acknowledged", json_boolean(row->ack_ms != 0));
    if (row->ack_ms == 0)
        return;
    set_time(json, "acknowledged_at", row->ack_ms);
    json_object_set_new(json, "reason",
                        json_stringn((const char *)row->ack_reason.data, row->ack_reason.size));
}

static void set_record(json_t *json, struct span record)
{
    char *text = mem_new(2 * record.size + 1, 1);

    hex_encode(record.data, record.size, text);
    json_object_set_new(json, "record", json_string(text));
    free(text);
}

static json_t *row_json(const struct store_row *row)
{
    json_t *json = json_object();
    struct hash_text id = hash_to_text(&row->id);
    const char *kind = evidence_kind_text(row->kind);

    json_object_set_new(json, "id", json_string(id.text));
    json_object_set_new(json, "fault_type", json_string(kind != NULL ? kind : "unknown"));
    json_object_set_new(json, "validator_id",
                        json_stringn((const char *)row->validator_id.data, row->validator_id.size));
    set_details(json, row);
    set_time(json, "timestamp", row->first_ms);
    set_time(json, "last_seen", row->last_ms);
    json_object_set_new(json, "count", json_integer((json_int_t)row->n));
    json_object_set_new(json, "epoch", json_integer((json_int_t)row->rank.epoch));
    json_object_set_new(json, "round", json_integer((json_int_t)row->rank.term));
    json_object_set_new(json, "seq", json_integer((json_int_t)row->rank.seq));
    json_object_set_new(json, "attributable", json_boolean(row->is_attributable));
    set_acknowledgement(json, row);
    return json;
}

static void on_row(void *context, const struct store_row *row)
{
    struct question *question = context;
    json_t *json = row_json(row);

    if (question->is_whole)
        set_record(json, row->record);
    question->id = row->id;
    question->last_number = row->number;
    json_array_append_new(question->rows, json);
}

/* ---- evidence_list {limit, before, fault_type} ---- */

static uint64_t total_of(const struct question *question)
{
    const struct store_counts *counts = &question->monitor->counts;
    uint64_t total = 0;

    for (uint64_t kind = 0; kind < STORE_KINDS; kind++)
        total += question->kind == 0 || question->kind == kind ? counts->kept[kind] : 0;
    return total;
}

static void on_listed(void *context, enum apm_err err)
{
    struct question *question = context;
    uint64_t n = json_array_size(question->rows);

    if (err != APM_OK) {
        question_end(question, err, NULL);
        return;
    }
    json_t *body = json_pack("{s:O, s:I, s:I}", "evidence", question->rows, "total",
                             (json_int_t)total_of(question), "unacknowledged",
                             (json_int_t)question->monitor->counts.unacknowledged);
    if (n == question->limit)
        json_object_set_new(body, "next", json_integer((json_int_t)question->last_number));
    question_end(question, APM_OK, body);
}

static void evidence_list(void *state, uint64_t ticket, struct span args)
{
    struct question *question = question_new(state, ticket);
    json_t *json = admin_args(args);
    const char *kind = json_string_value(json_object_get(json, "fault_type"));
    struct store_list list = {.before = INT64_MAX, .limit = PAGE_ROWS_MAX};

    (void)json_field_u64(json, "before", INT64_MAX, &list.before);
    (void)json_field_u64(json, "limit", PAGE_ROWS_MAX, &list.limit);
    list.kind = kind != NULL ? evidence_kind_of(kind) : 0;
    bool is_kind_known = kind == NULL || list.kind != 0;
    json_decref(json);
    if (!is_kind_known) {
        question_refuse(question, APM_ERR_BAD_INPUT,
                        "fault_type: must be equivocation, "
                        "invalid_signature, quorum_forgery or replay");
        return;
    }
    question->limit = list.limit;
    question->kind = list.kind;
    const struct store_reader reader = {question, on_row, on_listed};
    enum apm_err err = store_list(question->monitor->store, &list, &reader);
    if (err != APM_OK)
        question_end(question, err, NULL);
}

/* ---- evidence_get {id}, evidence_ack {id, reason} ---- */

static void on_acknowledged(void *context, enum apm_err err)
{
    struct question *question = context;
    struct hash_text id = hash_to_text(&question->id);

    if (err != APM_OK) {
        question_end(question, err, NULL);
        return;
    }
    LOG_INFO("evidence_acknowledged", F_STR("id", id.text), F_STR("reason", question->reason));
    question_end(question, APM_OK, json_pack("{s:s, s:b}", "id", id.text, "acknowledged", 1));
}

static void acknowledge(struct question *question)
{
    const struct store_ack ack = {question->id, clock_wall_ms(), log_text(question->reason)};
    enum apm_err err = store_acknowledge(question->monitor->store, &ack, on_acknowledged, question);

    if (err != APM_OK)
        question_end(question, err, NULL);
}

static void on_found(void *context, enum apm_err err)
{
    struct question *question = context;
    size_t n = json_array_size(question->rows);

    if (err != APM_OK)
        question_end(question, err, NULL);
    else if (n == 0)
        question_refuse(question, APM_ERR_NOT_FOUND, "no evidence of this id");
    else if (n > 1)
        question_refuse(question, APM_ERR_BAD_INPUT, "more than one id begins like this");
    else if (question->is_ack)
        acknowledge(question);
    else
        question_end(question, APM_OK, json_incref(json_array_get(question->rows, 0)));
}

/* False: no id, or not enough of one. */
static bool prefix_of(const json_t *args, uint8_t out[32], size_t *ret_size)
{
    const char *text = json_string_value(json_object_get(args, "id"));
    size_t length = text != NULL ? strlen(text) & ~(size_t)1 : 0;

    if (length < 2u * PREFIX_BYTES_MIN || length > 64)
        return false;
    char even[65];
    memcpy(even, text, length);
    even[length] = '\0';
    *ret_size = length / 2;
    return hex_decode(even, length / 2, out);
}

static void find(struct question *question, const json_t *args)
{
    uint8_t prefix[32];
    size_t size = 0;

    if (!prefix_of(args, prefix, &size)) {
        question_refuse(question, APM_ERR_BAD_INPUT, "id: must be 8 to 64 hex digits of an id");
        return;
    }
    const struct store_reader reader = {question, on_row, on_found};
    enum apm_err err = store_find(question->monitor->store, span_of(prefix, size), &reader);
    if (err != APM_OK)
        question_end(question, err, NULL);
}

static void evidence_get(void *state, uint64_t ticket, struct span args)
{
    struct question *question = question_new(state, ticket);
    json_t *json = admin_args(args);

    question->is_whole = true;
    find(question, json);
    json_decref(json);
}

static void evidence_ack(void *state, uint64_t ticket, struct span args)
{
    struct question *question = question_new(state, ticket);
    json_t *json = admin_args(args);

    question->is_ack = true;
    if (json_field_text(json, "reason", question->reason, sizeof(question->reason)))
        find(question, json);
    else
        question_refuse(question, APM_ERR_BAD_INPUT, "reason: must be 1 to 1024 bytes of text");
    json_decref(json);
}

const struct admin_query monitor_queries[] = {
    {"evidence_list", "evidence, newest first: {limit, before, fault_type}", NULL, evidence_list},
    {"evidence_get", "one, with its record: {id}", NULL, evidence_get},
    {"evidence_ack", "acknowledge one: {id, reason}", NULL, evidence_ack},
    {NULL, NULL, NULL, NULL},
};
