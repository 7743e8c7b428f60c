//! The raw programs that the product is compared with.

pub mod echo;
pub mod hello;
pub mod pgbench;
pub mod relay;
pub mod rows;
