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

-- migration_3 --
ALTER TABLE predictions ADD COLUMN run integer NOT NULL DEFAULT 0;
DROP INDEX predictions_by_entity;
CREATE INDEX predictions_by_entity ON predictions (project, run, entity) WHERE entity <> '';

-- of_entity --
p.id IN (
  WITH RECURSIVE runs (run) AS (
    SELECT min(run) FROM predictions INDEXED BY predictions_by_entity WHERE project = :project AND entity <> ''
    UNION ALL
    SELECT (
      SELECT min(run) FROM predictions INDEXED BY predictions_by_entity
      WHERE project = :project AND entity <> '' AND run > runs.run
    )
    FROM runs WHERE run IS NOT NULL
  )
  SELECT one.id FROM runs CROSS JOIN predictions AS one INDEXED BY predictions_by_entity
  WHERE one.project = :project AND one.run = runs.run AND one.entity = :entity AND one.entity <> ''
)

-- add_predictions --
INSERT INTO predictions
  (id, project, at, request, key, version, role, inputs, output, latency, entity, shadow_of, run)
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
