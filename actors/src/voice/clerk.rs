//! What a call asks of its session, one thing after the other: the journal has a call's news in the order in which they
//! happened, and an answer never before the words it came from.
//!
//! Everything that changes the session has a dedup key made of the call, the attachment and a number, so a commit whose
//! outcome is unknown is simply tried again.

use std::collections::VecDeque;
use std::sync::Arc;

use usher_conversation::flow::{Field, FieldType};
use usher_conversation::session::tools::{self, Tool, ToolAnswer};
use usher_conversation::session::{Command, EscalationReason, Origin, SessionMeta, SessionState};
use usher_conversation::time::Timestamp;
use usher_conversation::voice::{CallNews, Opening, Persona, briefing};

use super::call::{Entry, Question};
use super::ports::{CallRef, VoiceNode};
use crate::crash_point;
use crate::error::RuntimeError;
use crate::owner::Handled;

/// News that may wait; more than any store outage that a call survives.
const MOST_JOBS: usize = 256;
/// News are tried for so long; then the call's record has a hole, which is counted.
const NEWS_MILLIS: i64 = 30_000;
/// Between two tries.
const PAUSE_MILLIS: i64 = 250;

/// Something to be asked of the session.
pub(crate) enum Job {
    Tell(CallNews),
    Use {
        id: String,
        tool: Tool,
        until: Timestamp,
    },
    Enter(Entry),
    Escalate(EscalationReason),
    /// For the dial with this number.
    Brief {
        dial: u32,
    },
}

/// What came of it.
pub(crate) enum Answer {
    Told,
    Lost,
    Used {
        id: String,
        tool: Tool,
        did: Did,
    },
    /// `None` when it answers no question that is asked.
    Entered {
        entry: Entry,
        private: bool,
        did: Option<Did>,
    },
    Briefed(u32, Result<Box<Briefing>, RuntimeError>),
}

/// What came of changing the session.
pub(crate) struct Did {
    pub(crate) answer: ToolAnswer,
    /// The contact withdrew consent with it.
    pub(crate) withdrawn: bool,
    /// What is asked then, if that is known.
    pub(crate) asked: Option<Asked>,
}

/// What an agent is told first.
pub(crate) struct Briefing {
    pub(crate) opening: Opening,
    /// Utterances of the call before.
    pub(crate) utterances: u32,
    pub(crate) asked: Asked,
}

/// What the session asks after a turn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Asked {
    pub(crate) turn: u64,
    pub(crate) question: Option<Question>,
}

impl Asked {
    pub(crate) fn after(meta: &SessionMeta, state: &SessionState) -> Self {
        let pending = state.pending().and_then(|id| meta.flow.field(id));
        let question = |field: &Field| Question { field: field.id.clone(), private: field.sensitive };
        Self { turn: state.seq(), question: pending.map(question) }
    }
}

impl Did {
    fn after(handled: &Handled, tool: &Tool) -> Self {
        Self {
            answer: tools::answer(&handled.meta, &handled.state, tool, Some(&handled.reply())),
            withdrawn: handled.turn.as_ref().is_some_and(|turn| turn.withdraws_consent()),
            asked: Some(Asked::after(&handled.meta, &handled.state)),
        }
    }

    fn failed(error: &RuntimeError) -> Self {
        tracing::warn!(%error, "a tool of a call could not be carried out");
        let json = r#"{"ok":false,"error":"it could not be saved just now; go on and try it again later"}"#;
        Self { answer: ToolAnswer { json: json.to_owned(), is_error: true }, withdrawn: false, asked: None }
    }
}

/// The jobs of one call that wait for their turn.
pub(crate) struct Clerk {
    jobs: VecDeque<(u64, Job)>,
    next: u64,
    pub(crate) busy: bool,
}

/// Everything a job needs, apart from the call's own task.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) node: Arc<VoiceNode>,
    pub(crate) call: Arc<CallRef>,
    pub(crate) origin: Origin,
    pub(crate) persona: Persona,
}

impl Clerk {
    pub(crate) const fn new() -> Self {
        Self { jobs: VecDeque::new(), next: 0, busy: false }
    }

