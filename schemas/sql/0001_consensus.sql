-- 0001_consensus: what apm2-consensus keeps.
--
-- Writing service: apm2-consensus, the only writer of every table here but
-- `fence`, where each service writes its own row. All others read the views.
--
-- No triggers, no procedural code, no notifications: any engine that speaks
-- PostgreSQL's protocol can hold these tables. u64 values are bigint.

-- Who may write: a process takes the next epoch of its service, and every write
-- names the epoch it holds.
CREATE TABLE fence (
    service text PRIMARY KEY,
    epoch bigint NOT NULL
);
INSERT INTO fence (service, epoch) VALUES ('apm2-consensus', 0);

-- The chain this database belongs to; set by the first start.
CREATE TABLE chain (
    id smallint PRIMARY KEY CHECK (id = 1),
    chain bytea NOT NULL
);

-- The safety record. Kept in the row (not beside it) as long as it fits a page:
-- it is rewritten with every vote.
CREATE TABLE safety (
    id smallint PRIMARY KEY CHECK (id = 1),
    counter bigint NOT NULL,
    instance bytea NOT NULL,
    record bytea NOT NULL
) WITH (
    toast_tuple_target = 8160,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000
);
ALTER TABLE safety ALTER COLUMN record SET STORAGE EXTERNAL;
INSERT INTO safety (id, counter, instance, record) VALUES (1, 0, ''::bytea, ''::bytea);

-- Every block whose body is stored here, committed or not. `proposal` is the
-- message as received, `bundles` its bundle records one after the other, each
-- with its msgpack bin header. Rank, height and parent repeat what the proposal's
-- header says. n_bytes bounds reads without touching the bytes.
CREATE TABLE block (
    id bytea PRIMARY KEY,
    epoch bigint NOT NULL,
    term bigint NOT NULL,
    seq bigint NOT NULL,
    height bigint NOT NULL,
    parent bytea NOT NULL,
    proposal bytea NOT NULL,
    n_bundles bigint NOT NULL,
    bundles bytea NOT NULL,
    n_bytes bigint NOT NULL
);
-- Signatures and hashes do not compress; trying costs more than the disk.
ALTER TABLE block ALTER COLUMN proposal SET STORAGE EXTERNAL;
ALTER TABLE block ALTER COLUMN bundles SET STORAGE EXTERNAL;
CREATE INDEX block_height ON block (height);

-- The committed chain, as executed. proof is a commit_proof record, NULL for a
-- block committed as an ancestor of a later one.
CREATE TABLE committed (
    height bigint PRIMARY KEY,
    block bytea NOT NULL,
    proof bytea,
    outcomes bytea NOT NULL,
    state_root bytea NOT NULL,
    authority_root bytea NOT NULL,
    ledger_root bytea NOT NULL,
    time_ms bigint NOT NULL
);
ALTER TABLE committed ALTER COLUMN proof SET STORAGE EXTERNAL;
ALTER TABLE committed ALTER COLUMN outcomes SET STORAGE EXTERNAL;

-- The records one block added to one namespace, and the ledger's head after them.
CREATE TABLE segment (
    height bigint NOT NULL,
    namespace text NOT NULL,
    first_seq bigint NOT NULL,
    n_records bigint NOT NULL,
    chain bytea NOT NULL,
    tree_root bytea NOT NULL,
    PRIMARY KEY (namespace, height)
);
-- From a record's number to its block.
CREATE UNIQUE INDEX segment_first_seq ON segment (namespace, first_seq);

-- Where a bundle was committed.
CREATE TABLE bundle_index (
    bundle bytea PRIMARY KEY,
    height bigint NOT NULL,
    position bigint NOT NULL
);

-- The read interface: other services and the command line use these alone.
CREATE VIEW block_v1 AS
    SELECT c.height, c.block, b.parent, b.epoch, b.term, b.seq, c.time_ms, b.proposal, b.n_bundles,
           b.bundles, b.n_bytes, c.proof, c.outcomes, c.state_root, c.authority_root, c.ledger_root
    FROM committed c LEFT JOIN block b ON b.id = c.block;

CREATE VIEW segment_v1 AS
    SELECT namespace, height, first_seq, n_records, chain, tree_root FROM segment;

CREATE VIEW bundle_v1 AS
    SELECT i.bundle, i.height, i.position, c.block, c.time_ms
    FROM bundle_index i JOIN committed c ON c.height = i.height;

CREATE VIEW status_v1 AS
    SELECT c.height, c.block, c.state_root, c.time_ms,
           (SELECT chain FROM chain WHERE id = 1) AS chain,
           (SELECT epoch FROM fence WHERE service = 'apm2-consensus') AS fence_epoch
    FROM committed c ORDER BY c.height DESC LIMIT 1;
