-- schema_version --
SELECT version_num FROM alembic_version

-- head --
SELECT count, digest FROM stream_heads WHERE project = :project AND stream = :stream

-- move_head --
INSERT INTO stream_heads (project, stream, count, digest) VALUES (:project, :stream, :count, :digest)
ON CONFLICT (project, stream) DO UPDATE SET count = excluded.count, digest = excluded.digest

-- entry_by_id --
SELECT sequence, time, id, body, digest FROM stream_entries
WHERE project = :project AND stream = :stream AND id = :id

-- add_entry --
INSERT INTO stream_entries (project, stream, sequence, time, id, body, digest)
VALUES (:project, :stream, :sequence, :time, :id, :body, :digest)

-- entries_from --
SELECT sequence, time, id, body, digest FROM stream_entries
WHERE project = :project AND stream = :stream AND sequence >= :first
ORDER BY sequence

-- record --
SELECT body FROM records WHERE project = :project AND name = :name

-- put_record --
INSERT INTO records (project, name, body) VALUES (:project, :name, :body)
ON CONFLICT (project, name) DO UPDATE SET body = excluded.body

-- remove_record --
DELETE FROM records WHERE project = :project AND name = :name

-- projects --
SELECT project FROM records WHERE project <> :installation
UNION SELECT project FROM stream_heads WHERE project <> :installation
ORDER BY project

-- lock_holder --
SELECT token, owner, host, machine, pid, started, since, expires FROM locks WHERE name = :name

-- take_lock --
INSERT INTO locks (name, token, owner, host, machine, pid, started, since, expires)
VALUES (:name, :token, :owner, :host, :machine, :pid, :started, :since, :expires)
ON CONFLICT (name) DO UPDATE SET
  token = excluded.token, owner = excluded.owner, host = excluded.host, machine = excluded.machine,
  pid = excluded.pid, started = excluded.started, since = excluded.since, expires = excluded.expires

-- renew_lock --
UPDATE locks SET expires = :expires WHERE name = :name AND token = :token

-- check_lock --
SELECT name FROM locks WHERE name = :name AND token = :token

-- free_lock --
DELETE FROM locks WHERE name = :name AND token = :token
