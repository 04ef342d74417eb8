-- columns --
SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, a.atthasdef OR a.attidentity <> ''
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND c.relname = :name AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum

-- key --
SELECT a.attname
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
WHERE n.nspname = :schema AND c.relname = :name AND i.indisprimary

-- primary --
SELECT i.indisprimary OR n.nspname = 'pg_catalog'
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND c.relname = :name

-- schema --
SELECT 1 FROM pg_namespace WHERE nspname = :schema

-- create_staging --
CREATE UNLOGGED TABLE IF NOT EXISTS {table} ({definitions})

-- index_runs --
CREATE INDEX ON {table} USING brin (run_id) WITH (pages_per_range = 32, autosummarize = on)

-- index_window --
CREATE INDEX ON {table} USING brin ({column}) WITH (pages_per_range = 32, autosummarize = on)

-- lock_migrations --
SELECT pg_advisory_xact_lock(7223867)

-- begin --
SET LOCAL TIME ZONE 'UTC'; SET LOCAL lock_timeout = '10min'; SET LOCAL work_mem = '64MB'

-- lock --
LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE

-- copy --
COPY {table} ({columns}) FROM STDIN

-- analyze --
ANALYZE {table}

-- withhold --
CREATE TEMP TABLE torneo_withheld ON COMMIT DROP AS SELECT {key} FROM {prod} WITH NO DATA
