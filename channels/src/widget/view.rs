//! What the widget is told. A member without a value is sent as `null`, never left out.

use serde::Serialize;
use usher_conversation::problem::Problem;
use utoipa::ToSchema;

use super::{Channel, FieldType, SessionStatus, Speaker, VoiceConfig};

/// Body of `GET /api/widget/session/{sessionId}`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionResponse {
    /// The session.
    pub session: SessionHead,
    /// Who is asked, and for whom.
    pub client: ClientView,
    /// What was bought.
    pub services: Vec<ServiceView>,
    /// Every question of the flow, in order.
    pub fields: Vec<FieldView>,
    /// The question that waits for an answer.
    pub current_question: Option<QuestionView>,
    /// How far it is.
    pub progress: ProgressView,
    /// The conversation so far, of all channels.
    pub transcript: Vec<TranscriptLine>,
    /// What happens after completion.
    pub next_steps: Vec<String>,
    /// The organisation's look.
    pub theme: ThemeView,
    /// Settings of the voice mode, when the organisation has it.
    pub voice_config: Option<VoiceConfig>,
}

/// The session itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionHead {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub status: SessionStatus,
    /// The newest turn this view contains.
    pub seq: u64,
    /// Language of the sentences, e.g. `en`.
    pub locale: String,
    /// When it was created, RFC 3339.
    pub created_at: String,
    /// The pinned version of the questions.
    pub flow_version: u32,
}

/// Who is asked, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientView {
    /// The contact's name; empty when unknown.
    pub name: String,
    /// The organisation's name.
    pub org_name: String,
}

/// A service that was bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ServiceView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// One or two sentences; may be empty.
    pub description: String,
}

/// One question with its answer, if it has one.
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a JSON body, not states")]
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FieldView {
    /// Unique inside the flow.
    pub id: String,
    /// Short name.
    pub label: String,
    /// The question.
    pub prompt: String,
    /// More words for whoever wants them.
    pub help: Option<String>,
    /// What kind of answer it takes.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Whether it must be answered.
    pub required: bool,
    /// The choices, if it has any.
    pub options: Vec<ChoiceView>,
    /// Limits beyond the type; the server's verdict is the one that counts.
    pub validation: Limits,
    /// The understood answer is read back before it is taken.
    pub confirm: bool,
    /// Kept out of summaries and out of the browser's storage.
    pub sensitive: bool,
    /// Whether its condition holds now.
    pub visible: bool,
    /// The answer.
    pub answer: Option<AnswerView>,
    /// Left out on purpose.
    pub skipped: bool,
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChoiceView {
    /// The stable value.
    pub id: String,
    /// What the client sees.
    pub label: String,
}

/// Limits on an answer beyond its type, as far as a control can show them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Fewest characters or choices.
    pub min_length: Option<u32>,
    /// Most characters or choices.
    pub max_length: Option<u32>,
    /// Smallest number.
    pub min: Option<f64>,
    /// Largest number.
    pub max: Option<f64>,
    /// Whole numbers only.
    pub integer: bool,
    /// Earliest date, `YYYY-MM-DD` or `today`.
    pub not_before: Option<String>,
    /// Latest date, `YYYY-MM-DD` or `today`.
    pub not_after: Option<String>,
    /// Accepted media types of a file; empty accepts all.
    pub media_types: Vec<String>,
    /// Largest file in bytes.
    pub max_bytes: Option<u64>,
}

/// An answer and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AnswerView {
    /// Normalised.
    pub value: serde_json::Value,
    /// For reading.
    pub display: String,
    /// As it was written or said.
    pub raw: String,
    /// Where it came from.
    pub channel: Channel,
    /// When, RFC 3339.
    pub at: String,
}

/// The question that waits for an answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct QuestionView {
    /// Which field.
    pub field: String,
    /// Its short name.
    pub label: String,
    /// What kind of answer it takes.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// The question.
    pub prompt: String,
    /// Why the last attempt was not understood.
    pub error: Option<String>,
    /// What was understood and waits for a yes.
    pub confirm: Option<ConfirmView>,
}

/// An understood answer that waits for a yes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ConfirmView {
    /// Normalised.
    pub value: serde_json::Value,
    /// For reading.
    pub display: String,
}

/// How far the session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProgressView {
    /// Questions answered or left out.
    pub answered: u32,
    /// Questions that are asked.
    pub total: u32,
}

/// One line of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TranscriptLine {
    /// The turn it belongs to.
    pub seq: u64,
    /// Its position in the turn.
    pub index: u32,
    /// Who said it.
    pub from: Speaker,
    /// Where.
    pub channel: Channel,
    /// The words.
    pub text: String,
    /// When, RFC 3339.
    pub at: String,
}

/// The organisation's look.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct ThemeView {
    /// Accent colour, e.g. `#0066cc`.
    pub accent: Option<String>,
}

/// Body of a successful `POST /api/widget/response` or `/upload`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ResponseReply {
    /// There is more to ask.
    Next {
        /// The turn that took the input.
        seq: u64,
        /// What is asked now; `null` when the session waits for a person.
        #[serde(rename = "nextQuestion")]
        next_question: Option<QuestionView>,
        /// The bot's words.
        reply: Option<String>,
        /// How far it is.
        progress: ProgressView,
    },
    /// Every required question is answered.
    Complete {
        /// The turn that took the input.
        seq: u64,
        /// What happens now.
        #[serde(rename = "nextSteps")]
        next_steps: Vec<String>,
        /// The bot's words.
        reply: Option<String>,
        /// How far it is.
        progress: ProgressView,
    },
}

/// Body of every error (`application/problem+json`, RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemBody {
    /// Where the problem is explained.
    #[serde(rename = "type")]
    pub kind: String,
    /// The short human title.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request.
    pub detail: String,
    /// The problem's stable id.
    pub id: String,
    /// Whether the same request may succeed later, unchanged.
    pub retryable: bool,
    /// Finds this request in the server's logs.
    pub correlation_id: String,
    /// What is wrong with which field; empty unless the problem is `invalid-answer`.
    pub errors: Vec<FieldProblem>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Which field.
    pub field: String,
    /// One friendly sentence with an example.
    pub message: String,
}

impl ProblemBody {
    /// The body of `problem`, explained by `detail`.
    pub fn new(problem: Problem, detail: impl Into<String>, correlation_id: impl Into<String>) -> Self {
        Self {
            kind: format!("https://usher.dev/problems/{}", problem.id()),
            title: problem.title().to_owned(),
            status: problem.status(),
            detail: detail.into(),
            id: problem.id().to_owned(),
            retryable: problem.retryable(),
            correlation_id: correlation_id.into(),
            errors: Vec::new(),
        }
    }
}
