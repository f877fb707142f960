-- Stores values sealed anew, each only if it is still what was read; returns those that were.
update block_secrets stored
set key_id = :key_id, blob = new.blob
from unnest(
  cast(:document_ids as uuid[]), cast(:paths as text[]), cast(:versions as bigint[]),
  cast(:old_key_ids as uuid[]), cast(:old_blobs as bytea[]), cast(:blobs as bytea[])
) as new (block_document_id, path, version, old_key_id, old_blob, blob)
where stored.workspace_id = :workspace_id
  and stored.block_document_id = new.block_document_id
  and stored.path = new.path
  and stored.version = new.version
  and stored.key_id = new.old_key_id
  and stored.blob = new.old_blob
