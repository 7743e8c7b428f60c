//! What the simulator knows, as a fold over [`Record`]s.
//!
//! Every change is one record: it is applied in memory and, when a state file is configured, appended to it before anybody
//! is answered. So a simulator that is killed knows on restart what the vendor it stands for would know.

mod call;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use usher_channels::twilio::MessageStatus;

pub use call::{Answers, Call, CallDirection, CallHabits, CallReports, CallStatus, Recording, TakenFor};

/// An account at the vendor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// `AC…`.
    pub account_sid: String,
    /// The password of its API and the key of its webhooks.
    pub auth_token: String,
    /// Its telephone numbers.
    #[serde(default)]
    pub numbers: Vec<Number>,
    /// Its messaging services.
    #[serde(default)]
    pub services: Vec<Service>,
    /// Recipients that are no mobile phones (21614).
    #[serde(default)]
    pub landlines: BTreeSet<String>,
    /// Requests served at the same time before the API answers 429.
    #[serde(default = "default_concurrency")]
    pub max_concurrent: u32,
    /// Calls begun per second; more wait. Without it none waits.
    #[serde(default)]
    pub calls_per_second: Option<f64>,
}

const fn default_concurrency() -> u32 {
    100
}

/// A telephone number of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// E.164.
    pub number: String,
    /// Where incoming messages are posted.
    #[serde(default)]
    pub sms_url: Option<String>,
    /// Where they are posted when `sms_url` fails.
    #[serde(default)]
    pub sms_fallback_url: Option<String>,
    /// Where incoming calls are posted.
    #[serde(default)]
    pub voice_url: Option<String>,
    /// Where it is asked when a document of an incoming call cannot be had or understood: the first or any later one.
    #[serde(default)]
    pub voice_fallback_url: Option<String>,
    /// Where the end of incoming calls is reported.
    #[serde(default)]
    pub status_callback: Option<String>,
    /// Message segments sent per second; more are queued.
    #[serde(default = "default_rate")]
    pub segments_per_second: f64,
}

const fn default_rate() -> f64 {
    100.0
}

/// A messaging service: a pool of numbers with common settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// `MG…`.
    pub sid: String,
    /// Its numbers; the first one sends.
    pub numbers: Vec<String>,
    /// Recognises opt-out words itself and tells the webhook so (`OptOutType`).
    #[serde(default)]
    pub advanced_opt_out: bool,
}

impl Account {
    /// The number, when the account owns it.
    pub fn number(&self, number: &str) -> Option<&Number> {
        self.numbers.iter().find(|own| own.number == number)
    }

    /// The service a number belongs to.
    pub fn service_of(&self, number: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.numbers.iter().any(|own| own == number))
    }

    /// What an opt-out from this number covers: its whole service, or the number alone.
    pub fn opt_out_scope<'a>(&'a self, number: &'a str) -> &'a str {
        self.service_of(number).map_or(number, |service| &service.sid)
    }
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From a handset.
    Inbound,
    /// Created through the API.
    OutboundApi,
    /// Written in the answer to a webhook.
    OutboundReply,
}

/// A file that belongs to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// `ME…`.
    pub sid: String,
    /// Its type.
    pub content_type: String,
    /// Its bytes in base 64, or where they lie when the sender gave a URL.
    pub content: MediaContent,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaContent {
    /// Here, in base 64.
    Base64(String),
    /// At that URL.
    Url(String),
}

/// What became of the webhook that reported an incoming message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookOutcome {
    /// A 2xx came back.
    pub delivered: bool,
    /// The last status, when there was an answer.
    pub status: Option<u16>,
    /// Requests made, the fallback URL included.
    pub attempts: u32,
    /// The code the vendor would log.
    pub error_code: Option<u32>,
}

