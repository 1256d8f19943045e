-- 0003_evidence: what apm2-byzantine-monitor keeps of validators' misbehaviour.
--
-- Writing service: apm2-byzantine-monitor. All others read the views.
INSERT INTO fence (service, epoch) VALUES ('apm2-byzantine-monitor', 0);

-- One row per offence (common/evidence), or per member, kind, type and minute for what
-- accuses nobody. `record` is an evidence record: of several that show one offence the
-- bytewise smallest, so that all nodes keep the same. `n`: how often a session brought it;
-- 1 for an offence. `number` counts in the order of arrival.
CREATE TABLE evidence (
    id bytea PRIMARY KEY,
    number bigint NOT NULL UNIQUE,
    kind bigint NOT NULL,
    what bigint NOT NULL,
    is_attributable bigint NOT NULL,
    validator bigint NOT NULL,
    validator_id text NOT NULL,
    epoch bigint NOT NULL,
    term bigint NOT NULL,
    seq bigint NOT NULL,
    n bigint NOT NULL,
    first_ms bigint NOT NULL,
    last_ms bigint NOT NULL,
    record bytea NOT NULL,
    ack_ms bigint NOT NULL DEFAULT 0,
    ack_reason text NOT NULL DEFAULT ''
);
ALTER TABLE evidence ALTER COLUMN record SET STORAGE EXTERNAL;
CREATE INDEX evidence_validator ON evidence (validator_id, kind);

-- The newest report of consensus whose content is in these tables: a repetition of it
-- counts once.
CREATE TABLE evidence_source (
    id smallint PRIMARY KEY CHECK (id = 1),
    source bigint NOT NULL,
    number bigint NOT NULL
);
INSERT INTO evidence_source (id, source, number) VALUES (1, 0, 0);

-- How far other nodes' evidence has been read out of the data plane (anti-entropy's cursor).
CREATE TABLE evidence_cursor (
    id smallint PRIMARY KEY CHECK (id = 1),
    cursor bigint NOT NULL
);
INSERT INTO evidence_cursor (id, cursor) VALUES (1, 0);

CREATE VIEW evidence_v1 AS
    SELECT id, number, kind, what, is_attributable, validator, validator_id, epoch, term, seq, n,
           first_ms, last_ms, record, ack_ms, ack_reason
    FROM evidence;
