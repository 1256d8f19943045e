/*
 * limits - every bound of the system, with its name.
 *
 * What the chain depends on stands in genesis too (genesis.h) and may be set
 * lower there, never higher: arrays are sized by the values here.
 */
#ifndef APM2_LIMITS_H
#define APM2_LIMITS_H

#define KIB 1024u
#define MIB (1024u * 1024u)

/* Validators of one epoch. A set of signers is one bit each in a u64. */
#define VALIDATORS_MAX 64u

/* Votes go to everybody up to this many validators, to the leader above. */
#define VOTE_FANOUT_ALL_MAX 16u

/* What clients send. */
#define EVENT_BYTES_MAX (64u * KIB)
#define BUNDLE_EVENTS_MAX 1000u
#define BUNDLE_BYTES_MAX (1u * MIB)
#define BUNDLE_EXPIRY_HEIGHTS_MAX 10000u
#define EVENT_DEPTH_MAX 64u
#define NONCE_WINDOW 4096u

/* Blocks: the sum of the bundles' bytes, and their number. */
#define BLOCK_BYTES_MAX (4u * MIB)
#define BLOCK_BUNDLES_MAX 1024u

/* Certified or proposed blocks above the committed one that a core holds. */
#define CHAIN_WINDOW 24u

/* State roots of the newest executed heights, for judging a header's prev_state. */
#define EXECUTED_ROOTS 256u

/* Block time: how far ahead of and behind a voter's clock (PROTOCOL, VOTE 6). */
#define TIME_AHEAD_MAX_MS 5000u
#define TIME_BEHIND_MAX_MS 30000u

/* Wire. */
#define WIRE_DEPTH_MAX 8u
#define FRAME_BYTES_MAX (5u * MIB)
#define ID_BYTES_MAX 64u /* names of nodes, namespaces, event types, keys */
#define JSON_BYTES_MAX (1u * MIB)

/* Keys of the T0 set, and the words with which it recovers a cluster. */
#define T0_KEYS_MAX 16u
#define RECOVERY_REASON_MAX 128u

/* Encoded sizes that a certificate never exceeds at VALIDATORS_MAX. */
#define HEADER_BYTES_MAX 512u
#define QC_BYTES_MAX (8u * KIB)
#define TC_BYTES_MAX (24u * KIB)
#define ENTRY_BYTES_MAX (24u * KIB)
#define EPOCH_PROOF_BYTES_MAX (24u * KIB)
#define MEMBER_BYTES 96u
#define RECORD_BYTES_MAX (64u * KIB)

/* Evidence: one of its two halves, the whole record; items of one report. */
#define EVIDENCE_PART_BYTES_MAX ENTRY_BYTES_MAX
#define EVIDENCE_BYTES_MAX (56u * KIB)
#define REPORT_ITEMS_MAX 16u

/* Mempool: bundles and bytes in all, and one origin's share of them. */
#define MEMPOOL_BUNDLES_MAX 32768u
#define MEMPOOL_BYTES_MAX (64u * MIB)

/* Blocks one range answer carries; their bytes are bounded by FRAME_BYTES_MAX. */
#define RANGE_BLOCKS_MAX 256u

/* The data plane. A chunk holds the records up to one signed head at least, so a head is
 * signed before its records exceed CHUNK_BYTES_MAX. */
#define OBSERVATION_BYTES_MAX (64u * KIB)
#define OBSERVATION_KEY_BYTES_MAX 128u
#define CHUNK_BYTES_MAX (256u * KIB)
#define FEED_HEAD_BYTES_MAX 512u
#define CHUNK_RECORDS_MAX 1024u
#define FRONTIER_HEADS_MAX 256u
#define WANT_RUNS_MAX 256u
#define PAGE_RECORDS_MAX 256u

#endif
