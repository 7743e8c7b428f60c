//! The product's store, driven in a process of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tokio::task::JoinSet;
use usher::db::{Access, DatabaseUrl};
use usher::onboarding::{NewSession, Opened};
use usher::store::{Store, StoreConfig};
use usher::tenancy::{ContactDetails, Profile, Theme};
use usher_actors::RuntimeConfig;
use usher_conversation::channel::Channel;
use usher_conversation::flow::Flow;
use usher_conversation::id::{FlowId, OrgId};
use usher_conversation::journal::Turn;
use usher_conversation::ports::{Append, Appended, Clock, Entropy, Journal as _};
use usher_conversation::session::{Event, Origin, SessionMeta, SessionState, fold};
use usher_conversation::time::Timestamp;

use crate::process::cpu_seconds;
use crate::reference::rows::Written;
use crate::stats::{number, quantile};

/// A clock that stands still: a bench of the store does not depend on the date.
#[derive(Debug)]
pub struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000)
    }
}

/// Distinct bits, the same in every run.
#[derive(Debug, Default)]
pub struct Counted(AtomicU64);

impl Entropy for Counted {
    fn bits(&self) -> [u8; 16] {
        let count = u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1);
        count.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
    }
}

async fn open(url: &str, folder: &Path, entropy: &Arc<Counted>) -> Result<Store> {
    let config = StoreConfig {
        url: url.parse::<DatabaseUrl>()?,
        access: Access::Own,
        data_dir: folder.to_owned(),
        master_key: None,
        public_url: "https://usher.example".into(),
    };
    Ok(Store::open(config, Arc::new(Still), Arc::clone(entropy) as Arc<dyn Entropy>).await?)
}

/// An organisation with that many sessions.
async fn seed(store: &Store, entropy: &Counted, sessions: u64) -> Result<(OrgId, Vec<Opened>)> {
    let profile = Profile {
        name: "Bright Agency".into(),
        locale: "en".into(),
        region: "US".into(),
        allowed_origins: Vec::new(),
        theme: Theme::default(),
    };
    let org = store.create_organisation(profile).await?.id;
    let (id, name) = (FlowId::new(Still.now(), entropy.bits()), "Onboarding".into());
    let flow = Flow { id, version: 1, name, fields: Vec::new(), next_steps: Vec::new() };
    let flow = store.save_flow(&org, flow).await?.id.clone();
    let mut opened = Vec::new();
    for session in 0..sessions {
        let phone = Some(format!("+1415{session:07}"));
        let details = ContactDetails { name: "Dana Smith".into(), phone, ..ContactDetails::default() };
        let contact = store.find_or_create_contact(&org, details).await?.id;
        let new = NewSession { contact, flow: flow.clone(), package: None };
        opened.push(store.find_or_create_session(&org, new).await?);
    }
    Ok((org, opened))
}

/// One message of ordinary length, with the dedup key of its webhook.
fn turn(org: &OrgId, session: &Opened, seq: u64) -> Append {
    let origin = Origin { channel: Channel::Sms, address: "+14155550100".into(), line: None };
    let text = "Our website is www.brightbakery.example, we open at nine and close at five".into();
    let dedup = Some(format!("twilio:{}:{seq}", session.session));
    let events = vec![Event::Received { origin, text, media: Vec::new() }];
    Append {
        org: org.clone(),
        session: session.session.clone(),
        contact: session.contact.clone(),
        turn: Arc::new(Turn { seq, at: Still.now(), dedup, events }),
        effects: Vec::new(),
        state: Arc::default(),
        snapshot: false,
    }
}

