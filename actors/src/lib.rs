//! The runtime on actix: registry, session actors, timers, outbox relay and hub.