    /// Takes a job on; `false` when an older one had to go for it: words of the agent's before anything that is an answer
    /// or that somebody waits for.
    pub(crate) fn take_on(&mut self, job: Job) -> bool {
        let full = self.jobs.len() == MOST_JOBS;
        if full {
            let of_agent =
                |job: &Job| matches!(job, Job::Tell(CallNews::Spoke { .. } | CallNews::Playing { .. }));
            let least = self.jobs.iter().position(|(_, job)| of_agent(job)).unwrap_or(0);
            self.jobs.remove(least);
        }
        self.next += 1;
        self.jobs.push_back((self.next, job));
        !full
    }

    /// The next job, when none is under way.
    pub(crate) fn next(&mut self) -> Option<(u64, Job)> {
        let job = if self.busy { None } else { self.jobs.pop_front() };
        self.busy |= job.is_some();
        job
    }

    pub(crate) fn is_idle(&self) -> bool {
        !self.busy && self.jobs.is_empty()
    }
}

/// What every dedup key of this call begins with; a turn with such a key was caused by the call itself.
pub(crate) fn key_prefix(call: &CallRef) -> String {
    format!("call:{}:", call.call)
}

impl Desk {
    /// Does one job.
    pub(crate) async fn perform(self, number: u64, job: Job) -> Answer {
        match job {
            Job::Tell(news) => {
                let command = Command::Call { call: self.call.call.clone(), news };
                self.inform(number, command).await
            }
            Job::Escalate(reason) => {
                let command = Command::Escalate { origin: self.origin.clone(), reason };
                self.inform(number, command).await
            }
            Job::Use { id, tool, until } => {
                let did = self.run_tool(number, &tool, until).await;
                if let Tool::RecordAnswer { .. } = tool {
                    crash_point("answer-recorded");
                }
                Answer::Used { id, tool, did }
            }
            Job::Enter(entry) => {
                let (private, did) = self.enter(number, &entry).await.unwrap_or_else(|error| {
                    let private = entry.asked.as_ref().is_some_and(|asked| asked.private);
                    (private, Some(Did::failed(&error)))
                });
                Answer::Entered { entry, private, did }
            }
            Job::Brief { dial } => Answer::Briefed(dial, self.brief().await),
        }
    }

    async fn inform(&self, number: u64, command: Command) -> Answer {
        let until = self.node.now().plus_millis(NEWS_MILLIS);
        match self.insist(number, &command, until).await {
            Ok(_handled) => Answer::Told,
            Err(error) => {
                tracing::error!(call = %self.call.call, %error, "news of a call could not be journaled");
                Answer::Lost
            }
        }
    }

    async fn run_tool(&self, number: u64, tool: &Tool, until: Timestamp) -> Did {
        let done = match tool.command(&self.call.call, &self.origin) {
            Some(command) => {
                self.insist(number, &command, until).await.map(|handled| Did::after(&handled, tool))
            }
            None => self.node.runtime.read(&self.call.org, &self.call.session).await.map(|current| Did {
                answer: tools::answer(&current.meta, &current.state, tool, None),
                withdrawn: false,
                asked: Some(Asked::after(&current.meta, &current.state)),
            }),
        };
        done.unwrap_or_else(|error| Did::failed(&error))
    }

    /// Offers what was entered as the answer to the question it was begun for, and says whether that is private. Digits
    /// are an answer only while that question is pending, and only to one that digits can answer.
    async fn enter(&self, number: u64, entry: &Entry) -> Result<(bool, Option<Did>), RuntimeError> {
        let until = self.node.now().plus_millis(NEWS_MILLIS);
        let asked = entry.asked.as_ref();
        if !entry.keyed {
            let field = asked.map(|asked| asked.field.clone());
            let tool = Tool::RecordAnswer { field, value: entry.text.as_str().into() };
            return Ok((true, Some(self.run_tool(number, &tool, until).await)));
        }
        let current = self.node.runtime.read(&self.call.org, &self.call.session).await?;
        let pending = pending_field(&current.meta.flow, &current.state);
        let private =
            asked.is_some_and(|asked| asked.private) || pending.is_some_and(|field| field.sensitive);
        let pending = pending.filter(|field| asked.is_some_and(|asked| asked.field == field.id));
        let Some((field, value)) = pending.and_then(|field| Some((field, value_of(field, &entry.text)?)))
        else {
            return Ok((private, None));
        };
        let (origin, field) = (self.origin.clone(), field.id.clone());
        let command = Command::Submit { origin, field: field.clone(), value: value.clone() };
        let handled = self.insist(number, &command, until).await?;
        let tool = Tool::RecordAnswer { field: Some(field), value };
        Ok((private, Some(Did::after(&handled, &tool))))
    }

