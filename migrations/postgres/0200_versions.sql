-- Counts up with each change of a plan or group: who changes what somebody else changed meanwhile is told.
ALTER TABLE plans ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE groups ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
-- What a cloud's control plane is known by wherever it is asked (libvirt: the host's UUID).
ALTER TABLE clouds ADD COLUMN host_id TEXT;
