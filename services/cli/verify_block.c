#include "services/cli/verify_block.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/hash.h"
#include "common/merkle/merkle.h"

__attribute__((format(printf, 2, 3))) static bool bad(struct block_fault *fault, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault->text, sizeof(fault->text), format, args);
    va_end(args);
    if (fault->table == NULL)
        fault->table = "block";
    return false;
}

static bool check_header(const struct genesis *genesis, const struct store_block_row *row,
                         const struct wire_proposal *proposal, struct checked_block *block,
                         struct block_fault *fault)
{
    struct hash id = hash_bytes(proposal->header);
    uint8_t statement[STATEMENT_BYTES_MAX];
    if (!hash_eq(&id, &row->block))
        return bad(fault, "the header's hash is not the block's id");
    if (wire_decode_as(WIRE_header, proposal->header, &block->header) != WIRE_OK)
        return bad(fault, "the header is malformed");
    if (!hash_eq(&block->header.chain, &genesis->chain))
        return bad(fault, "the block is of another chain");
    if (block->header.author >= genesis->n_validators)
        return bad(fault, "the author is no validator");
    size_t n = statement_proposal(&genesis->chain, &id, statement);
    if (!sig_check_ed25519(&genesis->set.keys[block->header.author], span_of(statement, n),
                           &proposal->signature))
        return bad(fault, "the author's signature is bad");
    return true;
}

/* The columns that repeat what header and body say. */
static bool check_repeated(const struct store_block_row *row, const struct wire_header *header,
                           struct block_fault *fault)
{
    if (row->rank.epoch != header->rank.epoch)
        return bad(fault, "epoch is not the header's");
    if (row->rank.term != header->rank.term)
        return bad(fault, "term is not the header's");
    if (row->rank.seq != header->rank.seq)
        return bad(fault, "seq is not the header's");
    if (row->block_height != header->height)
        return bad(fault, "height is not the header's");
    if (!hash_eq(&row->parent, &header->parent))
        return bad(fault, "parent is not the header's");
    if (row->n_bytes != row->proposal.size + row->bundles.size)
        return bad(fault, "n_bytes is not the size of proposal and bundles");
    fault->table = "committed";
    if (row->height != header->height)
        return bad(fault, "the header says height %llu", (unsigned long long)header->height);
    if (row->time_ms != header->time_ms)
        return bad(fault, "time_ms is not the header's");
    fault->table = NULL;
    return true;
}

/* The certificates that the header cites. */
static bool check_certificates(const struct genesis *genesis, const struct wire_proposal *proposal,
                               const struct wire_header *header, struct block_fault *fault)
{
    struct qc *qc = mem_new(1, sizeof(*qc));
    struct entry *entry = mem_new(1, sizeof(*entry));
    enum cert_verdict verdict = qc_decode(proposal->justify, qc);
    if (verdict == CERT_OK)
        verdict = qc_verify(&genesis->set, qc);
    bool ok = verdict == CERT_OK || bad(fault, "justify: %s", cert_verdict_text(verdict));
    struct hash digest = ok ? qc_digest(qc) : (struct hash){{0}};
    if (ok && !hash_eq(&digest, &header->justify))
        ok = bad(fault, "justify is not the certificate the header names");

    if (ok && proposal->entry.size > 0) {
        verdict = entry_decode(proposal->entry, entry);
        if (verdict == CERT_OK)
            verdict = entry_verify(&genesis->set, entry);
        ok = verdict == CERT_OK || bad(fault, "entry: %s", cert_verdict_text(verdict));
    }
    digest = ok ? entry_digest(entry) : (struct hash){{0}};
    if (ok && !hash_eq(&digest, &header->entry))
        ok = bad(fault, "entry is not the certificate the header names");
    free(entry);
    free(qc);
    return ok;
}

static bool check_bundle(const struct genesis *genesis, struct span bytes, const struct hash *id,
                         struct bundle_view *ret_bundle, struct block_fault *fault)
{
    fault->bundle = *id;
    enum bundle_verdict verdict = bundle_parse(bytes, &genesis->chain, ret_bundle);
    if (verdict == BUNDLE_OK && !hash_eq(&ret_bundle->id, id))
        return bad(fault, "the bundle is another than the block lists");
    if (verdict == BUNDLE_OK)
        verdict = bundle_verify(ret_bundle, &genesis->chain);
    if (verdict != BUNDLE_OK)
        return bad(fault, "bundle: %s", bundle_verdict_text(verdict));
    fault->bundle = (struct hash){{0}};
    return true;
}

static bool check_payload(const struct genesis *genesis, const struct store_block_row *row,
                          const struct wire_proposal *proposal, struct checked_block *block,
                          struct block_fault *fault)
{
    size_t n = proposal->bundles.size / sizeof(struct hash), cursor = 0;
    if (n != row->n_bundles || n > BLOCK_BUNDLES_MAX)
        return bad(fault, "%llu bundles are stored, %zu are listed",
                   (unsigned long long)row->n_bundles, n);
    struct blobs blobs = {.n = (uint32_t)n, .raw = row->bundles};
    struct hash *ids = mem_new(n + 1, sizeof(*ids));
    if (n > 0)
        memcpy(ids, proposal->bundles.data, proposal->bundles.size);
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        struct span bytes;
        ok = blobs_next(&blobs, &cursor, &bytes)
                 ? check_bundle(genesis, bytes, &ids[i], &block->bundles[i], fault)
                 : bad(fault, "the stored bundles end early");
    }
    if (ok && cursor != row->bundles.size)
        ok = bad(fault, "bytes follow the stored bundles");
    struct hash root = merkle_root_of_hashes(ids, n);
    if (ok && !hash_eq(&root, &block->header.payload_root))
        ok = bad(fault, "payload_root is not the bundles' root");
    block->n_bundles = (uint32_t)n;
    free(ids);
    return ok;
}

/* Either a certificate of this block or of its child: both name this block. */
static bool check_proof(const struct genesis *genesis, const struct store_block_row *row,
                        struct checked_block *block, struct block_fault *fault)
{
    block->has_proof = row->proof.size > 0;
    if (!block->has_proof)
        return true;
    fault->table = "committed";
    struct commit_proof *proof = mem_new(1, sizeof(*proof));
    enum cert_verdict verdict = commit_proof_decode(row->proof, proof);
    if (verdict == CERT_OK)
        verdict = commit_proof_verify(&genesis->set, proof);
    bool ok = verdict == CERT_OK || bad(fault, "commit proof: %s", cert_verdict_text(verdict));
    if (ok) {
        struct hash proven = commit_proof_block(proof);
        ok = hash_eq(&proven, &row->block) || bad(fault, "the commit proof is of another block");
    }
    free(proof);
    return ok;
}

bool verify_block(const struct genesis *genesis, const struct store_block_row *row,
                  struct checked_block *block, struct block_fault *ret_fault)
{
    struct wire_proposal proposal;
    *ret_fault = (struct block_fault){0};
    if (wire_decode_as(WIRE_proposal, row->proposal, &proposal) != WIRE_OK)
        return bad(ret_fault, "the proposal is malformed");
    return check_header(genesis, row, &proposal, block, ret_fault) &&
           check_repeated(row, &block->header, ret_fault) &&
           check_certificates(genesis, &proposal, &block->header, ret_fault) &&
           check_payload(genesis, row, &proposal, block, ret_fault) &&
           check_proof(genesis, row, block, ret_fault);
}
