//! How a server ends: told by a signal, it drains and goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

    /// Stops the server at SIGTERM or SIGINT.
    ///
    /// # Errors
    /// When the signals cannot be watched.
    pub async fn watch_signals(&self) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        // A file that may not grow (a limit of the shell, or of the service manager) is an error for the one who writes,
        // like a full disk. Unhandled, this signal would end the process.
        let _file_limit = signal(SignalKind::from_raw(SIGXFSZ))?;
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: draining"),
            _ = interrupt.recv() => tracing::info!("SIGINT: draining"),
            () = self.stopped() => {}
        }
        self.stop();
        Ok(())
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
