-- migration_1 --
CREATE TABLE predictions (
  project text NOT NULL, id text NOT NULL, at integer NOT NULL, request text NOT NULL, key text NOT NULL,
  version integer NOT NULL, role text NOT NULL, inputs text NOT NULL, output text NOT NULL, latency integer NOT NULL,
  entity text NOT NULL, shadow_of text NOT NULL,
  PRIMARY KEY (project, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX predictions_by_entity ON predictions (project, entity) WHERE entity <> '';
CREATE TABLE prediction_outcomes (
  project text NOT NULL, prediction text NOT NULL, at integer NOT NULL, value text NOT NULL, key text NOT NULL,
  PRIMARY KEY (project, prediction, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE prediction_claims (
  project text NOT NULL, key text NOT NULL, name text NOT NULL, request text NOT NULL, digest text NOT NULL,
  answer text NOT NULL, at integer NOT NULL,
  PRIMARY KEY (project, key, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX prediction_claims_by_time ON prediction_claims (project, at);
CREATE INDEX prediction_claims_by_request ON prediction_claims (project, request);

-- migration_2 --
CREATE TABLE prediction_refusals (
  project text NOT NULL, minute integer NOT NULL, reason text NOT NULL, count integer NOT NULL,
  PRIMARY KEY (project, minute, reason)
) STRICT, WITHOUT ROWID;

-- add_predictions --
INSERT INTO predictions
  (id, project, at, request, key, version, role, inputs, output, latency, entity, shadow_of)
VALUES {rows}
ON CONFLICT DO NOTHING

-- add_claims --
INSERT INTO prediction_claims (project, key, name, request, digest, answer, at)
VALUES {rows}
ON CONFLICT DO NOTHING

-- add_outcomes --
INSERT INTO prediction_outcomes (project, prediction, value, at, key)
VALUES {rows}
ON CONFLICT (project, prediction, at) DO UPDATE SET value = excluded.value, key = excluded.key

-- known --
SELECT id FROM predictions WHERE project = :project AND id IN (SELECT value FROM json_each(:ids))
