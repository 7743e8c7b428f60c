//! SIGKILL during calls: the carrier follows its document to a server that lives, the agent goes on where the contact was
//! left, and nothing that was acknowledged is lost. `USHER_TEST_SEED` makes other runs.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use usher::clock::SystemClock;
use usher_conversation::ports::Clock as _;
use usher_testkit::proxy::Proxy;
use usher_testkit::server::Beside;
use usher_testkit::twilio::{Account, message_sid};
use usher_testkit::{Database, Entry, Phone, Seed, Simulation, SimulatorClient, TestServer, http};

use crate::audit::{self, History, Story};
use crate::call_audit::{Break, CallHistory, Dialogue, audit};
use crate::clients::vendor_log;
use crate::journals;

pub(crate) const USHER: &str = env!("CARGO_BIN_EXE_usher");
/// Milliseconds the simulated voice needs for a letter.
const LETTER: u64 = 60;

/// How long what is on its way after the call may take.
const SETTLE: Duration = Duration::from_mins(1);

/// The fields, and words of the question about each.
pub(crate) const QUESTIONS: [(&str, &str); 6] = [
    ("business_name", "customers should see it?"),
    ("business_phone", "should customers call?"),
    ("business_hours", "when are you open?"),
    ("has_website", "have a website today?"),
    ("style", "which style should your new site have?"),
    ("logo", "do you have a logo?"),
];

/// The answer to what was heard, if that was a whole question.
fn answer_to(heard: &Entry) -> Option<&'static str> {
    let words = heard.text.to_lowercase();
    if heard.detail["whole"] != true {
        return None;
    }
    if words.ends_with("is that right?") {
        return Some("Yes");
    }
    let (field, _) = QUESTIONS.iter().find(|(_, question)| words.contains(question))?;
    Some(match *field {
        "business_name" => "Reyes Bakery",
        "business_phone" => "415-555-0142",
        "business_hours" => "Monday to Friday 9 to 5",
        "has_website" => "No",
        "style" => "Warm and friendly",
        _ => "Skip",
    })
}

/// When the server dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// While the agent speaks.
    MidSentence,
    /// When the contact has just given an answer aloud.
    AfterAnswer,
    /// Around the commit of an answer the agent wants recorded, and its acknowledgement.
    Recording,
    /// While the contact texts an answer.
    Texting,
}

