-- Telephone calls and the widget's microphone: who speaks for an organisation, and one record per call.

-- Who answers and how; the profile is JSON (names, numbers, hours, scripts, limits).
CREATE TABLE voice_settings (
    org_id          TEXT    NOT NULL PRIMARY KEY,
    provider        TEXT    NOT NULL,
    agent_id        TEXT,
    key_id          TEXT,
    api_key         BLOB,
    profile         TEXT    NOT NULL,
    updated_at      BIGINT  NOT NULL,
    FOREIGN KEY (org_id) REFERENCES organisations (org_id)
);

-- A planned call waits for `due`. `status` follows the carrier; `stage` is its rank and only grows, so reports may come in
-- any order. `outcome` is how it ended for us. `token_hash` lets one media stream in, once.
CREATE TABLE calls (
    call_id         TEXT    NOT NULL PRIMARY KEY,
    org_id          TEXT    NOT NULL,
    session_id      TEXT    NOT NULL,
    contact_id      TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    direction       TEXT    NOT NULL,
    phone           TEXT,
    line            TEXT,
    vendor_call_id  TEXT,
    conversation_id TEXT,
    status          TEXT    NOT NULL,
    stage           BIGINT  NOT NULL,
    answered_by     TEXT,
    handover        TEXT,
    outcome         TEXT,
    attachments     BIGINT  NOT NULL DEFAULT 0,
    token_hash      TEXT,
    token_until     BIGINT,
    recording_id    TEXT,
    recording_url   TEXT,
    attempt         BIGINT  NOT NULL DEFAULT 1,
    retry_of        TEXT,
    due             BIGINT,
    created_at      BIGINT  NOT NULL,
    answered_at     BIGINT,
    ended_at        BIGINT,
    seconds         BIGINT
);
CREATE UNIQUE INDEX calls_vendor ON calls (org_id, vendor_call_id) WHERE vendor_call_id IS NOT NULL;
CREATE UNIQUE INDEX calls_retry ON calls (org_id, retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX calls_session ON calls (org_id, session_id, created_at);
CREATE INDEX calls_contact ON calls (org_id, contact_id);
CREATE INDEX calls_due ON calls (due) WHERE status = 'planned';

-- What each media stream of a call used; JSON, for the bill and for staff.
CREATE TABLE call_attachments (
    org_id          TEXT    NOT NULL,
    call_id         TEXT    NOT NULL,
    attachment      BIGINT  NOT NULL,
    usage           TEXT    NOT NULL,
    ended_at        BIGINT  NOT NULL,
    PRIMARY KEY (call_id, attachment)
);
