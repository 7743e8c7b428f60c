-- Portable columns: ids TEXT, times BIGINT (milliseconds UTC), JSON TEXT, flags BOOLEAN, ciphertext BYTEA. Texts compare
-- by bytes as on SQLite.
-- Every table that belongs to a tenant carries org_id. The journal and its queues have no foreign keys: they are
-- written in batches by one task that only knows sessions it has loaded.

CREATE TABLE organisations (
    org_id          TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    name            TEXT COLLATE "C"    NOT NULL,
    locale          TEXT COLLATE "C"    NOT NULL,
    region          TEXT COLLATE "C"    NOT NULL,
    allowed_origins TEXT COLLATE "C"    NOT NULL,
    theme           TEXT COLLATE "C"    NOT NULL,
    created_at      BIGINT  NOT NULL
);

-- Data keys, wrapped: an organisation's by the master key, a contact's by its organisation's. A destroyed key
-- keeps its row and loses its bytes.
CREATE TABLE data_keys (
    key_id          TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    org_id          TEXT COLLATE "C"    NOT NULL,
    subject         TEXT COLLATE "C"    NOT NULL,
    wrapped         BYTEA,
    created_at      BIGINT  NOT NULL,
    destroyed_at    BIGINT
);
CREATE UNIQUE INDEX data_keys_subject ON data_keys (org_id, subject);

CREATE TABLE contacts (
    org_id          TEXT COLLATE "C"    NOT NULL,
    contact_id      TEXT COLLATE "C"    NOT NULL,
    name            TEXT COLLATE "C"    NOT NULL,
    phone           TEXT COLLATE "C",
    email           TEXT COLLATE "C",
    zone            TEXT COLLATE "C",
    created_at      BIGINT  NOT NULL,
    erased_at       BIGINT,
    PRIMARY KEY (org_id, contact_id),
    FOREIGN KEY (org_id) REFERENCES organisations (org_id)
);
CREATE UNIQUE INDEX contacts_phone ON contacts (org_id, phone);
CREATE UNIQUE INDEX contacts_email ON contacts (org_id, email);

-- People to whom nothing may be sent, for the whole organisation.
CREATE TABLE suppressions (
    org_id          TEXT COLLATE "C"    NOT NULL,
    contact_id      TEXT COLLATE "C"    NOT NULL,
    session_id      TEXT COLLATE "C"    NOT NULL,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, contact_id)
);

CREATE TABLE services (
    org_id          TEXT COLLATE "C"    NOT NULL,
    service_id      TEXT COLLATE "C"    NOT NULL,
    name            TEXT COLLATE "C"    NOT NULL,
    description     TEXT COLLATE "C"    NOT NULL,
    required_fields TEXT COLLATE "C"    NOT NULL,
    setup_steps     TEXT COLLATE "C"    NOT NULL,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, service_id),
    FOREIGN KEY (org_id) REFERENCES organisations (org_id)
);

CREATE TABLE packages (
    org_id          TEXT COLLATE "C"    NOT NULL,
    package_id      TEXT COLLATE "C"    NOT NULL,
    name            TEXT COLLATE "C"    NOT NULL,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, package_id),
    FOREIGN KEY (org_id) REFERENCES organisations (org_id)
);

CREATE TABLE package_services (
    org_id          TEXT COLLATE "C"    NOT NULL,
    package_id      TEXT COLLATE "C"    NOT NULL,
    service_id      TEXT COLLATE "C"    NOT NULL,
    position        BIGINT  NOT NULL,
    PRIMARY KEY (org_id, package_id, service_id),
    FOREIGN KEY (org_id, package_id) REFERENCES packages (org_id, package_id),
    FOREIGN KEY (org_id, service_id) REFERENCES services (org_id, service_id)
);

