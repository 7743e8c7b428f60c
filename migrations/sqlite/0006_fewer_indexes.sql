-- What waits for a person is found by the person's sessions: an index of its own cost every message two writes.
DROP INDEX outbox_contact;

-- Every turn adds lines; with rowids each of them was also an entry of an index as wide as the line.
CREATE TABLE lines_by_session (
    org_id          TEXT    NOT NULL,
    session_id      TEXT    NOT NULL,
    seq             BIGINT  NOT NULL,
    position        BIGINT  NOT NULL,
    speaker         TEXT    NOT NULL,
    channel         TEXT    NOT NULL,
    text            TEXT    NOT NULL,
    at              BIGINT  NOT NULL,
    PRIMARY KEY (session_id, seq, position)
) WITHOUT ROWID;
INSERT INTO lines_by_session SELECT * FROM interaction_log ORDER BY session_id, seq, position;
DROP TABLE interaction_log;
ALTER TABLE lines_by_session RENAME TO interaction_log;
