//! What a call is set up with.

use usher_conversation::session::Origin;
use usher_conversation::time::Timestamp;
use usher_conversation::voice::department_named;

use super::ports::TransferPlan;

/// Bounds of a call's life. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLimits {
    /// Then the agent is asked to say goodbye; it is told shortly before.
    pub longest: i64,
    /// The agent's time to say goodbye in when the call has to end.
    pub last_words: i64,
    /// For reading the session and opening a conversation with the agent, its first event included.
    pub dial: i64,
    /// For one tool, its turn in the journal included. Past it the agent is told of a failure and goes on.
    pub tool: i64,
    /// Silence of both sides before the contact is asked whether they are still there; as long again before the end.
    pub silence: i64,
    /// After an interruption without words and without a reply, the agent is asked to go on.
    pub doubt: i64,
    /// A pause that ends typed digits.
    pub digits: i64,
    /// For the last words' transcript after the contact hung up.
    pub grace: i64,
    /// For finding out who answered, when that is known later ([`Setup::screened`]).
    pub screening: i64,
    /// From the start of such a call, the agent does not hear the contact for so long while it is still not known: long
    /// enough for a machine's greeting, of which the network tells at its end.
    pub unsure: i64,
    /// Pieces of the contact's voice kept while the agent's side is not ready or is slow; the oldest go first.
    pub held_frames: usize,
    /// Milliseconds of the contact's voice the agent's socket may be behind before frames are held.
    pub agent_behind: usize,
    /// Bytes the carrier's socket may be behind before the agent's voice is held.
    pub carrier_behind: usize,
    /// Raw bytes of the agent's voice that are held then; the oldest go first.
    pub carrier_held: usize,
}

impl CallLimits {
    /// No call lasts longer than this, its last words included.
    pub const fn utmost(&self) -> i64 {
        self.longest + 2 * self.last_words
    }
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            longest: 15 * 60_000,
            last_words: 10_000,
            dial: 10_000,
            tool: 8_000,
            silence: 25_000,
            doubt: 1_500,
            digits: 2_000,
            grace: 1_500,
            screening: 4_000,
            unsure: 15_000,
            held_frames: 50,
            agent_behind: 1_000,
            carrier_behind: 64 * 1024,
            carrier_held: 512 * 1024,
        }
    }
}

/// How an emergency reaches a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emergency {
    /// Who is called; nobody can be on a line that the telephone network does not know, then a human is told.
    pub plan: Option<TransferPlan>,
    /// Whether a lone `#` asks for it.
    pub pound_key: bool,
    /// Words and phrases that ask for it, as [`usher_conversation::voice::asks_for_help`] takes them.
    pub keywords: Vec<String>,
}

/// Who can be reached from a call. A model never chooses a number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People {
    /// Whoever takes calls that ask for a person.
    pub anybody: Option<TransferPlan>,
    /// Who takes those that ask for a department, by its name.
    pub departments: Vec<(String, TransferPlan)>,
    /// In an emergency.
    pub emergency: Option<Emergency>,
}

impl People {
    /// Who takes a call that asks for `wish`; whoever takes any, when no department is named in it.
    pub(crate) fn person(&self, wish: Option<&str>) -> Option<&TransferPlan> {
        let names = self.departments.iter().map(|(name, _)| name.as_str());
        let department = wish.and_then(|wish| department_named(wish, names));
        department.map(|place| &self.departments[place].1).or(self.anybody.as_ref())
    }
}

/// What the pure machine of a call is told at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Where the contact is: `voice` and their number, empty for the widget's microphone.
    pub origin: Origin,
    /// When the contact was first connected, for a call that was attached before.
    pub began: Option<Timestamp>,
    /// So many of the agent's first utterances cannot be interrupted: the disclosure that the law asks for. None, once the
    /// session knows of an utterance on this call.
    pub protected: u32,
    /// The agent is dialled only when it is known that a person answered, or that this cannot be known in time.
    pub screened: bool,
    /// Who can be reached.
    pub people: People,
    /// Bounds.
    pub limits: CallLimits,
}
