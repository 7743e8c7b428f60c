//! Harness shared by the tests: processes, databases, signed webhooks.
