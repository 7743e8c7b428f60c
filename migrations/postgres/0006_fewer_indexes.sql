-- What waits for a person is found by the person's sessions: an index of its own cost every message two writes.
DROP INDEX outbox_contact;