    async fn brief(&self) -> Result<Box<Briefing>, RuntimeError> {
        // A session that begins with this call must know its first question; one that has begun is left as it is.
        let CallRef { org, session, .. } = &*self.call;
        let start = Command::Start { channel: None };
        let current = self.node.runtime.handle(org, session, None, start).await?;
        let opening = briefing(&current.meta, &current.state, &self.persona, &self.call.call);
        let live = current.state.call().filter(|live| live.id == self.call.call);
        let utterances = live.map_or(0, |live| live.utterance);
        Ok(Box::new(Briefing { opening, utterances, asked: Asked::after(&current.meta, &current.state) }))
    }

    /// Tries until it is durable, it is refused for good, or the time is up.
    async fn insist(
        &self,
        number: u64,
        command: &Command,
        until: Timestamp,
    ) -> Result<Handled, RuntimeError> {
        let CallRef { org, session, attachment, .. } = &*self.call;
        let key = format!("{}{attachment}:{number}", key_prefix(&self.call));
        loop {
            match self.node.runtime.handle(org, session, Some(key.clone()), command.clone()).await {
                Ok(handled) => return Ok(handled),
                Err(error) => {
                    let again = self.node.now().plus_millis(PAUSE_MILLIS);
                    if error.retry_after().is_none() || again >= until {
                        return Err(error);
                    }
                    self.node.alarm.until(again).await;
                }
            }
        }
    }
}

fn pending_field<'a>(flow: &'a usher_conversation::flow::Flow, state: &SessionState) -> Option<&'a Field> {
    // Digits are no answer to "is that right?".
    state.pending().filter(|_| state.confirmation().is_none()).and_then(|id| flow.field(id))
}

/// What digits mean as an answer to this field; `None` when they mean nothing.
fn value_of(field: &Field, digits: &str) -> Option<serde_json::Value> {
    let choice = |key: char| {
        let place = key.to_digit(10)?.checked_sub(1)?;
        field.options.get(usize::try_from(place).ok()?).map(|option| option.id.clone())
    };
    match field.kind {
        FieldType::Phone | FieldType::Number | FieldType::Currency => Some(digits.into()),
        FieldType::Select => {
            let mut keys = digits.chars();
            let chosen = choice(keys.next()?)?;
            keys.next().is_none().then(|| chosen.into())
        }
        FieldType::MultiSelect => digits.chars().map(choice).collect::<Option<Vec<_>>>().map(Into::into),
        FieldType::Boolean => match digits {
            "1" => Some(true.into()),
            "2" => Some(false.into()),
            _ => None,
        },
        // The agent is not to hear them, so nobody else can take them for an answer.
        FieldType::Text | FieldType::LongText if field.sensitive => Some(digits.into()),
        FieldType::Text
        | FieldType::LongText
        | FieldType::PersonName
        | FieldType::Email
        | FieldType::Url
        | FieldType::Date
        | FieldType::Time
        | FieldType::Address
        | FieldType::BusinessHours
        | FieldType::File => None,
    }
}

#[cfg(test)]
mod tests {
    use usher_conversation::voice::TurnLatency;

    use super::*;

    fn heard() -> Job {
        Job::Tell(CallNews::Heard { text: "Yes".to_owned() })
    }

    #[test]
    fn a_clerk_who_is_overrun_forgets_words_of_the_agent_first() {
        let mut clerk = Clerk::new();
        let spoke = CallNews::Spoke { utterance: 1, text: "Hi.".to_owned(), latency: TurnLatency::default() };
        assert!(clerk.take_on(Job::Escalate(EscalationReason::Emergency)));
        assert!(clerk.take_on(Job::Tell(spoke)));
        while clerk.jobs.len() < MOST_JOBS {
            assert!(clerk.take_on(heard()));
        }
        assert!(!clerk.take_on(heard()));
        let kept = clerk.jobs.iter().map(|(number, _)| *number).take(2).collect::<Vec<_>>();
        assert_eq!(kept, [1, 3], "the human is still called");
        assert!(!clerk.take_on(heard()));
        assert_eq!(clerk.jobs[0].0, 3, "with nothing of less weight, the oldest goes");
    }
}
