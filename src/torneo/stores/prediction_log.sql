-- lines --
SELECT
  p.id, p.at, p.request, p.key, p.version, p.role, p.inputs, p.output, p.latency, p.entity, p.shadow_of,
  o.value, o.at
FROM predictions AS p
LEFT JOIN prediction_outcomes AS o ON o.project = p.project AND o.prediction = p.id AND o.at = (
  SELECT max(at) FROM prediction_outcomes WHERE project = p.project AND prediction = p.id
)
WHERE p.project = :project{conditions}
ORDER BY p.id {order}
LIMIT :limit

-- where_id --
p.id = :id

-- where_after --
p.id > :after

-- where_since --
p.id >= :since

-- where_until --
p.id < :until

-- where_version --
p.version = :version

-- where_role --
p.role = :role

-- where_key --
p.key = :key

-- where_request --
p.request = :request

-- where_entity --
{of_entity}

-- where_labelled --
o.at IS NOT NULL

-- where_unlabelled --
o.at IS NULL

-- claim --
SELECT project, key, name, request, digest, answer, at FROM prediction_claims
WHERE project = :project AND key = :key AND name = :name

-- piece --
SELECT id FROM predictions WHERE project = :project AND id < :until ORDER BY id LIMIT 1 OFFSET :rows

-- prune_outcomes --
DELETE FROM prediction_outcomes WHERE project = :project AND prediction < :until

-- prune_predictions --
DELETE FROM predictions WHERE project = :project AND id < :until

-- prune_claims --
DELETE FROM prediction_claims WHERE project = :project AND (key, name) IN (
  SELECT key, name FROM prediction_claims WHERE project = :project AND at < :before ORDER BY at LIMIT :rows
)

-- erase_claims --
DELETE FROM prediction_claims WHERE project = :project AND request IN (
  SELECT p.request FROM predictions AS p WHERE p.project = :project AND {of_entity}
)

-- erase_outcomes --
DELETE FROM prediction_outcomes WHERE project = :project AND prediction IN (
  SELECT p.id FROM predictions AS p WHERE p.project = :project AND {of_entity}
)

-- erase_predictions --
DELETE FROM predictions AS p WHERE p.project = :project AND {of_entity}

-- count_refused --
INSERT INTO prediction_refusals (project, minute, reason, count) VALUES (:project, :minute, :reason, :number)
ON CONFLICT (project, minute, reason) DO UPDATE SET count = prediction_refusals.count + excluded.count

-- refused --
SELECT project, minute, reason, count FROM prediction_refusals
WHERE project = :project AND minute >= :first AND minute < :until
ORDER BY minute, reason

-- prune_refusals --
DELETE FROM prediction_refusals WHERE project = :project AND minute < :until
