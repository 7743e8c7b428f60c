-- Voice providers that hold a call themselves and ask us for the words.

-- What lets a provider in. `line` is our number as the provider knows it; only the door's hash can be searched.
CREATE TABLE voice_peers (
    org_id          TEXT    NOT NULL PRIMARY KEY,
    line            TEXT,
    door_hash       TEXT    NOT NULL,
    key_id          TEXT    NOT NULL,
    door            BLOB    NOT NULL,
    updated_at      BIGINT  NOT NULL,
    FOREIGN KEY (org_id) REFERENCES organisations (org_id)
);
CREATE UNIQUE INDEX voice_peers_door ON voice_peers (door_hash);
CREATE INDEX voice_peers_line ON voice_peers (line);
CREATE INDEX voice_settings_agent ON voice_settings (provider, agent_id);

-- What a provider reported of a call: its transcript, summary and cost, sealed under the contact's key.
CREATE TABLE call_reports (
    org_id          TEXT    NOT NULL,
    call_id         TEXT    NOT NULL,
    contact_id      TEXT    NOT NULL,
    key_id          TEXT    NOT NULL,
    report          BLOB    NOT NULL,
    updated_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, call_id)
);
CREATE INDEX call_reports_contact ON call_reports (org_id, contact_id);