/// What takes the call over.
enum Relief {
    /// The same server, started again.
    Restart,
    /// Another process behind the same public address.
    Node { beside: Box<Beside>, proxy: Proxy },
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_survives_the_death_of_its_server_at_every_stage_on_sqlite() -> Result<()> {
    let simulation = Simulation::start(USHER).await?;
    let server = TestServer::demo_behind(USHER, Database::Sqlite, None, &simulation, &[]).await?;
    let moments = [Moment::MidSentence, Moment::AfterAnswer, Moment::Recording, Moment::Texting];
    survives(server, Relief::Restart, &moments, Seed::from_env(0xca11)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_survives_the_death_of_its_server_at_every_stage_on_postgres() -> Result<()> {
    let simulation = Simulation::start(USHER).await?;
    let database = Database::fresh_postgres("calls").await?;
    let server = TestServer::demo_behind(USHER, database, None, &simulation, &[]).await?;
    let moments = [Moment::Recording, Moment::MidSentence, Moment::Texting, Moment::AfterAnswer];
    survives(server, Relief::Restart, &moments, Seed::from_env(0xca12)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_goes_on_at_another_node_when_its_own_dies() -> Result<()> {
    let simulation = Simulation::start(USHER).await?;
    let database = Database::fresh_postgres("relief").await?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let proxy = Proxy::to(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    let server = TestServer::demo_behind(USHER, database, Some((&proxy, port)), &simulation, &[]).await?;
    let beside = Box::new(server.beside().await?);
    survives(server, Relief::Node { beside, proxy }, &[Moment::MidSentence], Seed::from_env(0xca13)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_recorded_but_not_acknowledged_is_not_asked_for_again() -> Result<()> {
    let simulation = Simulation::start(USHER).await?;
    let place = "answer-recorded:1";
    let mut server = TestServer::demo_dying_at(USHER, Database::Sqlite, &simulation, place).await?;
    let mut contact = Contact::calls(&server).await?;
    let answer = contact.asked().await?;
    contact.phone.says(answer).await?;
    server.died().await?;
    server.restart().await?;
    contact.phone.until("stream:started").await?;
    let next = contact.phone.until("heard:phone number").await.with_context(|| server.log())?;
    assert!(!next.text.contains("exact name"), "{next:?}");
    contact.phone.hangs_up().await?;
    contact.phone.until("status:completed").await?;
    server.stop().await
}

async fn survives(mut server: TestServer, relief: Relief, moments: &[Moment], seed: Seed) -> Result<()> {
    let mut rng = seed.rng(0);
    let mut moments = moments.to_vec();
    moments.shuffle(&mut rng);
    let mut contact = Contact::calls(&server).await?;
    let mut breaks = Vec::new();
    for moment in &moments {
        contact.converses_until(*moment, &mut rng).await.with_context(|| context(&server, &moments, seed))?;
        let killed = wall_clock();
        server.kill().await?;
        contact.notes_what_was_taken().await?;
        match &relief {
            Relief::Restart => server.restart().await?,
            Relief::Node { beside, proxy } => proxy.lead_to(beside.address()?),
        }
        breaks.push(Break { killed, ready: wall_clock() });
        contact.phone.until("stream:started").await.with_context(|| context(&server, &moments, seed))?;
    }
    contact.answers_to_the_end().await.with_context(|| context(&server, &moments, seed))?;

    journals::everything_sent(&server, SETTLE).await.with_context(|| context(&server, &moments, seed))?;
    let history = history(&server, &contact, breaks).await?;
    let mut breaches = audit(&history, &QUESTIONS);
    let story = Story { phone: contact.handset.clone(), turns: history.turns.clone() };
    let accepted = vendor_log(&contact.simulator).await?;
    breaches.extend(audit::audit(&History {
        acknowledged: contact.acknowledged,
        stories: vec![story],
        accepted,
    }));
    assert!(breaches.is_empty(), "{breaches:#?}\n{moments:?} seed {}\n{:#?}", seed.0, script(&history));
    if let Relief::Node { beside, .. } = relief {
        beside.stop().await?;
    }
    server.stop().await
}

fn context(server: &TestServer, moments: &[Moment], seed: Seed) -> String {
    format!("{moments:?} seed {}\n{}", seed.0, server.log())
}

/// What can be heard of a call, for whoever reads of a breach.
fn script(history: &CallHistory) -> Vec<String> {
    let audible =
        |entry: &&Entry| ["hearing", "heard", "saying", "stream", "status"].contains(&&*entry.event);
    history
        .line
        .iter()
        .filter(audible)
        .map(|entry| format!("{} {}: {}", entry.at, entry.event, entry.text))
        .collect()
}

/// Now, by the clock that the simulator reads, too.
pub(crate) fn wall_clock() -> i64 {
    SystemClock.now().as_millis()
}

/// Somebody who answers whatever is asked on the telephone.
pub(crate) struct Contact {
    pub(crate) phone: Phone,
    simulator: SimulatorClient,
    account: Account,
    pub(crate) handset: String,
    /// Texts the server took.
    acknowledged: Vec<String>,
    /// A text on its way, and whether it was taken.
    texting: Option<(String, JoinHandle<bool>)>,
}

impl Contact {
    pub(crate) async fn calls(server: &TestServer) -> Result<Self> {
        let (simulator, account) = (server.simulator()?, server.account());
        let handset = server.ready().client.phone.clone();
        let phone = Phone::dials(simulator.clone(), &handset, &account.number).await?;
        Ok(Self { phone, simulator, account, handset, acknowledged: Vec::new(), texting: None })
    }

    /// Waits until a question was heard to its end; gives the answer.
    pub(crate) async fn asked(&mut self) -> Result<&'static str> {
        loop {
            let heard = self.phone.until("heard").await?;
            if let Some(answer) = answer_to(&heard) {
                return Ok(answer);
            }
        }
    }

    async fn converses_until(&mut self, moment: Moment, rng: &mut StdRng) -> Result<()> {
        // The kill comes at an instant, not after an event: nothing is waited for here.
        let millis = match moment {
            Moment::MidSentence => {
                let spoken = loop {
                    let hearing = self.phone.until("hearing").await?;
                    if hearing.text.len() > 20 {
                        break hearing.text.len() as u64 * LETTER;
                    }
                };
                rng.random_range(spoken / 10..spoken * 9 / 10)
            }
            Moment::AfterAnswer => {
                let answer = self.asked().await?;
                self.phone.says(answer).await?;
                self.phone.until("said").await?;
                rng.random_range(0..500)
            }
            Moment::Recording => {
                let answer = self.asked().await?;
                let conversations = self.simulator.conversations().await?;
                let talk = &conversations.last().context("an agent talks")?.id;
                let known = self.simulator.conversation_log(talk).await?.last().map_or(0, |entry| entry.seq);
                self.phone.says(answer).await?;
                self.simulator.conversation_until(talk, "tool_call:record_answer", known).await?;
                rng.random_range(0..25)
            }
            Moment::Texting => {
                let answer = self.asked().await?;
                let (account, handset, sid) = (self.account.clone(), self.handset.clone(), message_sid(1));
                let (client, text) = (http::client()?, sid.clone());
                let taken = tokio::spawn(async move {
                    account.deliver(&client, &handset, &text, answer).await.is_ok_and(|status| status == 200)
                });
                self.texting = Some((sid, taken));
                rng.random_range(0..60)
            }
        };
        sleep_until(Instant::now() + Duration::from_millis(millis)).await;
        Ok(())
    }

    /// After a kill: what was taken before it counts.
    async fn notes_what_was_taken(&mut self) -> Result<()> {
        if let Some((sid, taken)) = self.texting.take()
            && taken.await?
        {
            self.acknowledged.push(sid);
        }
        Ok(())
    }

    /// Answers until the agent has said goodbye.
    pub(crate) async fn answers_to_the_end(&mut self) -> Result<()> {
        loop {
            let entry = self.phone.until("").await?;
            match (entry.event.as_str(), entry.text.as_str()) {
                ("status", "completed") => return Ok(()),
                ("heard", _) => {
                    if let Some(answer) = answer_to(&entry) {
                        self.phone.says(answer).await?;
                    }
                }
                _ => {}
            }
        }
    }
}

/// What is left of a call, on all sides.
async fn history(server: &TestServer, contact: &Contact, breaks: Vec<Break>) -> Result<CallHistory> {
    let simulator = &contact.simulator;
    let mut dialogues = Vec::new();
    for conversation in simulator.conversations().await? {
        let log = simulator.conversation_log(&conversation.id).await?;
        let variables = conversation.client_data["dynamic_variables"].clone();
        dialogues.push(Dialogue { variables, log });
    }
    let phones = [contact.handset.clone()];
    let turns = journals::stories(server, &phones).await?.remove(0).turns;
    Ok(CallHistory { line: contact.phone.log().await?, dialogues, turns, breaks })
}
