-- 0002_block_height: the height a stored block says it has, for who checks it against
-- the height at which it was committed.
--
-- Writing service: apm2-consensus; a view only.
CREATE OR REPLACE VIEW block_v1 AS
    SELECT c.height, c.block, b.parent, b.epoch, b.term, b.seq, c.time_ms, b.proposal, b.n_bundles,
           b.bundles, b.n_bytes, c.proof, c.outcomes, c.state_root, c.authority_root, c.ledger_root,
           b.height AS block_height
    FROM committed c LEFT JOIN block b ON b.id = c.block;
