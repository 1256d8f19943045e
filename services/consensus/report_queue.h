/*
 * report_queue - what waits to be told to this node's monitor, bounded per peer.
 *
 * Three classes with a quota each, so that nobody can push proof against itself out with
 * noise: proofs, losers (signed messages not in the chain), and sightings, which add up
 * to one item per kind and type. Beyond its quota a peer's oldest item of that class
 * goes, and is counted. No clock, no I/O.
 */
#ifndef APM2_REPORT_QUEUE_H
#define APM2_REPORT_QUEUE_H

#include "common/evidence/evidence.h"

enum report_class { REPORT_PROOF, REPORT_SIGHTING, REPORT_LOSER, REPORT_CLASSES };

/* Of one peer and class. */
#define REPORT_QUEUE_ITEMS_MAX 32u
#define REPORT_QUEUE_BYTES_MAX (256u * KIB)

struct report_queue;

struct report_queue *report_queue_new(uint32_t n_peers);
void report_queue_destroy(struct report_queue **queue);

struct report {
    uint32_t peer; /* the accused, or whose session it was */
    enum report_class class;
    uint64_t at_ms;
    struct hash about; /* items of a peer and class that are about the same are one */
    struct span body;  /* copied */
};

void report_queue_put(struct report_queue *queue, const struct report *report);

/* Dropped so far of a peer's. */
uint64_t report_queue_drops(const struct report_queue *queue, uint32_t peer);
/* Waiting, of all peers. */
uint32_t report_queue_n(const struct report_queue *queue);

/* The next report message into out: proofs first, every peer in turn. They leave the
 * queue. 0: nothing waits. `capacity` must hold REPORT_BYTES_MAX. */
#define REPORT_BYTES_MAX (1u * MIB)
size_t report_queue_take(struct report_queue *queue, uint64_t source, uint64_t number,
                         uint8_t *out);

#endif
