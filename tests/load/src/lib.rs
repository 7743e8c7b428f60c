//! The load generator and benchmarks behind `make bench`.
//!
//! A bench runs the product and its reference as separate processes, in turns, and compares medians. Work is
//! counted per CPU-second of the measured process, so the generator's own appetite does not matter.

pub mod bench;
pub mod child;
pub mod drive;
pub mod http;
pub mod process;
pub mod reference;
pub mod report;
pub mod stats;
pub mod telephone;
pub mod worker;
