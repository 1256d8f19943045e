-- 0005_schemas: what apm2-schema-registry keeps: the text of every schema in force.
--
-- Writing service: apm2-schema-registry. All others read the view.
INSERT INTO fence (service, epoch) VALUES ('apm2-schema-registry', 0);

-- The digest is BLAKE2b-256 over the canonical form of `text`, and says all: a row is
-- written once and never changed, so that old events can always be read.
CREATE TABLE schema_text (
    digest bytea PRIMARY KEY,
    namespace text NOT NULL,
    type text NOT NULL,
    version bigint NOT NULL,
    text text NOT NULL,
    UNIQUE (namespace, type, version)
);

CREATE VIEW schema_v1 AS
    SELECT digest, namespace, type, version, text FROM schema_text;
