-- What an event is about, besides its name: the object itself, and all others that it touches (the machines of a run).
ALTER TABLE audit ADD COLUMN object TEXT;

CREATE TABLE audit_objects (
  object TEXT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (object, seq)
);
CREATE INDEX audit_actor ON audit(actor, seq);
