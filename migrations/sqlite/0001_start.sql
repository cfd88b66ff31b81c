-- Times are milliseconds since the epoch, JSON is TEXT, booleans are 0/1. The same text serves PostgreSQL, but for
-- the growing numbers (INTEGER PRIMARY KEY here, BIGSERIAL there), BLOB/BYTEA and STRICT.

CREATE TABLE clouds (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  site TEXT NOT NULL,
  simulated BIGINT NOT NULL,
  fields TEXT NOT NULL,             -- what is not secret
  secrets BLOB,                     -- sealed JSON
  fingerprint TEXT,
  created_at BIGINT NOT NULL,
  status TEXT NOT NULL,
  status_since BIGINT NOT NULL,
  message TEXT,
  observed_at BIGINT,
  retry_at BIGINT,
  version TEXT,
  capabilities TEXT NOT NULL DEFAULT '[]',
  capacity TEXT
);

CREATE TABLE machines (
  id TEXT PRIMARY KEY,              -- UUIDv5 of cloud and native id
  cloud_id TEXT NOT NULL REFERENCES clouds(id) ON DELETE CASCADE,
  native_id TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  vcpus BIGINT NOT NULL,
  memory_mib BIGINT NOT NULL,
  disk_bytes BIGINT NOT NULL,
  addresses TEXT NOT NULL,          -- JSON list
  tags TEXT NOT NULL,               -- JSON list
  detail TEXT NOT NULL,             -- the whole observation
  changed_at BIGINT NOT NULL,
  gone_at BIGINT,
  UNIQUE (cloud_id, native_id)
);
CREATE INDEX machines_name ON machines(name, id);

-- Which copy of a machine is which. A machine without a row here has no copies that we know of.
CREATE TABLE copies (
  machine_id TEXT PRIMARY KEY,      -- may name a machine that was not observed yet
  lineage TEXT NOT NULL,
  role TEXT NOT NULL,               -- active, incoming, superseded
  since BIGINT NOT NULL,
  generation BIGINT NOT NULL DEFAULT 1, -- of the lineage: each promotion raises it; it never falls
  run_id TEXT,
  keep_until BIGINT                 -- a superseded copy may be cleaned up after this
);
CREATE INDEX copies_lineage ON copies(lineage);

CREATE TABLE groups (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  protected_site TEXT NOT NULL,
  recovery_site TEXT NOT NULL,
  target_cloud_id TEXT NOT NULL,
  policy TEXT NOT NULL,
  networks TEXT NOT NULL,
  storage TEXT NOT NULL,
  paused BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL
);

-- One machine under replication: a member of a group, or the subject of a move (group_id is null then).
CREATE TABLE members (
  id TEXT PRIMARY KEY,
  group_id TEXT REFERENCES groups(id) ON DELETE CASCADE,
  machine_id TEXT NOT NULL,
  lineage TEXT NOT NULL,
  name TEXT NOT NULL,
  target_cloud_id TEXT NOT NULL,
  storage TEXT NOT NULL DEFAULT '[]', -- mapping of a move; a group's members take the group's
  state TEXT NOT NULL,
  held_by TEXT,                     -- the run that has taken replication over
  last_cycle_ms BIGINT,
  last_cycle_bytes BIGINT,
  last_error TEXT,
  error_since BIGINT,
  next_try_at BIGINT,
  final_point_id TEXT,              -- this point was taken while the machine was off: it stays current as long as it is
  autostart_was BIGINT,             -- 1: it started with its host before it was protected; put back at the end
  warning TEXT,                     -- something about this member needs a person, though data flow
  created_at BIGINT NOT NULL
);
CREATE INDEX members_group ON members(group_id);
CREATE UNIQUE INDEX members_machine ON members(machine_id);

CREATE TABLE points (
  id TEXT PRIMARY KEY,
  member_id TEXT NOT NULL,          -- outlives its member: points are deleted at the cloud first
  lineage TEXT NOT NULL,            -- what the cloud files it under
  cloud_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  parent_id TEXT,
  depth BIGINT NOT NULL,            -- 0 = full
  source_point TEXT,                -- PointRef at the source, while it is the newest
  sink_ref TEXT NOT NULL,
  spec TEXT NOT NULL,               -- MachineSpec at that time
  taken_at BIGINT NOT NULL,
  committed_at BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  held BIGINT NOT NULL DEFAULT 0,
  deleting BIGINT NOT NULL DEFAULT 0,
  UNIQUE (member_id, seq)
);
CREATE INDEX points_lineage ON points(lineage);

CREATE TABLE plans (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  spec TEXT NOT NULL,
  problems TEXT NOT NULL DEFAULT '[]',
  checked_at BIGINT,
  updated_at BIGINT NOT NULL
);

CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  subject TEXT NOT NULL,
  spec TEXT NOT NULL,               -- frozen at the start
  state TEXT NOT NULL,
  desired TEXT NOT NULL,            -- run, pause, cancel
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  started_at BIGINT,
  finished_at BIGINT,
  owner TEXT,
  epoch BIGINT NOT NULL DEFAULT 0,
  lease_until BIGINT NOT NULL DEFAULT 0,
  message TEXT,
  outcome TEXT,
  statement TEXT
);
CREATE INDEX runs_created ON runs(created_at);

CREATE TABLE steps (
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  ordinal BIGINT NOT NULL,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  machine TEXT,
  priority BIGINT NOT NULL,
  params TEXT NOT NULL,
  handle TEXT,                      -- what the step wrote down for a later attempt
  state TEXT NOT NULL,
  attempt BIGINT NOT NULL DEFAULT 0,
  started_at BIGINT,
  finished_at BIGINT,
  message TEXT,
  result TEXT,                      -- what it observed, for later steps and the outcome
  transfer TEXT,                    -- bytes on their way, as last written down
  on_error TEXT NOT NULL DEFAULT 'wait', -- wait (somebody decides), go_on (what needs it is skipped)
  needs TEXT NOT NULL,
  after TEXT NOT NULL,
  cutover BIGINT NOT NULL DEFAULT 0,
  decision TEXT,                    -- retry, skip, answer: who, what, comment
  PRIMARY KEY (run_id, key)
);

-- Which machines are in the hands of a run that is not over: by machine id and by lineage. Two runs cannot have one.
CREATE TABLE run_locks (
  subject TEXT PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE
);
CREATE INDEX run_locks_run ON run_locks(run_id);

CREATE TABLE run_events (
  seq INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  step TEXT,
  at BIGINT NOT NULL,
  severity TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX run_events_run ON run_events(run_id, seq);

CREATE TABLE alarms (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL,
  subject TEXT NOT NULL,
  site TEXT,
  message TEXT NOT NULL,
  since BIGINT NOT NULL,
  link TEXT,
  cleared_at BIGINT
);

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  password TEXT NOT NULL,           -- argon2id
  must_change BIGINT NOT NULL,
  disabled BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  last_sign_in_at BIGINT
);

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,              -- SHA-256 of the cookie
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  csrf TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  purpose TEXT NOT NULL,
  role TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,        -- SHA-256
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT,
  expires_at BIGINT,
  revoked_at BIGINT
);

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  ok BIGINT NOT NULL,
  detail TEXT NOT NULL,
  address TEXT
);
CREATE INDEX audit_subject ON audit(subject, seq);

-- Same key and same user: same answer. Kept for a day.
CREATE TABLE idempotency (
  key TEXT NOT NULL,
  actor TEXT NOT NULL,
  path TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  status BIGINT,
  answer TEXT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (key, actor)
);
