-- Portable columns: ids TEXT, times BIGINT (milliseconds UTC), JSON TEXT, flags BOOLEAN, ciphertext BLOB.
-- Every table that belongs to a tenant carries org_id. The journal and its queues have no foreign keys: they are
-- written in batches by one task that only knows sessions it has loaded.

CREATE TABLE organisations (
    org_id          TEXT    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL,
    locale          TEXT    NOT NULL,
    region          TEXT    NOT NULL,
    allowed_origins TEXT    NOT NULL,
    theme           TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL
);

-- Data keys, wrapped: an organisation's by the master key, a contact's by its organisation's. A destroyed key
-- keeps its row and loses its bytes.
CREATE TABLE data_keys (
    key_id          TEXT    NOT NULL PRIMARY KEY,
    org_id          TEXT    NOT NULL,
    subject         TEXT    NOT NULL,
    wrapped         BLOB,
    created_at      BIGINT  NOT NULL,
    destroyed_at    BIGINT
);
CREATE UNIQUE INDEX data_keys_subject ON data_keys (org_id, subject);

CREATE TABLE contacts (
    org_id          TEXT    NOT NULL,
    contact_id      TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    phone           TEXT,
    email           TEXT,
    zone            TEXT,
    created_at      BIGINT  NOT NULL,
    erased_at       BIGINT,
    PRIMARY KEY (org_id, contact_id),
    FOREIGN KEY (org_id) REFERENCES organisations (org_id)
);
CREATE UNIQUE INDEX contacts_phone ON contacts (org_id, phone);
CREATE UNIQUE INDEX contacts_email ON contacts (org_id, email);

-- People to whom nothing may be sent, for the whole organisation.
CREATE TABLE suppressions (
    org_id          TEXT    NOT NULL,
    contact_id      TEXT    NOT NULL,
    session_id      TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, contact_id)
);

CREATE TABLE services (
    org_id          TEXT    NOT NULL,
    service_id      TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    required_fields TEXT    NOT NULL,
    setup_steps     TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, service_id),
    FOREIGN KEY (org_id) REFERENCES organisations (org_id)
);

CREATE TABLE packages (
    org_id          TEXT    NOT NULL,
    package_id      TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, package_id),
    FOREIGN KEY (org_id) REFERENCES organisations (org_id)
);

CREATE TABLE package_services (
    org_id          TEXT    NOT NULL,
    package_id      TEXT    NOT NULL,
    service_id      TEXT    NOT NULL,
    position        BIGINT  NOT NULL,
    PRIMARY KEY (org_id, package_id, service_id),
    FOREIGN KEY (org_id, package_id) REFERENCES packages (org_id, package_id),
    FOREIGN KEY (org_id, service_id) REFERENCES services (org_id, service_id)
);

-- One row per saved version; never changed, because sessions are pinned to it.
CREATE TABLE flows (
    org_id          TEXT    NOT NULL,
    flow_id         TEXT    NOT NULL,
    version         BIGINT  NOT NULL,
    definition      TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, flow_id),
    FOREIGN KEY (org_id) REFERENCES organisations (org_id)
);

-- Identity (written once) and read model (written by the projector only) of a session.
CREATE TABLE sessions (
    session_id      TEXT    NOT NULL PRIMARY KEY,
    org_id          TEXT    NOT NULL,
    contact_id      TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    open_key        TEXT,
    flow_id         TEXT    NOT NULL,
    package_id      TEXT,
    locale          TEXT    NOT NULL,
    link            TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    epoch           BIGINT  NOT NULL DEFAULT 0,
    status          TEXT    NOT NULL DEFAULT 'active',
    pending         TEXT,
    answered        BIGINT  NOT NULL DEFAULT 0,
    last_channel    TEXT,
    last_activity_at BIGINT NOT NULL,
    projected_seq   BIGINT  NOT NULL DEFAULT 0,
    FOREIGN KEY (org_id, contact_id) REFERENCES contacts (org_id, contact_id),
    FOREIGN KEY (org_id, flow_id) REFERENCES flows (org_id, flow_id),
    FOREIGN KEY (org_id, package_id) REFERENCES packages (org_id, package_id)
);
CREATE UNIQUE INDEX sessions_open ON sessions (org_id, open_key);
CREATE UNIQUE INDEX sessions_link ON sessions (link);
CREATE INDEX sessions_activity ON sessions (org_id, last_activity_at);
CREATE INDEX sessions_contact ON sessions (org_id, contact_id);

-- The truth. One row per turn; the body holds all its events, sealed under the contact's key.
CREATE TABLE journal (
    position        INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    org_id          TEXT    NOT NULL,
    session_id      TEXT    NOT NULL,
    seq             BIGINT  NOT NULL,
    at              BIGINT  NOT NULL,
    dedup_key       TEXT,
    key_id          TEXT    NOT NULL,
    body            BLOB    NOT NULL
);
CREATE UNIQUE INDEX journal_seq ON journal (session_id, seq);
CREATE UNIQUE INDEX journal_dedup ON journal (org_id, dedup_key) WHERE dedup_key IS NOT NULL;

