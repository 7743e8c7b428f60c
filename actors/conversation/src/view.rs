//! What a person at a screen sees of a session: derived from the state, never stored.

use serde::Serialize;

use crate::answer::AnswerValue;
use crate::channel::Channel;
use crate::flow::{Choice, Field, FieldId, FieldType, Validation};
use crate::journal::Turn;
use crate::session::reading;
use crate::session::speech::Speech;
use crate::session::{Answer, Event, SessionMeta, SessionState, SessionStatus, Speaker, TranscriptEntry};
use crate::time::Timestamp;
use crate::voice::CallNews;

/// What stands for a value that watchers must not see.
const HIDDEN: &str = "••••";

/// The lines that a turn adds to the conversation as people read it.
pub fn transcript_of(turn: &Turn) -> Vec<TranscriptEntry> {
    let by_model = turn.events.iter().any(|event| matches!(event, Event::ToolUsed { .. }));
    let lines = turn.events.iter().filter_map(|event| match event {
        Event::Received { origin, text, media } => {
            let names = media.iter().map(|media| media.file.name.as_str());
            let words = [text.as_str()].into_iter().filter(|text| !text.is_empty());
            Some((Speaker::Client, origin.channel, words.chain(names).collect::<Vec<_>>().join("\n")))
        }
        // A model on the telephone is given the words; what the contact really heard of them is told by the call.
        Event::Said { message } if message.channel == Channel::Voice && by_model => None,
        Event::Said { message } => Some((Speaker::Bot, message.channel, message.text.clone())),
        Event::Call { news: CallNews::Heard { text }, .. } => {
            Some((Speaker::Client, CallNews::CHANNEL, text.clone()))
        }
        Event::Call { news: CallNews::Played { text, whole, .. }, .. } if !text.is_empty() => {
            let text = if *whole { text.clone() } else { format!("{text}…") };
            Some((Speaker::Bot, CallNews::CHANNEL, text))
        }
        Event::Started { .. }
        | Event::FileMissed { .. }
        | Event::Repeated { .. }
        | Event::Answered { .. }
        | Event::ConfirmationAsked { .. }
        | Event::ConfirmationRefused { .. }
        | Event::Invalidated { .. }
        | Event::Skipped { .. }
        | Event::Missed { .. }
        | Event::Declined { .. }
        | Event::Postponed { .. }
        | Event::Asked { .. }
        | Event::Completed
        | Event::Reopened
        | Event::Escalated { .. }
        | Event::ConsentChanged { .. }
        | Event::Opened { .. }
        | Event::Call { .. }
        | Event::ToolUsed { .. }
        | Event::TimerSet { .. }
        | Event::TimerCancelled { .. }
        | Event::TimerFired { .. }
        | Event::Delivered { .. } => None,
    });
    (0..)
        .zip(lines)
        .map(|(index, (from, channel, text))| TranscriptEntry {
            seq: turn.seq,
            index,
            from,
            channel,
            text,
            at: turn.at,
        })
        .collect()
}

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Questions answered.
    pub answered: u32,
    /// Questions that need an answer, and optional ones that have one.
    pub total: u32,
}

impl Progress {
    /// Counts over the visible fields.
    pub fn of(meta: &SessionMeta, state: &SessionState) -> Self {
        let mut progress = Self { answered: 0, total: 0 };
        for field in meta.flow.fields.iter().filter(|field| reading::is_visible(state, field)) {
            let answered = state.answer(&field.id).is_some();
            progress.answered += u32::from(answered);
            progress.total += u32::from(answered || field.required);
        }
        progress
    }
}

/// A session as the widget and the command line show it. Borrowed from the state; serialised in the form of the API.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionView<'a> {
    /// The session itself.
    pub session: SessionHead<'a>,
    /// Every field of the flow, in order.
    pub fields: Vec<FieldView<'a>>,
    /// The pending question.
    pub current_question: Option<QuestionView<'a>>,
    /// How far it has come.
    pub progress: Progress,
    /// What the completion screen tells the client comes next.
    pub next_steps: &'a [String],
}

/// Which session, and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionHead<'a> {
    /// Its id.
    pub id: &'a str,
    /// Where it stands.
    pub status: SessionStatus,
    /// Whether nothing is left to ask, whatever the status hides.
    pub complete: bool,
    /// The last turn this view shows.
    pub seq: u64,
    /// Language of the sentences.
    pub locale: &'a str,
    /// When it was created, RFC 3339.
    pub created_at: jiff::Timestamp,
    /// The version of the flow it is pinned to.
    pub flow_version: u32,
}

