//! The load generator and benchmarks behind make bench.