CREATE TABLE snapshots (
    session_id      TEXT    NOT NULL PRIMARY KEY,
    org_id          TEXT    NOT NULL,
    seq             BIGINT  NOT NULL,
    key_id          TEXT    NOT NULL,
    body            BLOB    NOT NULL
);

-- Messages to be sent. `due` is the instant before which nobody may claim the row: its planned time, the end of
-- the current claim's lease, or the next try. `lease` counts claims; a completion names the one it belongs to.
CREATE TABLE outbox (
    delivery_id     TEXT    NOT NULL PRIMARY KEY,
    org_id          TEXT    NOT NULL,
    session_id      TEXT    NOT NULL,
    contact_id      TEXT    NOT NULL,
    seq             BIGINT  NOT NULL,
    position        BIGINT  NOT NULL,
    channel         TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    epoch           BIGINT  NOT NULL,
    key_id          TEXT    NOT NULL,
    body            BLOB    NOT NULL,
    state           TEXT    NOT NULL,
    due             BIGINT  NOT NULL,
    lease           BIGINT  NOT NULL DEFAULT 0,
    in_flight       BOOLEAN NOT NULL DEFAULT FALSE,
    uncertain       BOOLEAN NOT NULL DEFAULT FALSE,
    attempts        BIGINT  NOT NULL DEFAULT 0,
    vendor_id       TEXT,
    error_code      BIGINT,
    reason          TEXT,
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL
);
CREATE INDEX outbox_due ON outbox (due) WHERE state = 'pending';
CREATE INDEX outbox_order ON outbox (session_id, seq) WHERE state = 'pending';
CREATE INDEX outbox_contact ON outbox (org_id, contact_id) WHERE state = 'pending';
CREATE UNIQUE INDEX outbox_vendor ON outbox (org_id, vendor_id) WHERE vendor_id IS NOT NULL;

CREATE TABLE timers (
    timer_id        TEXT    NOT NULL PRIMARY KEY,
    org_id          TEXT    NOT NULL,
    session_id      TEXT    NOT NULL,
    due             BIGINT  NOT NULL
);
CREATE INDEX timers_due ON timers (due);

CREATE TABLE escalations (
    escalation_id   TEXT    NOT NULL PRIMARY KEY,
    org_id          TEXT    NOT NULL,
    session_id      TEXT    NOT NULL,
    contact_id      TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    resolved_at     BIGINT
);
CREATE INDEX escalations_open ON escalations (org_id, created_at) WHERE resolved_at IS NULL;

CREATE TABLE session_responses (
    org_id          TEXT    NOT NULL,
    session_id      TEXT    NOT NULL,
    field           TEXT    NOT NULL,
    value           TEXT    NOT NULL,
    raw             TEXT    NOT NULL,
    channel         TEXT    NOT NULL,
    at              BIGINT  NOT NULL,
    seq             BIGINT  NOT NULL,
    PRIMARY KEY (session_id, field)
);

CREATE TABLE interaction_log (
    org_id          TEXT    NOT NULL,
    session_id      TEXT    NOT NULL,
    seq             BIGINT  NOT NULL,
    position        BIGINT  NOT NULL,
    speaker         TEXT    NOT NULL,
    channel         TEXT    NOT NULL,
    text            TEXT    NOT NULL,
    at              BIGINT  NOT NULL,
    PRIMARY KEY (session_id, seq, position)
);

-- How far the projector has read. Belongs to the installation, not to a tenant.
CREATE TABLE projections (
    name            TEXT    NOT NULL PRIMARY KEY,
    position        BIGINT  NOT NULL
);

CREATE TABLE files (
    org_id          TEXT    NOT NULL,
    file_id         TEXT    NOT NULL,
    session_id      TEXT    NOT NULL,
    contact_id      TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    media_type      TEXT    NOT NULL,
    bytes           BIGINT  NOT NULL,
    key_id          TEXT    NOT NULL,
    body            BLOB    NOT NULL,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, file_id)
);
CREATE INDEX files_contact ON files (org_id, contact_id);

CREATE TABLE twilio_accounts (
    org_id          TEXT    NOT NULL,
    account_sid     TEXT    NOT NULL,
    key_id          TEXT    NOT NULL,
    auth_token      BLOB    NOT NULL,
    messaging_service_sid TEXT,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, account_sid),
    FOREIGN KEY (org_id) REFERENCES organisations (org_id)
);

-- A number routes an inbound message to its organisation, so it exists once.
CREATE TABLE twilio_numbers (
    phone           TEXT    NOT NULL PRIMARY KEY,
    org_id          TEXT    NOT NULL,
    account_sid     TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    FOREIGN KEY (org_id, account_sid) REFERENCES twilio_accounts (org_id, account_sid)
);
CREATE INDEX twilio_numbers_org ON twilio_numbers (org_id, created_at);
