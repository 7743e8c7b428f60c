//! Defects of the engine behind the front door: a panic costs one message at most, and nobody else notices.
//!
//! The binary has no switch that makes it fail. The whole application is a value, so the test starts the same server in
//! its own process, with an engine that fails where the test says.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use tempfile::TempDir;
use tokio::sync::oneshot;
use usher::app::App;
use usher::clock::SystemClock;
use usher::config::Layers;
use usher::onboarding::NewSession;
use usher::server;
use usher::tenancy::{ContactDetails, Profile, Theme};
use usher_actors::Engine;
use usher_conversation::flow::Flow;
use usher_conversation::id::{FlowId, OrgId, SessionId};
use usher_conversation::ports::Journal as _;
use usher_conversation::session::event::EscalationReason;
use usher_conversation::session::{Command, Event};
use usher_testkit::{WidgetClient, http};

/// People who talk at the same time.
const PEOPLE: usize = 20;
/// What each of them says.
const MESSAGES: usize = 25;
/// Every so many messages the engine panics when it first sees one.
const FLAKY: usize = 10;
/// A message on which it always panics.
const POISON: &str = "poison";
const SET_ASIDE: Event = Event::Escalated { reason: EscalationReason::Quarantined };

/// A server in this process.
pub(super) struct Server {
    pub(super) app: Arc<App>,
    base: String,
    pub(super) org: OrgId,
    thread: JoinHandle<Result<()>>,
    _home: TempDir,
}

impl Server {
    async fn start(engine: Engine) -> Result<Self> {
        Self::start_with(engine, Vec::new()).await
    }

    /// The same with more settings.
    pub(super) async fn start_with(engine: Engine, more: Vec<(&'static str, String)>) -> Result<Self> {
        let home = TempDir::with_prefix("usher-test-")?;
        let flags = [
            ("data_dir", home.path().join("data").display().to_string()),
            ("bind", "127.0.0.1:0".to_owned()),
            ("rate_per_address", "0".to_owned()),
            ("rate_per_org", "0".to_owned()),
        ];
        let settings = Layers::new().with_flags(flags.into_iter().chain(more)).resolve()?;
        let (started, app) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            server::system().block_on(async {
                let listener = server::bind(settings.bind)?;
                let public = settings.public_base(listener.local_addr()?);
                let app = App::start_with(settings, public, engine, Arc::new(SystemClock)).await?;
                let running = server::serve(&app, listener)?;
                let _ = started.send(Arc::clone(&app));
                server::run(app, running).await
            })
        });
        let app = app.await.context("the server starts")?;
        let profile = Profile {
            name: "Bright Agency".into(),
            locale: "en".into(),
            region: "US".into(),
            allowed_origins: Vec::new(),
            theme: Theme::default(),
        };
        let org = app.store.create_organisation(profile).await?.id;
        Ok(Self { base: app.public.to_string(), app, org, thread, _home: home })
    }

    /// Saves questions for whoever comes.
    pub(super) async fn ask(&self, flow: &str) -> Result<FlowId> {
        let flow = Flow {
            id: FlowId::new(self.app.clock.now(), self.app.entropy.bits()),
            ..Flow::from_file_json(flow)?
        };
        Ok(self.app.store.save_flow(&self.org, flow).await?.id.clone())
    }

    /// Somebody with a session and its page.
    pub(super) async fn person(&self, number: usize, flow: &FlowId) -> Result<(SessionId, WidgetClient)> {
        let details =
            ContactDetails { phone: Some(format!("+1415555{number:04}")), ..ContactDetails::default() };
        let contact = self.app.store.find_or_create_contact(&self.org, details).await?.id;
        let new = NewSession { contact, flow: flow.clone(), package: None };
        let session = self.app.store.find_or_create_session(&self.org, new).await?.session;
        let page = WidgetClient::new(&self.base, session.as_str())?;
        Ok((session, page))
    }

    async fn people(&self, count: usize) -> Result<Vec<(SessionId, WidgetClient)>> {
        let flow = self.ask(r#"{"fields":[{"id":"notes","type":"long_text","required":true}]}"#).await?;
        try_join_all((0..count).map(|number| self.person(number, &flow))).await
    }

    /// Every event of a session.
    pub(super) async fn events(&self, session: &SessionId) -> Result<Vec<Event>> {
        let turns = self.app.store.turns(&self.org, session, 0, 10_000).await?;
        Ok(turns.into_iter().flat_map(|turn| turn.events).collect())
    }

    async fn heard(&self, session: &SessionId) -> Result<Vec<String>> {
        let texts = self.events(session).await?.into_iter().filter_map(|event| match event {
            Event::Received { text, .. } => Some(text),
            _ => None,
        });
        Ok(texts.collect())
    }

    pub(super) async fn stop(self) -> Result<()> {
        self.app.lifecycle.stop();
        drop(self.app);
        tokio::task::spawn_blocking(|| self.thread.join()).await?.expect("the server's thread does not panic")
    }
}

