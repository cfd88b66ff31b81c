-- Superseded copies are locked against start by their own hypervisor.
ALTER TABLE copies ADD COLUMN locked_at BIGINT;                       -- the lock was read back, and written into the audit trail
ALTER TABLE copies ADD COLUMN locking_until BIGINT NOT NULL DEFAULT 0; -- a node is at it; nobody may make another machine of it before
