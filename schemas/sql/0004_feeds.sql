-- 0004_feeds: what apm2-anti-entropy keeps: feeds of observations (DESIGN 6).
--
-- Writing service: apm2-anti-entropy. All others read the views.
--
-- A feed's id is the first column of every key, so that an engine which shards by it can
-- hold these tables. Records, head and feed move in one transaction: nothing here can be
-- stale against the rest.
INSERT INTO fence (service, epoch) VALUES ('apm2-anti-entropy', 0);

-- One author's numbered records in a namespace. `size` of them are here, all from the first
-- on; `frontier` is the right edge of their tree, `head` the newest signed head, of exactly
-- that size. `fork_at`: the size at which its author signed two different roots.
CREATE TABLE feed (
    feed bytea PRIMARY KEY,
    namespace text NOT NULL,
    author text NOT NULL,
    incarnation bigint NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    frontier bytea NOT NULL,
    head bytea NOT NULL,
    hlc_max bigint NOT NULL,
    floor bigint NOT NULL DEFAULT 0,
    fork_at bigint
);

-- `record` is the record as received; hash its leaf in the tree. `arrival` numbers the
-- records of all feeds in the order in which they became durable on this node.
CREATE TABLE feed_record (
    feed bytea NOT NULL,
    seq bigint NOT NULL,
    namespace text NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    hlc bigint NOT NULL,
    hash bytea NOT NULL,
    record bytea NOT NULL,
    held bigint NOT NULL,
    arrival bigint NOT NULL,
    PRIMARY KEY (feed, seq)
);
CREATE INDEX feed_record_arrival ON feed_record (arrival);
CREATE INDEX feed_record_kind ON feed_record (namespace, kind, arrival);

-- Signed heads, at every size at which a chunk may end.
CREATE TABLE feed_head (
    feed bytea NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    head bytea NOT NULL,
    PRIMARY KEY (feed, size)
);

CREATE VIEW feed_v1 AS
    SELECT feed, namespace, author, incarnation, size, root, hlc_max, floor, fork_at FROM feed;

CREATE VIEW record_v1 AS
    SELECT r.feed, r.seq, r.namespace, f.author, f.incarnation, r.kind, r.key, r.hlc, r.hash,
           r.record, r.held, r.arrival
    FROM feed_record r JOIN feed f ON f.feed = r.feed;