/// A message at the vendor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// `SM…` or `MM…`.
    pub sid: String,
    /// The account.
    pub account_sid: String,
    /// Which way it went.
    pub direction: Direction,
    /// The sender; unknown until a service has chosen it.
    pub from: Option<String>,
    /// The recipient.
    pub to: String,
    /// The words.
    pub body: String,
    /// The files.
    pub media: Vec<Media>,
    /// The service it went through.
    pub messaging_service_sid: Option<String>,
    /// How far it has come.
    pub status: MessageStatus,
    /// Why it failed.
    pub error_code: Option<u32>,
    /// Parts it is sent in.
    pub segments: u32,
    /// Milliseconds since the epoch.
    pub created: i64,
    /// When anything last changed.
    pub updated: i64,
    /// When it was sent.
    pub sent: Option<i64>,
    /// Not to be sent before this.
    pub send_at: Option<i64>,
    /// Where its progress is reported.
    pub status_callback: Option<String>,
    /// What became of the webhook about it.
    pub webhook: Option<WebhookOutcome>,
}

/// A line on a handset's screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Position in the handset's history, from 1.
    pub id: u64,
    /// The number on the other side.
    pub peer: String,
    /// The person wrote it; otherwise it arrived.
    pub mine: bool,
    /// The words.
    pub text: String,
    /// Pictures: path or URL and type.
    pub media: Vec<LineMedia>,
    /// Milliseconds since the epoch.
    pub at: i64,
    /// `sending`, `delivered` or `failed`: for the ticks of what the person wrote.
    pub state: LineState,
    /// The vendor's message; absent for automatic replies, which the vendor does not list.
    pub message_sid: Option<String>,
}

/// A file on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineMedia {
    /// Path on the simulator, or a URL elsewhere.
    pub url: String,
    /// Its type.
    pub content_type: String,
}

/// How far a line has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// On its way.
    Sending,
    /// The other side has it.
    Delivered,
    /// The other side could not be reached.
    Failed,
}

/// A telephone in somebody's hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handset {
    /// Whose it is.
    pub name: Option<String>,
    /// The number it writes to when nobody wrote yet.
    pub default_peer: Option<String>,
    /// What it does when it is called.
    #[serde(skip)]
    pub habits: CallHabits,
    /// Its screen, oldest first.
    #[serde(skip)]
    pub lines: Vec<Line>,
}

/// One change of the world.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// An account is new or has changed.
    Account {
        /// The account.
        account: Account,
    },
    /// A message is new or has changed.
    Message {
        /// The message.
        message: Box<Message>,
    },
    /// A message was deleted.
    Deleted {
        /// Its id.
        sid: String,
    },
    /// A recipient opted out or in.
    OptOut {
        /// Number or service.
        scope: String,
        /// The recipient.
        phone: String,
        /// Out, or in again.
        out: bool,
    },
    /// A handset is new or was renamed.
    Handset {
        /// Its number.
        phone: String,
        /// The rest.
        handset: Handset,
    },
    /// What a handset does when it is called has changed.
    Habits {
        /// Its number.
        phone: String,
        /// What it does.
        habits: CallHabits,
    },
    /// A call is new or has changed.
    Call {
        /// The call.
        call: Box<Call>,
    },
    /// A recording is new or has changed.
    Recording {
        /// The recording.
        recording: Recording,
    },
    /// A recording was deleted.
    RecordingDeleted {
        /// Its id.
        sid: String,
    },
    /// A line is new or has changed.
    Line {
        /// The handset.
        phone: String,
        /// The line.
        line: Line,
    },
}

/// Everything the simulator knows.
#[derive(Debug, Default)]
pub struct World {
    accounts: BTreeMap<String, Account>,
    messages: Vec<Option<Message>>,
    by_sid: HashMap<String, usize>,
    opt_outs: BTreeSet<(String, String)>,
    handsets: BTreeMap<String, Handset>,
    calls: Vec<Call>,
    call_by_sid: HashMap<String, usize>,
    recordings: BTreeMap<String, Recording>,
}

