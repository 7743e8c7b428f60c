//! P10 and P11: what the voice bridge costs per call, beside a raw socket relay; and what it adds on the way.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::time::{Instant, sleep_until};
use usher_testkit::{Database, TestServer};

use super::Size;
use super::product::binary;
use crate::child::Serving;
use crate::process::{cpu_seconds, resident_kib};
use crate::report::{Figure, Report};
use crate::stats::{median, number};
use crate::telephone::{Agent, Call, Seen, Way, percentiles};

/// Calls of P11 itself.
const USUAL: u64 = 200;
/// Calls of the first look at the machine.
const FEW: u64 = 20;
/// The more calls, the less each costs, because more frames come with one wake-up: so many looks, each at as many calls as
/// the one before promised.
const LOOKS: usize = 3;
/// What a call costs the generator, measured in what it costs the raw relay: it plays both ends.
const BOTH_ENDS: f64 = 2.0;
/// How much of the machine a run may take, so that the frames come and go when they should.
const SHARE: f64 = 0.7;
/// Between two new calls, so that connecting them is not what is measured.
const STAGGER: Duration = Duration::from_millis(4);
/// For the calls to find their rhythm, and for the last frames to arrive.
const SETTLE: Duration = Duration::from_secs(2);

/// What some calls at once cost.
struct Cost {
    /// Milliseconds of CPU per second of one call.
    millis: f64,
    /// KiB of memory per call.
    kib: f64,
    /// Milliseconds on the way, one way: the middle and the 99th percentile of both directions.
    latency: (f64, f64),
    lost: u64,
    disordered: u64,
}

/// How many calls this machine can hold and play the ends of, when one costs the raw relay so many milliseconds of CPU per
/// second; a machine that is too busy measures its own scheduler.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number of calls")]
fn bearable(millis: f64) -> u64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let budget = number(u64::try_from(cores).unwrap_or(1)) * 1_000.0 * SHARE;
    ((budget / (millis * (1.0 + BOTH_ENDS))) as u64).max(10)
}

/// Lets the calls go on.
async fn pass(time: Duration) {
    sleep_until(Instant::now() + time).await;
}

/// Holds `calls` calls for `seconds`.
async fn hold(way: &Way, agent: &Agent, pid: u32, first: u64, calls: u64, seconds: u64) -> Result<Cost> {
    let before = resident_kib(pid)?;
    let mut live = Vec::new();
    for number in first..first + calls {
        live.push(Call::open(way, number, |name, meter| agent.expect(name, meter)).await?);
        pass(STAGGER).await;
    }
    pass(SETTLE).await;
    for call in &live {
        call.meter.there.forget();
        call.meter.back.forget();
    }
    let cpu = cpu_seconds(pid)?;
    pass(Duration::from_secs(seconds)).await;
    let cpu = cpu_seconds(pid)? - cpu;
    let kib = (resident_kib(pid)? - before) / number(calls);
    for call in &live {
        call.hush();
    }
    pass(SETTLE).await;
    let directions = || live.iter().flat_map(|call| [&call.meter.there, &call.meter.back]);
    let sent: u64 = directions().map(crate::telephone::Direction::sent).sum();
    let seen: Vec<Seen> = directions().map(crate::telephone::Direction::seen).collect();
    let arrived: u64 = seen.iter().map(|seen| seen.arrived).sum();
    ensure!(arrived > calls * seconds * 50, "the calls were not held: {arrived} frames of {sent} arrived");
    for call in live {
        call.hang_up().await;
    }
    Ok(Cost {
        millis: cpu * 1_000.0 / number(calls * seconds),
        kib,
        latency: percentiles(&seen),
        lost: sent - arrived,
        disordered: seen.iter().map(|seen| seen.disordered).sum(),
    })
}

/// Measures both.
///
/// # Errors
/// When a call is refused or not held.
pub async fn bridge(size: Size, report: &mut Report) -> Result<()> {
    let agent = Agent::start().await?;
    let relay = Serving::reference("relay").await?;
    let base = format!("http://127.0.0.1:{}", agent.port);
    let flags =
        ["--elevenlabs-api-base", &base, "--voice-calls-per-org", "5000", "--voice-calls-per-node", "5000"];
    let server = TestServer::demo_with(binary()?, Database::Sqlite, &flags).await?;
    let port = server.ready().base_url.port().context("the server's URL has a port")?;
    let pid = server.pid().context("the server runs")?;
    let ours = Way::Product { account: server.account(), port };
    let raw = Way::Relay { port: relay.port, agent: agent.port };

    let few = FEW.min(size.calls);
    let (mut most, mut first) = (few, 0);
    for _ in 0..LOOKS {
        let cost = hold(&raw, &agent, relay.pid()?, first, most, size.seconds).await?;
        first += most;
        most = bearable(cost.millis).min(size.calls);
    }
    let calls = USUAL.min(most);
    let (mut product, mut reference) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        reference.push(hold(&raw, &agent, relay.pid()?, first, calls, size.seconds).await?);
        product.push(hold(&ours, &agent, pid, first, calls, size.seconds).await?);
        first += calls;
    }
    let middle = |costs: &[Cost], of: fn(&Cost) -> f64| median(&costs.iter().map(of).collect::<Vec<_>>());
    let per_core = |millis: f64| 1_000.0 / millis;
    let cost = middle(&product, |cost| cost.millis);
    report.add(
        "P10",
        Figure::alone("voice bridge, both ways, 20 ms frames", per_core(cost), "calls per core")
            .with("ms of CPU per second of a call", cost)
            .with("KiB of memory per call", middle(&product, |cost| cost.kib)),
    );
    let added = |of: fn(&Cost) -> f64| middle(&product, of) - middle(&reference, of);
    report.add(
        "P11",
        Figure::rate(
            "voice bridge beside a raw socket relay",
            per_core(cost),
            per_core(middle(&reference, |cost| cost.millis)),
            "calls per core",
        )
        .bounds(0.35, 0.7)
        .with("calls", number(calls))
        .with("p50 one way in ms", middle(&product, |cost| cost.latency.0))
        .with("p99 one way in ms", middle(&product, |cost| cost.latency.1))
        .with("added to the relay's p50 in ms", added(|cost| cost.latency.0))
        .with("added to the relay's p99 in ms (goal 1)", added(|cost| cost.latency.1))
        .with("frames lost (must be 0)", number(product.iter().map(|cost| cost.lost).sum()))
        .with("frames out of order (must be 0)", number(product.iter().map(|cost| cost.disordered).sum())),
    );
    for many in [10, 20, 50, 100, 200, 500, 1_000].into_iter().filter(|many| *many <= most) {
        let cost = hold(&ours, &agent, pid, first, many, size.seconds).await?;
        first += many;
        report.add(
            format!("P10-{many:04}"),
            Figure::alone("the same with more or fewer calls", per_core(cost.millis), "calls per core")
                .with("ms of CPU per second of a call", cost.millis)
                .with("p99 one way in ms", cost.latency.1)
                .with("frames lost (must be 0)", number(cost.lost))
                .with("frames out of order (must be 0)", number(cost.disordered)),
        );
    }
    server.stop().await
}
