-- columns --
SELECT column_name, data_type, is_nullable, column_default IS NOT NULL
FROM duckdb_columns()
WHERE schema_name = :schema AND table_name = :name AND NOT internal
ORDER BY column_index

-- key --
SELECT unnest(constraint_column_names)
FROM duckdb_constraints()
WHERE schema_name = :schema AND table_name = :name AND constraint_type = 'PRIMARY KEY'

-- schema --
SELECT 1 FROM duckdb_schemas() WHERE schema_name = :schema AND NOT internal

-- create_staging --
CREATE TABLE IF NOT EXISTS {table} ({definitions})

-- copy --
INSERT INTO {table} ({columns}) SELECT {columns} FROM staged_batch

-- sort --
SELECT {columns} FROM read_parquet(:file) ORDER BY {key}

-- withhold --
CREATE OR REPLACE TEMP TABLE torneo_withheld AS SELECT {key} FROM {prod} WHERE FALSE
