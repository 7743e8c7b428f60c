//! What every route shares: one middleware ([`edge`]), problems, assets, health, metrics and the API's description.

pub mod address;
pub mod assets;
pub mod body;
pub mod correlation;
pub mod duplex;
pub mod edge;
pub mod fault;
pub mod form;
pub mod headers;
pub mod health;
pub mod limits;
pub mod openapi;
pub mod operator;
pub mod origin;
pub mod page;
pub mod route;
pub mod sampled;
pub mod socket;
pub mod telemetry;
pub mod turnstile;

pub use fault::Fault;
