//! Usher: an actor-based realtime conversational runtime.
