//! How a server ends: told by a signal, it drains and goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// "File size limit exceeded", on every Unix.
const SIGXFSZ: i32 = 25;

/// Whether the server wants traffic; shared by everything that answers differently while it ends.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    draining: AtomicBool,
    told: Notify,
}

impl Lifecycle {
    /// A server that runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the server to drain and end. Asking twice changes nothing.
    pub fn stop(&self) {
        self.0.draining.store(true, Ordering::Release);
        self.0.told.notify_waiters();
    }

    /// Whether the server is on its way out.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
    }

    /// Waits until somebody asks the server to end.
    pub async fn stopped(&self) {
        // Registered before the flag is read, so that a `stop` in between is not missed.
        let told = self.0.told.notified();
        if !self.is_draining() {
            told.await;
        }
    }

    /// Stops the server at the first of the signals.
    pub async fn obey(&self, mut signals: Signals) {
        tokio::select! {
            _ = signals.terminate.recv() => tracing::info!("SIGTERM: draining"),
            _ = signals.interrupt.recv() => tracing::info!("SIGINT: draining"),
            () = self.stopped() => {}
        }
        self.stop();
    }
}

/// SIGTERM and SIGINT, which from here on do not end the process by themselves. Watched before anybody is told that the
/// server is ready: whoever knows of it may stop it.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// A file that may not grow (a limit of the shell, or of the service manager) is an error for the one who writes, like
    /// a full disk. Unhandled, this signal would end the process.
    _file_limit: Signal,
}

impl Signals {
    /// Begins to watch.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn watch() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _file_limit: signal(SignalKind::from_raw(SIGXFSZ))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stop_before_the_wait_is_not_missed() {
        let lifecycle = Lifecycle::new();
        lifecycle.stop();
        lifecycle.stopped().await;
        assert!(lifecycle.is_draining());
    }
}
