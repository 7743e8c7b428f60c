//! SIGKILL at random instants: what was acknowledged is there once, what was answered is not asked, what was sent is
//! not sent again.

mod audit;
mod auditor;