impl World {
    /// Applies one change.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Account { account } => {
                self.accounts.insert(account.account_sid.clone(), account);
            }
            Record::Message { message } => {
                let index = *self.by_sid.entry(message.sid.clone()).or_insert(self.messages.len());
                if index == self.messages.len() {
                    self.messages.push(None);
                }
                self.messages[index] = Some(*message);
            }
            Record::Deleted { sid } => {
                if let Some(index) = self.by_sid.get(&sid) {
                    self.messages[*index] = None;
                }
            }
            Record::OptOut { scope, phone, out: true } => {
                self.opt_outs.insert((scope, phone));
            }
            Record::OptOut { scope, phone, out: false } => {
                self.opt_outs.remove(&(scope, phone));
            }
            Record::Handset { phone, handset } => {
                let known = self.handsets.entry(phone).or_default();
                known.name = handset.name;
                known.default_peer = handset.default_peer;
            }
            Record::Habits { phone, habits } => self.handsets.entry(phone).or_default().habits = habits,
            Record::Call { call } => {
                let index = *self.call_by_sid.entry(call.sid.clone()).or_insert(self.calls.len());
                match self.calls.get_mut(index) {
                    Some(known) => *known = *call,
                    None => self.calls.push(*call),
                }
            }
            Record::Recording { recording } => {
                self.recordings.insert(recording.sid.clone(), recording);
            }
            Record::RecordingDeleted { sid } => {
                self.recordings.remove(&sid);
            }
            Record::Line { phone, line } => {
                let lines = &mut self.handsets.entry(phone).or_default().lines;
                match lines.iter_mut().rev().find(|known| known.id == line.id) {
                    Some(known) => *known = line,
                    None => lines.push(line),
                }
            }
        }
    }

    /// The records that lead from an empty world to this one.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let accounts = self.accounts.values().map(|account| Record::Account { account: account.clone() });
        let messages = self
            .messages
            .iter()
            .flatten()
            .map(|message| Record::Message { message: Box::new(message.clone()) });
        let opt_outs = self.opt_outs.iter().map(|(scope, phone)| Record::OptOut {
            scope: scope.clone(),
            phone: phone.clone(),
            out: true,
        });
        let handsets = self.handsets.iter().flat_map(|(phone, handset)| {
            let named = Record::Handset { phone: phone.clone(), handset: handset.clone() };
            let habits = Record::Habits { phone: phone.clone(), habits: handset.habits.clone() };
            let lines =
                handset.lines.iter().map(|line| Record::Line { phone: phone.clone(), line: line.clone() });
            [named, habits].into_iter().chain(lines)
        });
        let calls = self.calls.iter().map(|call| Record::Call { call: Box::new(call.clone()) });
        let recordings = self.recordings.values();
        let recordings = recordings.map(|recording| Record::Recording { recording: recording.clone() });
        accounts.chain(messages).chain(opt_outs).chain(handsets).chain(calls).chain(recordings)
    }

    /// An account.
    pub fn account(&self, sid: &str) -> Option<&Account> {
        self.accounts.get(sid)
    }

    /// All accounts.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// The account that owns a number.
    pub fn owner_of(&self, number: &str) -> Option<&Account> {
        self.accounts.values().find(|account| account.number(number).is_some())
    }

    /// A message that was not deleted.
    pub fn message(&self, sid: &str) -> Option<&Message> {
        self.by_sid.get(sid).and_then(|index| self.messages[*index].as_ref())
    }

    /// All messages that were not deleted, oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter().flatten()
    }

    /// A call.
    pub fn call(&self, sid: &str) -> Option<&Call> {
        self.call_by_sid.get(sid).map(|index| &self.calls[*index])
    }

    /// All calls, oldest first.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &Call> {
        self.calls.iter()
    }

    /// A recording that was not deleted.
    pub fn recording(&self, sid: &str) -> Option<&Recording> {
        self.recordings.get(sid)
    }

    /// The recordings of a call.
    pub fn recordings_of<'w>(&'w self, call: &'w str) -> impl Iterator<Item = &'w Recording> {
        self.recordings.values().filter(move |recording| recording.call_sid == call)
    }

    /// Whether the recipient refuses messages from that number or service.
    pub fn opted_out(&self, scope: &str, phone: &str) -> bool {
        self.opt_outs.contains(&(scope.to_owned(), phone.to_owned()))
    }

    /// All handsets by number.
    pub fn handsets(&self) -> impl Iterator<Item = (&str, &Handset)> {
        self.handsets.iter().map(|(phone, handset)| (phone.as_str(), handset))
    }

    /// One handset.
    pub fn handset(&self, phone: &str) -> Option<&Handset> {
        self.handsets.get(phone)
    }
}
