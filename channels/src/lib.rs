//! How a message crosses the border: one folder per vendor.

pub mod widget;
