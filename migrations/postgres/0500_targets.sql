-- A group may be replicated to further targets, each a group of its own beside the main one: objective, retention,
-- mappings and members. Plans and screens name the main one.
ALTER TABLE groups ADD COLUMN main_id TEXT REFERENCES groups(id) ON DELETE CASCADE;
ALTER TABLE members ADD COLUMN further BIGINT NOT NULL DEFAULT 0; -- 1: of a further target
DROP INDEX members_machine;
CREATE UNIQUE INDEX members_machine ON members(machine_id) WHERE further = 0;
CREATE UNIQUE INDEX members_further ON members(machine_id, target_cloud_id) WHERE further = 1;
CREATE INDEX members_lineage ON members(lineage);
