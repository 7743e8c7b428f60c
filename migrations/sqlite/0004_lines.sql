-- The number or messaging service of ours a message leaves from; NULL = the organisation's first.
ALTER TABLE outbox ADD COLUMN line TEXT;

-- What came through a messaging service finds its account by it.
CREATE INDEX twilio_accounts_service ON twilio_accounts (messaging_service_sid)
    WHERE messaging_service_sid IS NOT NULL;