/// Appends for `seconds` from as many sessions at once; every session waits for its acknowledgement.
///
/// # Errors
/// When the store fails or an append is not committed.
pub async fn append(url: &str, folder: &Path, sessions: u64, seconds: u64) -> Result<Written> {
    let entropy = Arc::default();
    let store = open(url, folder, &entropy).await?;
    let (org, opened) = seed(&store, &entropy, sessions).await?;
    let (begin, cpu) = (Instant::now(), cpu_seconds(std::process::id())?);
    let mut strands = JoinSet::new();
    for session in opened {
        let (store, org) = (store.clone(), org.clone());
        strands.spawn(async move {
            let mut latencies = Vec::new();
            for seq in 1.. {
                if begin.elapsed() >= Duration::from_secs(seconds) {
                    break;
                }
                let asked = Instant::now();
                let outcome = store.append(turn(&org, &session, seq)).await?;
                ensure!(outcome == Appended::Committed, "turn {seq} was answered {outcome:?}");
                latencies.push(asked.elapsed().as_secs_f64() * 1000.0);
            }
            Ok(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(strand) = strands.join_next().await {
        latencies.extend(strand??);
    }
    let written = Written {
        rows: u64::try_from(latencies.len())?,
        seconds: begin.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds(std::process::id())? - cpu,
        p99_ms: quantile(&latencies, 0.99),
    };
    store.close().await;
    Ok(written)
}

/// How fast sessions come out of the database.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Activated {
    /// Sessions loaded, opened and folded per second.
    pub activations: f64,
    /// Plain SELECTs of all their rows per second.
    pub selects: f64,
    /// The slowest activation of the fastest 99 %, in milliseconds.
    pub p99_ms: f64,
}

/// A session of [`activate`]: its turns lie between half a snapshot's distance below the average and as much above,
/// so that all distances from the last snapshot are as frequent as in life.
struct Lived {
    opened: Opened,
    meta: SessionMeta,
    state: SessionState,
    turns: u64,
}

impl Lived {
    /// The next turn, with a snapshot where the product takes one.
    fn next(&mut self, org: &OrgId, snapshot_every: u64) -> Append {
        let seq = self.state.seq() + 1;
        let mut append = turn(org, &self.opened, seq);
        self.state.apply(&self.meta, &append.turn);
        append.state = Arc::new(self.state.clone());
        append.snapshot = seq.is_multiple_of(snapshot_every);
        append
    }
}

/// Loads sessions of about `turns` turns one after another, cold: no key and no state of any of them is in memory.
///
/// # Errors
/// When the store fails or a turn is missing.
pub async fn activate(folder: &Path, sessions: u64, turns: u64) -> Result<Activated> {
    let file = folder.join("usher.db");
    let url = format!("sqlite:{}", file.display());
    let entropy = Arc::default();
    let store = open(&url, folder, &entropy).await?;
    let (org, opened) = seed(&store, &entropy, sessions).await?;
    let snapshot_every = RuntimeConfig::default().snapshot_every;
    let mut lived = Vec::new();
    for (opened, more) in opened.into_iter().zip((0..snapshot_every).cycle()) {
        let meta = store.load(&org, &opened.session).await?.context("the session is there")?.meta;
        let turns = turns - snapshot_every / 2 + more;
        lived.push(Lived { opened, meta, state: SessionState::new(), turns });
    }
    loop {
        let alive = lived.iter_mut().filter(|session| session.state.seq() < session.turns);
        let appends: Vec<_> = alive.map(|session| store.append(session.next(&org, snapshot_every))).collect();
        if appends.is_empty() {
            break;
        }
        for outcome in futures_util::future::join_all(appends).await {
            ensure!(outcome? == Appended::Committed, "a turn is not committed");
        }
    }
    store.close().await;
    drop(store);

    let store = open(&url, folder, &entropy).await?;
    let mut latencies = Vec::new();
    for Lived { opened, turns, .. } in &lived {
        let begin = Instant::now();
        let stored = store.load(&org, &opened.session).await?.context("the session is there")?;
        let state = fold(&stored.meta, stored.snapshot, &stored.tail);
        latencies.push(begin.elapsed().as_secs_f64() * 1000.0);
        ensure!(state.seq() == *turns, "{} of {turns} turns were loaded", state.seq());
    }
    store.close().await;

    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await?;
    let begin = Instant::now();
    for Lived { opened, turns, .. } in &lived {
        let rows = sqlx::query(
            "SELECT seq, at, dedup_key, key_id, body FROM journal WHERE session_id = $1 AND org_id = $2 ORDER BY seq",
        )
        .bind(opened.session.as_str())
        .bind(org.as_str())
        .fetch_all(&mut connection)
        .await?;
        ensure!(u64::try_from(rows.len())? == *turns, "a plain SELECT finds the same rows");
    }
    let selects = number(sessions) / begin.elapsed().as_secs_f64();
    let spent: f64 = latencies.iter().sum();
    Ok(Activated {
        activations: number(sessions) * 1000.0 / spent,
        selects,
        p99_ms: quantile(&latencies, 0.99),
    })
}
