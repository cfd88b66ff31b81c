-- The recovery point that a copy's disks are based on: held as long as the copy exists.
ALTER TABLE copies ADD COLUMN point_id TEXT;
