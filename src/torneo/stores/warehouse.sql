-- create_schema --
CREATE SCHEMA IF NOT EXISTS {schema}

-- create_table --
CREATE TABLE IF NOT EXISTS {table} ({definitions})

-- add_column --
ALTER TABLE {table} ADD COLUMN {definition}

-- drop_table --
DROP TABLE {table}

-- widen --
ALTER TABLE {table} ALTER COLUMN {column} TYPE {type}

-- allow_null --
ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL

-- clear --
TRUNCATE {table}

-- clear_run --
DELETE FROM {table} WHERE run_id = :run

-- count_old --
SELECT count(*) FROM {table} WHERE inserted_at < :before AND run_id <> :run

-- clear_old --
DELETE FROM {table} WHERE inserted_at < :before AND run_id <> :run

-- rows --
SELECT * FROM {table}

-- rows_where --
SELECT * FROM {table} WHERE {conditions}

-- put_run --
INSERT INTO dqm.dq_runs (run_id, suite, project, status, checked_at, details)
VALUES (:run, :suite, :project, :status, :at, :details)
ON CONFLICT (run_id) DO UPDATE SET
  suite = excluded.suite, project = excluded.project, status = excluded.status,
  checked_at = excluded.checked_at, details = excluded.details

-- compare --
SELECT
  count(*) FILTER (WHERE s.run_id IS NOT NULL AND p.is_active IS NULL) AS inserted,
  count(*) FILTER (WHERE s.run_id IS NOT NULL AND p.is_active AND ({differs})) AS updated,
  count(*) FILTER (WHERE s.run_id IS NOT NULL AND NOT p.is_active) AS reactivated,
  count(*) FILTER (WHERE s.run_id IS NULL AND p.is_active) AS missing,
  count(*) FILTER (WHERE p.is_active) AS active
FROM {staging} AS s
FULL JOIN (SELECT * FROM {prod} AS p WHERE {inside}) AS p ON {matches}

-- held --
SELECT count(*) AS rows, count(*) FILTER (WHERE p.is_active) AS active, max(p.updated_at) AS updated
FROM {prod} AS p
WHERE {inside}

-- moved --
SELECT {moved}, p.{window} AS torneo_day
FROM {staging} AS s
JOIN {prod} AS p ON {matches}
WHERE ({inside}) IS NOT TRUE

-- missing --
SELECT count(*)
FROM {prod} AS p
WHERE p.is_active AND {inside}
  AND NOT EXISTS (SELECT 1 FROM {staging} AS s WHERE {matches})
  AND NOT EXISTS (SELECT 1 FROM torneo_withheld AS w WHERE {withheld})

-- update --
UPDATE {prod} AS p
SET is_active = TRUE, updated_at = :at{assignments}
FROM {staging} AS s
WHERE {matches} AND (NOT p.is_active OR {differs})

-- insert --
INSERT INTO {prod} ({columns}, is_active, created_at, updated_at)
SELECT {staged}, TRUE, :at, :at
FROM {staging} AS s
WHERE NOT EXISTS (SELECT 1 FROM {prod} AS p WHERE {matches})

-- insert_all --
INSERT INTO {prod} ({columns}, is_active, created_at, updated_at)
SELECT {staged}, TRUE, :at, :at
FROM {staging} AS s

-- deactivate --
UPDATE {prod} AS p
SET is_active = FALSE, updated_at = :at
WHERE p.is_active AND {inside} AND NOT EXISTS (SELECT 1 FROM {staging} AS s WHERE {matches})

-- deactivate_others --
UPDATE {prod} AS p
SET is_active = FALSE, updated_at = :at
WHERE p.is_active AND {inside}
  AND NOT EXISTS (SELECT 1 FROM {staging} AS s WHERE {matches})
  AND NOT EXISTS (SELECT 1 FROM torneo_withheld AS w WHERE {withheld})
