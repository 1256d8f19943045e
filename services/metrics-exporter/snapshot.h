/*
 * snapshot - what the exporter knows of its node at a moment: the one thing that page,
 * JSON and verdict are made from.
 *
 * Plain data, all of it bounded; strings are what services said, escaped only where they
 * are printed. The readers take a service's answer over and forget the older one; a
 * member that is missing or of another type reads as 0 or "". Times are Unix milliseconds
 * unless their name says otherwise.
 */
#ifndef APM2_SNAPSHOT_H
#define APM2_SNAPSHOT_H

#include <jansson.h>

#include "common/ids.h"
#include "common/limits.h"
#include "services/metrics-exporter/sibling.h"

#define REASONS_MAX 16u
#define REASON_BYTES 200u
#define STRIP_HEIGHTS_MAX 60u
#define EVIDENCE_SHOWN_MAX 4u

struct service_view {
    bool is_up;
    bool was_up; /* ever, since the exporter started */
    bool is_ready;
    bool is_draining;
    char detail[REASON_BYTES]; /* why it is not ready */
    char version[32];
    uint64_t pid;
    uint64_t uptime_ms;
};

struct validator_view {
    char id[ID_BYTES_MAX + 1];
    bool is_self;
    bool is_leader;
    bool is_active;
    uint64_t last_seen_ms; /* 0: never */
    uint64_t height;
    uint64_t n_missed;
    bool is_measured;
    uint64_t rtt_ms;
    int64_t clock_offset_ms;
    /* The vote strip's row: per height 'x' voted, '.' did not, ' ' unknown. */
    char votes[STRIP_HEIGHTS_MAX + 1];
};

struct consensus_view {
    bool is_known;
    char health[16];
    char leader[ID_BYTES_MAX + 1];
    uint64_t epoch, term, height, executed_height, pending;
    uint32_t n_active, quorum;
    bool is_leader;
    char last_hash[65];
    uint32_t n_reasons;
    char reasons[REASONS_MAX][REASON_BYTES];
    uint32_t n_validators;
    struct validator_view validators[VALIDATORS_MAX];

    /* The vote strip, oldest height first. */
    uint32_t n_heights;
    uint64_t first_height;
    uint8_t authors[STRIP_HEIGHTS_MAX]; /* validator's index */
    uint64_t terms[STRIP_HEIGHTS_MAX];

    /* `consensus why`, in one sentence. */
    char waiting_for[32];
    char why[REASON_BYTES * 2];
    uint64_t waits_since_ms; /* wall clock; 0: not known */
};

struct evidence_item {
    char id[72];
    char fault_type[32];
    char validator[ID_BYTES_MAX + 1];
};

struct evidence_view {
    bool is_known;
    uint64_t n_equivocation, n_invalid_signature, n_quorum_forgery, n_replay;
    uint64_t n_unacknowledged;
    uint32_t n_items; /* newest of the unacknowledged */
    struct evidence_item items[EVIDENCE_SHOWN_MAX];
};

struct snapshot {
    char node[ID_BYTES_MAX + 1];
    char version[32];
    uint64_t taken_ms;
    struct service_view services[SIBLINGS_N];
    struct consensus_view consensus;
    struct evidence_view evidence;
    bool has_schemas;
    uint64_t n_schemas;
};

/* Each takes a body as the service answered it. */
void snapshot_read_service(struct service_view *view, const json_t *body);
void snapshot_read_status(struct consensus_view *view, const json_t *body);
void snapshot_read_validators(struct consensus_view *view, const json_t *body);
void snapshot_read_votes(struct consensus_view *view, const json_t *body);
void snapshot_read_why(struct consensus_view *view, const json_t *body);
void snapshot_read_evidence(struct evidence_view *view, const json_t *body);

#endif
