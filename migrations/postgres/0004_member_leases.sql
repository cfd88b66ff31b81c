-- Which node runs a member's cycle: every write of a cycle is guarded by owner and epoch, by the database's clock.
ALTER TABLE members ADD COLUMN owner TEXT;                        -- stays when the lease is over: who did it last
ALTER TABLE members ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;   -- raised by each claim
ALTER TABLE members ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0;
