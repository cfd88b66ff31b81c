-- Every member that ever was: a plan that names one finds the machine again after it was taken out and protected anew.
CREATE TABLE known_members (
  id TEXT PRIMARY KEY,
  lineage TEXT NOT NULL,
  name TEXT NOT NULL
);
INSERT INTO known_members (id, lineage, name) SELECT id, lineage, name FROM members;
