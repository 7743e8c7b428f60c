-- Voice providers that hold a call themselves and ask us for the words.

-- What lets a provider in. `line` is our number as the provider knows it; only the door's hash can be searched.
CREATE TABLE voice_peers (
    org_id          TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    line            TEXT COLLATE "C",
    door_hash       TEXT COLLATE "C"    NOT NULL,
    key_id          TEXT COLLATE "C"    NOT NULL,
    door            BYTEA    NOT NULL,
    updated_at      BIGINT  NOT NULL,
    FOREIGN KEY (org_id) REFERENCES organisations (org_id)
);
CREATE UNIQUE INDEX voice_peers_door ON voice_peers (door_hash);
CREATE INDEX voice_peers_line ON voice_peers (line);
CREATE INDEX voice_settings_agent ON voice_settings (provider, agent_id);

-- What a provider reported of a call: its transcript, summary and cost, sealed under the contact's key.
CREATE TABLE call_reports (
    org_id          TEXT COLLATE "C"    NOT NULL,
    call_id         TEXT COLLATE "C"    NOT NULL,
    contact_id      TEXT COLLATE "C"    NOT NULL,
    key_id          TEXT COLLATE "C"    NOT NULL,
    report          BYTEA    NOT NULL,
    updated_at      BIGINT  NOT NULL,
    PRIMARY KEY (org_id, call_id)
);
CREATE INDEX call_reports_contact ON call_reports (org_id, contact_id);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['voice_peers', 'call_reports'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (current_setting(''app.org'') IN (org_id, ''*''))',
            name
        );
    END LOOP;
END
$$;
