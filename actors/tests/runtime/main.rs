//! The runtime through its public door, over an in-memory store whose faults are chosen by the test.
//!
//! Time moves only when a test moves it, and nothing sleeps to wait: tests await conditions. Invariants are checked by
//! functions that a deliberately broken store or engine must fail, so that no test passes for the wrong reason.

mod support;

mod duplicates;
mod durability;
mod hub;
mod memory;
mod order;
mod overload;
mod panics;
mod relay;
mod stop;
mod timers;
