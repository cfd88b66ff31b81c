-- What a cloud costs: amounts are millionths of the currency's unit, so that the price of a GiB is exact.
CREATE TABLE prices (
  cloud_id TEXT PRIMARY KEY REFERENCES clouds(id) ON DELETE CASCADE,
  currency TEXT NOT NULL,
  vcpu_month BIGINT NOT NULL,
  memory_gib_month BIGINT NOT NULL,
  storage_gib_month BIGINT NOT NULL,
  egress_gib BIGINT NOT NULL,
  flavours TEXT NOT NULL,           -- JSON list: sizes with a price of their own
  changed_at BIGINT NOT NULL,
  changed_by TEXT NOT NULL
);