/// The real engine, but for the words the test chose.
fn failing(fails: impl Fn(&str) -> bool + Send + Sync + 'static) -> Engine {
    let sound = Engine::default();
    let decide = Arc::clone(&sound.decide);
    let panicking = move |meta: &_, state: &_, now, command: Command| {
        if let Command::Receive(inbound) = &command {
            assert!(!fails(&inbound.text), "as the test asked");
        }
        decide(meta, state, now, command)
    };
    Engine { decide: Arc::new(panicking), ..sound }
}

/// Panics the first time it sees every [`FLAKY`]th message, and always on the poison.
fn flaky() -> Engine {
    let seen = Mutex::new(HashSet::new());
    failing(move |text| {
        let number = text.rsplit('-').next().and_then(|number| number.parse::<usize>().ok());
        text == POISON
            || number.is_some_and(|number| number % FLAKY == 0)
                && seen.lock().expect("not held over a panic").insert(text.to_owned())
    })
}

/// Everyone says their messages in order while somebody repeats the poison; all but the poison must be taken.
async fn everyone_talks(people: &[(SessionId, WidgetClient)], poison: u16) -> Result<()> {
    let talk = people[1..].iter().enumerate().map(|(person, (_, page))| async move {
        for number in 0..MESSAGES {
            let text = format!("words-{person}-{number}");
            let answer = page.say(&text, &text).await?;
            ensure!(answer.status == 200, "{text}: {answer:?}");
        }
        Ok(())
    });
    let poisoned = async {
        for nth in 0..MESSAGES {
            let answer = people[0].1.say(POISON, &format!("poison-{nth}")).await?;
            ensure!(answer.status == poison, "{answer:?}");
        }
        Ok(())
    };
    let (talked, poisoned) = futures_util::future::join(try_join_all(talk), poisoned).await;
    talked?;
    poisoned
}

#[tokio::test(flavor = "multi_thread")]
async fn panics_of_the_engine_are_not_noticed_and_what_always_panics_is_set_aside() -> Result<()> {
    let server = Server::start(flaky()).await?;
    let people = server.people(PEOPLE).await?;
    everyone_talks(&people, 200).await?;
    for (person, (session, _)) in people[1..].iter().enumerate() {
        let expected: Vec<String> = (0..MESSAGES).map(|number| format!("words-{person}-{number}")).collect();
        assert_eq!(server.heard(session).await?, expected, "each once, in order");
        assert!(!server.events(session).await?.contains(&SET_ASIDE));
    }
    let (poisoned, page) = &people[0];
    assert_eq!(server.heard(poisoned).await?, vec![POISON; MESSAGES], "the raw words are kept");
    let aside = server.events(poisoned).await?.iter().filter(|event| **event == SET_ASIDE).count();
    assert_eq!(aside, MESSAGES, "a person is called for each");
    let again = page.say(POISON, "poison-0").await?;
    assert_eq!(again.status, 200, "a repeated poison is answered as the first time");
    assert_eq!(server.heard(poisoned).await?.len(), MESSAGES, "and does not count again");
    assert_eq!(page.say("all is well", "after").await?.status, 200, "the session goes on");
    let alive = http::client()?.get(format!("{}readyz", server.base)).send().await?;
    assert_eq!(alive.status(), 200);
    server.stop().await
}

/// The broken variant: without the quarantine the poison is refused for ever, and the check above would say so.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_cannot_even_set_a_message_aside_fails_that_message_and_no_other() -> Result<()> {
    let mut engine = flaky();
    let sound = Arc::clone(&engine.effects);
    engine.effects = Arc::new(move |meta, turn| {
        assert!(!turn.events.contains(&SET_ASIDE), "as the test asked");
        sound(meta, turn)
    });
    let server = Server::start(engine).await?;
    let people = server.people(PEOPLE).await?;
    everyone_talks(&people, 500).await?;
    assert!(everyone_talks(&people, 200).await.is_err(), "the check notices");
    let (poisoned, page) = &people[0];
    assert!(server.heard(poisoned).await?.is_empty(), "nothing half done");
    assert_eq!(page.say("all is well", "after").await?.status, 200, "the session goes on");
    server.stop().await
}
