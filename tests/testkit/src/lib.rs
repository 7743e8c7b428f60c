//! Harness shared by the tests: real server processes, fresh databases, clients that speak as the outside does.
//!
//! Nothing here uses the product's own code for what it checks: the webhook signature, the widget's protocol and
//! the simulator's control API are written a second time, from their specifications.

pub mod database;
pub mod http;
pub mod peers;
pub mod phone;
pub mod proxy;
pub mod seed;
pub mod server;
pub mod simulator;
pub mod twilio;
pub mod wait;
pub mod widget;

pub use database::Database;
pub use phone::{Entry, Phone};
pub use seed::Seed;
pub use server::{Beside, Ready, Simulation, TestServer};
pub use simulator::SimulatorClient;
pub use wait::eventually;
pub use widget::{WidgetClient, WidgetSocket};