/// A question of the flow and its answer.
#[expect(clippy::struct_excessive_bools, reason = "the API has these flags")]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldView<'a> {
    /// Its id.
    pub id: &'a FieldId,
    /// Its short name.
    pub label: &'a str,
    /// The question, with its variables filled in.
    pub prompt: std::borrow::Cow<'a, str>,
    /// More words about it.
    pub help: Option<&'a str>,
    /// What kind of answer it takes.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Whether the session needs it.
    pub required: bool,
    /// The choices.
    pub options: &'a [Choice],
    /// Limits beyond the type.
    pub validation: &'a Validation,
    /// Whether the answer is read back.
    pub confirm: bool,
    /// Whether the value is kept from screens.
    pub sensitive: bool,
    /// Whether it is asked, given the answers that stand.
    pub visible: bool,
    /// The answer that stands.
    pub answer: Option<AnswerView<'a>>,
    /// Whether the contact skipped it.
    pub skipped: bool,
}

/// An answer with its provenance.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswerView<'a> {
    /// The normalised value; null for a sensitive field.
    pub value: Option<serde_json::Value>,
    /// As people read it.
    pub display: String,
    /// What was written or said.
    pub raw: &'a str,
    /// Where it came from.
    pub channel: Channel,
    /// When, RFC 3339.
    pub at: jiff::Timestamp,
}

/// The pending question.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QuestionView<'a> {
    /// Which field.
    pub field: &'a FieldId,
    /// Its short name.
    pub label: &'a str,
    /// What kind of answer it takes.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// The question, with its variables filled in.
    pub prompt: std::borrow::Cow<'a, str>,
    /// Why the last attempt was refused.
    pub error: Option<String>,
    /// The read-back that waits for a yes.
    pub confirm: Option<ReadBackView>,
}

/// An understood answer that waits for a yes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadBackView {
    /// The normalised value.
    pub value: serde_json::Value,
    /// As people read it.
    pub display: String,
}

impl<'a> SessionView<'a> {
    /// The view of a session as it stands.
    pub fn of(meta: &'a SessionMeta, state: &'a SessionState) -> Self {
        let speech = Speech::of(meta);
        Self {
            session: SessionHead {
                id: meta.session.as_str(),
                status: state.status(),
                complete: state.is_complete(),
                seq: state.seq(),
                locale: &meta.locale,
                created_at: rfc3339(meta.created_at),
                flow_version: meta.flow.version,
            },
            fields: meta.flow.fields.iter().map(|field| field_view(speech, state, field)).collect(),
            current_question: QuestionView::of(meta, state),
            progress: Progress::of(meta, state),
            next_steps: &meta.flow.next_steps,
        }
    }
}

fn field_view<'a>(speech: Speech<'_>, state: &'a SessionState, field: &'a Field) -> FieldView<'a> {
    FieldView {
        id: &field.id,
        label: &field.label,
        prompt: speech.prompt(state, field),
        help: field.help.as_deref(),
        kind: field.kind,
        required: field.required,
        options: &field.options,
        validation: &field.validation,
        confirm: field.confirm,
        sensitive: field.sensitive,
        visible: reading::is_visible(state, field),
        answer: state.answer(&field.id).map(|answer| answer_view(speech, field, answer)),
        skipped: state.is_skipped(&field.id),
    }
}

fn answer_view<'a>(speech: Speech<'_>, field: &Field, answer: &'a Answer) -> AnswerView<'a> {
    let (value, display, raw) = if field.sensitive {
        (None, HIDDEN.to_owned(), HIDDEN)
    } else {
        (Some(answer.value.to_json()), speech.display(field, &answer.value), answer.raw.as_str())
    };
    AnswerView { value, display, raw, channel: answer.origin.channel, at: rfc3339(answer.at) }
}

impl<'a> QuestionView<'a> {
    /// The question that waits in a session as it stands.
    pub fn of(meta: &'a SessionMeta, state: &'a SessionState) -> Option<Self> {
        let field = meta.flow.field(state.pending()?)?;
        let speech = Speech::of(meta);
        let waiting = state.confirmation().filter(|waiting| waiting.field == field.id);
        let read_back = |value: &AnswerValue| ReadBackView {
            value: value.to_json(),
            display: speech.display(field, value),
        };
        Some(Self {
            field: &field.id,
            label: &field.label,
            kind: field.kind,
            prompt: speech.prompt(state, field),
            error: state.last_refusal(&field.id).map(|cause| speech.refusal(field, cause)),
            confirm: waiting.map(|waiting| read_back(&waiting.value)),
        })
    }
}

/// The instant for display; serialises as RFC 3339.
fn rfc3339(at: Timestamp) -> jiff::Timestamp {
    at.to_jiff()
}
