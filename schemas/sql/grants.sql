-- Who may touch what; run by every `apm2 db migrate` where the roles exist.
-- apm2_consensus logs in as, or is granted to, the writing service's user;
-- apm2_read is for everybody else.
GRANT SELECT ON schema_migration TO apm2_consensus, apm2_anti_entropy, apm2_read;
GRANT SELECT, UPDATE ON fence, safety TO apm2_consensus;
GRANT SELECT, INSERT ON chain, segment, bundle_index TO apm2_consensus;
GRANT SELECT, INSERT, UPDATE ON committed TO apm2_consensus;
GRANT SELECT, INSERT, DELETE ON block TO apm2_consensus;
GRANT SELECT ON schema_migration TO apm2_byzantine_monitor;
GRANT SELECT, UPDATE ON fence TO apm2_byzantine_monitor;
GRANT SELECT, INSERT, UPDATE ON evidence TO apm2_byzantine_monitor;
GRANT SELECT, UPDATE ON evidence_source, evidence_cursor TO apm2_byzantine_monitor;
GRANT SELECT ON evidence_v1 TO apm2_byzantine_monitor, apm2_read;
GRANT SELECT ON block_v1 TO apm2_byzantine_monitor;
GRANT SELECT, UPDATE ON fence TO apm2_anti_entropy;
GRANT SELECT ON chain TO apm2_anti_entropy;
GRANT SELECT, INSERT, UPDATE ON feed TO apm2_anti_entropy;
GRANT SELECT, INSERT ON feed_record, feed_head TO apm2_anti_entropy;
GRANT SELECT ON feed_v1, record_v1 TO apm2_anti_entropy, apm2_read;
GRANT SELECT ON block_v1, segment_v1, bundle_v1, status_v1
    TO apm2_consensus, apm2_anti_entropy, apm2_read;
GRANT SELECT ON schema_migration TO apm2_schema_registry;
GRANT SELECT, UPDATE ON fence TO apm2_schema_registry;
GRANT SELECT, INSERT ON schema_text TO apm2_schema_registry;
GRANT SELECT ON schema_v1 TO apm2_schema_registry, apm2_read;