-- One row per saved version; never changed, because sessions are pinned to it.
CREATE TABLE flows (
    org_id          TEXT COLLATE "C"    NOT NULL,
    flow_id         TEXT COLLATE "C"    NOT NULL,
    version         BIGINT  NOT NULL,
    definition      TEXT COLLATE "C"    NOT NULL,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, flow_id),
    FOREIGN KEY (org_id) REFERENCES organisations (org_id)
);

-- Identity (written once) and read model (written by the projector only) of a session.
CREATE TABLE sessions (
    session_id      TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    org_id          TEXT COLLATE "C"    NOT NULL,
    contact_id      TEXT COLLATE "C"    NOT NULL,
    kind            TEXT COLLATE "C"    NOT NULL,
    open_key        TEXT COLLATE "C",
    flow_id         TEXT COLLATE "C"    NOT NULL,
    package_id      TEXT COLLATE "C",
    locale          TEXT COLLATE "C"    NOT NULL,
    link            TEXT COLLATE "C"    NOT NULL,
    created_at      BIGINT  NOT NULL,
    epoch           BIGINT  NOT NULL DEFAULT 0,
    status          TEXT COLLATE "C"    NOT NULL DEFAULT 'active',
    pending         TEXT COLLATE "C",
    answered        BIGINT  NOT NULL DEFAULT 0,
    last_channel    TEXT COLLATE "C",
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
    position        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id          TEXT COLLATE "C"    NOT NULL,
    session_id      TEXT COLLATE "C"    NOT NULL,
    seq             BIGINT  NOT NULL,
    at              BIGINT  NOT NULL,
    dedup_key       TEXT COLLATE "C",
    key_id          TEXT COLLATE "C"    NOT NULL,
    body            BYTEA    NOT NULL
);
CREATE UNIQUE INDEX journal_seq ON journal (session_id, seq);
CREATE UNIQUE INDEX journal_dedup ON journal (org_id, dedup_key) WHERE dedup_key IS NOT NULL;

CREATE TABLE snapshots (
    session_id      TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    org_id          TEXT COLLATE "C"    NOT NULL,
    seq             BIGINT  NOT NULL,
    key_id          TEXT COLLATE "C"    NOT NULL,
    body            BYTEA    NOT NULL
);

-- Messages to be sent. `due` is the instant before which nobody may claim the row: its planned time, the end of
-- the current claim's lease, or the next try. `lease` counts claims; a completion names the one it belongs to.
CREATE TABLE outbox (
    delivery_id     TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    org_id          TEXT COLLATE "C"    NOT NULL,
    session_id      TEXT COLLATE "C"    NOT NULL,
    contact_id      TEXT COLLATE "C"    NOT NULL,
    seq             BIGINT  NOT NULL,
    position        BIGINT  NOT NULL,
    channel         TEXT COLLATE "C"    NOT NULL,
    kind            TEXT COLLATE "C"    NOT NULL,
    epoch           BIGINT  NOT NULL,
    key_id          TEXT COLLATE "C"    NOT NULL,
    body            BYTEA    NOT NULL,
    state           TEXT COLLATE "C"    NOT NULL,
    due             BIGINT  NOT NULL,
    lease           BIGINT  NOT NULL DEFAULT 0,
    in_flight       BOOLEAN NOT NULL DEFAULT FALSE,
    uncertain       BOOLEAN NOT NULL DEFAULT FALSE,
    attempts        BIGINT  NOT NULL DEFAULT 0,
    vendor_id       TEXT COLLATE "C",
    error_code      BIGINT,
    reason          TEXT COLLATE "C",
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL
);
CREATE INDEX outbox_due ON outbox (due) WHERE state = 'pending';
CREATE INDEX outbox_order ON outbox (session_id, seq) WHERE state = 'pending';
CREATE INDEX outbox_contact ON outbox (org_id, contact_id) WHERE state = 'pending';
CREATE UNIQUE INDEX outbox_vendor ON outbox (org_id, vendor_id) WHERE vendor_id IS NOT NULL;

