// The schema, step by step. A step that was released is never changed: what a new version needs is a new step at the end.

/** Step n brings a file of version n to version n + 1. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE user (
    name TEXT NOT NULL,
    domain TEXT NOT NULL,
    realm TEXT NOT NULL,
    credentials TEXT NOT NULL,
    user_group TEXT,
    limits TEXT NOT NULL,
    locked INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (domain, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE binding (
    aor TEXT NOT NULL,
    position INTEGER NOT NULL,
    run TEXT NOT NULL,
    contact TEXT NOT NULL,
    key TEXT NOT NULL,
    call_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    priority REAL NOT NULL,
    expires_at INTEGER NOT NULL,
    flow_id TEXT NOT NULL,
    listener TEXT NOT NULL,
    user_agent TEXT,
    PRIMARY KEY (aor, position)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE user ADD COLUMN password_changed_at INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE user ADD COLUMN must_change INTEGER NOT NULL DEFAULT 0;
  UPDATE user SET password_changed_at = changed_at;

  CREATE TABLE former_password (
    domain TEXT NOT NULL,
    name TEXT NOT NULL,
    replaced_at INTEGER NOT NULL,
    credentials TEXT NOT NULL,
    PRIMARY KEY (domain, name, replaced_at)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE ban (
    source TEXT NOT NULL,
    account TEXT NOT NULL,
    reason TEXT NOT NULL,
    until INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (source, account)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE alert (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    node TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    count INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE audit (
    position INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE budget (
    key TEXT NOT NULL PRIMARY KEY,
    used INTEGER NOT NULL,
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE budget_lease (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    lease INTEGER NOT NULL,
    until INTEGER NOT NULL,
    leased_at INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
  ) STRICT, WITHOUT ROWID;
  `,
  `ALTER TABLE binding ADD COLUMN path TEXT NOT NULL DEFAULT ''`,
  `
  CREATE TABLE device (
    id TEXT NOT NULL PRIMARY KEY,
    aor TEXT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL,
    source TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    decided_at INTEGER NOT NULL,
    decided_by TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE totp (
    owner TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL,
    last_step INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    locked_until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE admin_account (
    name TEXT NOT NULL PRIMARY KEY,
    password TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    locked_until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE fraud_hold (
    subject TEXT NOT NULL,
    action TEXT NOT NULL,
    class TEXT NOT NULL,
    rule TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    PRIMARY KEY (subject, action, class)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE fraud_known (
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (subject, kind, value)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX fraud_known_at ON fraud_known (at);
  `,
  `
  CREATE TABLE call (
    id TEXT NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE applied (
    run TEXT NOT NULL PRIMARY KEY,
    batch INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `ALTER TABLE binding ADD COLUMN datagram TEXT NOT NULL DEFAULT ''`,
  `
  CREATE TABLE nonces (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    document TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE subscription (
    id TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `ALTER TABLE admin_account ADD COLUMN role TEXT NOT NULL DEFAULT 'admin'`,
];
