//! Logs and metrics of the process.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

const LATENCY_BUCKETS: [f64; 11] = [0.000_25, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// Starts logging to standard error; standard output is for data. A second call changes nothing.
///
/// # Errors
/// A filter that cannot be read.
pub fn start_logging(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)?;
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Human => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    // Already started (tests start several servers in one process): the first configuration stays.
    let _ = if json {
        lines.json().flatten_event(true).with_span_list(false).try_init()
    } else {
        lines.compact().try_init()
    };
    Ok(())
}

/// Between two upkeeps.
const UPKEEP: Duration = Duration::from_secs(5);

/// Keeps the metrics small for as long as it is polled: a histogram holds every sample until somebody asks for the
/// metrics or this sorts them into their buckets, and a server that nobody scrapes would fill its memory with them.
pub async fn keep_small() {
    let mut pace = tokio::time::interval(UPKEEP);
    loop {
        pace.tick().await;
        metrics().run_upkeep();
    }
}

/// The process's metrics, recorded from the first call on.
///
/// # Panics
/// When another recorder was installed, which nothing here does.
pub fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS)
            .expect("the list of buckets is not empty")
            .install_recorder()
            .expect("nothing else installs a recorder")
    })
}
