-- A recovery point that its cloud does not show: a pool that is away, or somebody removed it. Usable again when it is back.
ALTER TABLE points ADD COLUMN missing_since BIGINT;
