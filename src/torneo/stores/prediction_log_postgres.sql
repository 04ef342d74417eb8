-- has_version --
SELECT 1 FROM pg_class WHERE relname = 'prediction_log_schema' AND pg_table_is_visible(oid)

-- version --
SELECT version FROM prediction_log_schema

-- lock_migrations --
SELECT pg_advisory_xact_lock(7223868)

-- set_version --
UPDATE prediction_log_schema SET version = :version

-- durable --
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'

-- patience --
SELECT set_config('lock_timeout', '20s', false)

-- migration_1 --
CREATE TABLE prediction_log_schema (version integer NOT NULL);
INSERT INTO prediction_log_schema VALUES (0);
CREATE TABLE predictions (
  project text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, at bigint NOT NULL, request text NOT NULL,
  key text NOT NULL, version integer NOT NULL, role text NOT NULL, inputs text NOT NULL, output text NOT NULL,
  latency bigint NOT NULL, entity text COLLATE "C" NOT NULL, shadow_of text NOT NULL,
  PRIMARY KEY (project, id)
);
CREATE INDEX predictions_by_entity ON predictions (project, entity, id) WHERE entity <> '';
CREATE TABLE prediction_outcomes (
  project text COLLATE "C" NOT NULL, prediction text COLLATE "C" NOT NULL, at bigint NOT NULL, value text NOT NULL,
  key text NOT NULL,
  PRIMARY KEY (project, prediction, at)
);
CREATE TABLE prediction_claims (
  project text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL,
  request text COLLATE "C" NOT NULL, digest text NOT NULL, answer text NOT NULL, at bigint NOT NULL,
  PRIMARY KEY (project, key, name)
);
CREATE INDEX prediction_claims_by_time ON prediction_claims (project, at);
CREATE INDEX prediction_claims_by_request ON prediction_claims (project, request);

-- migration_2 --
CREATE TABLE prediction_refusals (
  project text COLLATE "C" NOT NULL, minute integer NOT NULL, reason text COLLATE "C" NOT NULL, count bigint NOT NULL,
  PRIMARY KEY (project, minute, reason)
);

-- of_entity --
p.entity = :entity AND p.entity <> ''

-- add_predictions --
INSERT INTO predictions
  (id, project, at, request, key, version, role, inputs, output, latency, entity, shadow_of)
SELECT id, project, at, request, key, version, role, inputs, output, latency, entity, "of"
FROM json_to_recordset($1::json) AS r (
  id text, project text, at bigint, request text, key text, version integer, role text, inputs text, output text,
  latency bigint, entity text, "of" text
)
ON CONFLICT DO NOTHING

-- add_claims --
INSERT INTO prediction_claims (project, key, name, request, digest, answer, at)
SELECT project, key, name, request, digest, answer, at
FROM json_to_recordset($1::json) AS r (
  project text, key text, name text, request text, digest text, answer text, at bigint
)
ON CONFLICT DO NOTHING

-- add_outcomes --
INSERT INTO prediction_outcomes (project, prediction, value, at, key)
SELECT project, prediction, value, at, key
FROM json_to_recordset($1::json) AS r (project text, prediction text, value text, at bigint, key text)
ON CONFLICT (project, prediction, at) DO UPDATE SET value = excluded.value, key = excluded.key

-- known --
SELECT id FROM predictions WHERE project = :project AND id = ANY(:ids)