CREATE TABLE timers (
    timer_id        TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    org_id          TEXT COLLATE "C"    NOT NULL,
    session_id      TEXT COLLATE "C"    NOT NULL,
    due             BIGINT  NOT NULL
);
CREATE INDEX timers_due ON timers (due);

CREATE TABLE escalations (
    escalation_id   TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    org_id          TEXT COLLATE "C"    NOT NULL,
    session_id      TEXT COLLATE "C"    NOT NULL,
    contact_id      TEXT COLLATE "C"    NOT NULL,
    reason          TEXT COLLATE "C"    NOT NULL,
    created_at      BIGINT  NOT NULL,
    resolved_at     BIGINT
);
CREATE INDEX escalations_open ON escalations (org_id, created_at) WHERE resolved_at IS NULL;

CREATE TABLE session_responses (
    org_id          TEXT COLLATE "C"    NOT NULL,
    session_id      TEXT COLLATE "C"    NOT NULL,
    field           TEXT COLLATE "C"    NOT NULL,
    value           TEXT COLLATE "C"    NOT NULL,
    raw             TEXT COLLATE "C"    NOT NULL,
    channel         TEXT COLLATE "C"    NOT NULL,
    at              BIGINT  NOT NULL,
    seq             BIGINT  NOT NULL,
    PRIMARY KEY (session_id, field)
);

CREATE TABLE interaction_log (
    org_id          TEXT COLLATE "C"    NOT NULL,
    session_id      TEXT COLLATE "C"    NOT NULL,
    seq             BIGINT  NOT NULL,
    position        BIGINT  NOT NULL,
    speaker         TEXT COLLATE "C"    NOT NULL,
    channel         TEXT COLLATE "C"    NOT NULL,
    text            TEXT COLLATE "C"    NOT NULL,
    at              BIGINT  NOT NULL,
    PRIMARY KEY (session_id, seq, position)
);

-- How far the projector has read. Belongs to the installation, not to a tenant.
CREATE TABLE projections (
    name            TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    position        BIGINT  NOT NULL
);

CREATE TABLE files (
    org_id          TEXT COLLATE "C"    NOT NULL,
    file_id         TEXT COLLATE "C"    NOT NULL,
    session_id      TEXT COLLATE "C"    NOT NULL,
    contact_id      TEXT COLLATE "C"    NOT NULL,
    name            TEXT COLLATE "C"    NOT NULL,
    media_type      TEXT COLLATE "C"    NOT NULL,
    bytes           BIGINT  NOT NULL,
    key_id          TEXT COLLATE "C"    NOT NULL,
    body            BYTEA    NOT NULL,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, file_id)
);
CREATE INDEX files_contact ON files (org_id, contact_id);

CREATE TABLE twilio_accounts (
    org_id          TEXT COLLATE "C"    NOT NULL,
    account_sid     TEXT COLLATE "C"    NOT NULL,
    key_id          TEXT COLLATE "C"    NOT NULL,
    auth_token      BYTEA    NOT NULL,
    messaging_service_sid TEXT COLLATE "C",
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, account_sid),
    FOREIGN KEY (org_id) REFERENCES organisations (org_id)
);

-- A number routes an inbound message to its organisation, so it exists once.
CREATE TABLE twilio_numbers (
    phone           TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    org_id          TEXT COLLATE "C"    NOT NULL,
    account_sid     TEXT COLLATE "C"    NOT NULL,
    created_at      BIGINT  NOT NULL,
    FOREIGN KEY (org_id, account_sid) REFERENCES twilio_accounts (org_id, account_sid)
);
CREATE INDEX twilio_numbers_org ON twilio_numbers (org_id, created_at);

-- Row-level security: a second fence behind the org_id of every statement. A transaction says for whom it acts in
-- `app.org`: one organisation, or `*` for the workers that serve all of them. A transaction that says nothing
-- fails. FORCE makes the policies hold for the owner of the tables too.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT table_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND column_name = 'org_id'
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (current_setting(''app.org'') IN (org_id, ''*''))',
            name
        );
    END LOOP;
END
$$;
