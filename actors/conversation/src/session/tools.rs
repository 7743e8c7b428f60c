//! What a speaking model may ask of a session, and what it is told.
//!
//! The model talks; the session decides. Every value goes through the same rules as a text message or a form, so a model
//! can neither invent an answer that does not parse nor skip a question that is required.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::flow::{FieldId, FieldType};
use crate::id::CallId;
use crate::session::command::{Command, Origin};
use crate::session::reading;
use crate::session::reply::Reply;
use crate::session::speech::Speech;
use crate::session::state::{SessionMeta, SessionState};
use crate::view::Progress;

/// The longest text a tool takes, in bytes.
pub const MAX_TEXT_BYTES: usize = 4_000;

/// Something a speaking model wants done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tool", rename_all = "snake_case")]
pub enum Tool {
    /// Which question is pending.
    GetNextQuestion,
    /// What the contact said to the pending question, or to the one named.
    RecordAnswer {
        /// Which field; the pending one when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        field: Option<FieldId>,
        /// The words, or the normalised JSON of the type.
        value: Value,
    },
    /// The contact corrects an earlier answer.
    CorrectAnswer {
        /// Which field.
        field: FieldId,
        /// The words, or the normalised JSON of the type.
        value: Value,
    },
    /// The contact asks something themselves.
    AnswerQuestion {
        /// Their words.
        question: String,
    },
    /// A person must look at this.
    Escalate {
        /// Why, in the model's words.
        reason: String,
    },
    /// The contact wants to speak with a person now.
    Transfer {
        /// To whom, when they said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// Everything is said.
    EndCall {
        /// Why, in the model's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

/// A request that is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// No tool has this name.
    #[error("there is no tool {0:?}")]
    Unknown(String),
    /// A parameter that is needed is missing, or of the wrong kind or size.
    #[error("parameter {0:?} is missing or not usable")]
    Parameter(&'static str),
}

impl Tool {
    /// Reads a model's request.
    ///
    /// # Errors
    /// [`ToolError`] says what is wrong, in words for the model.
    pub fn parse(name: &str, parameters: &Value) -> Result<Self, ToolError> {
        let text = |key: &'static str| bounded(parameters.get(key)).ok_or(ToolError::Parameter(key));
        let optional = |key: &'static str| match parameters.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            given => bounded(given).map(Some).ok_or(ToolError::Parameter(key)),
        };
        let value = || {
            let value = parameters.get("value").filter(|value| !value.is_null());
            let value = value.ok_or(ToolError::Parameter("value"))?;
            let fits = value.as_str().map_or_else(|| value.to_string().len(), str::len) <= MAX_TEXT_BYTES;
            if fits { Ok(value.clone()) } else { Err(ToolError::Parameter("value")) }
        };
        Ok(match name {
            "get_next_question" => Self::GetNextQuestion,
            "record_answer" => {
                Self::RecordAnswer { field: optional("field")?.map(FieldId::new), value: value()? }
            }
            "correct_answer" => Self::CorrectAnswer { field: FieldId::new(text("field")?), value: value()? },
            "answer_question" => Self::AnswerQuestion { question: text("question")? },
            "escalate" => Self::Escalate { reason: optional("reason")?.unwrap_or_default() },
            "transfer" => Self::Transfer { to: optional("to")? },
            "end_call" => Self::EndCall { reason: optional("reason")? },
            unknown => return Err(ToolError::Unknown(unknown.chars().take(64).collect())),
        })
    }

    /// The field it names.
    const fn field(&self) -> Option<&FieldId> {
        match self {
            Self::RecordAnswer { field, .. } => field.as_ref(),
            Self::CorrectAnswer { field, .. } => Some(field),
            Self::GetNextQuestion
            | Self::AnswerQuestion { .. }
            | Self::Escalate { .. }
            | Self::Transfer { .. }
            | Self::EndCall { .. } => None,
        }
    }

    /// What to ask of the session; `None` when it only has to be looked at, or the call itself is meant.
    pub fn command(&self, call: &CallId, origin: &Origin) -> Option<Command> {
        match self {
            Self::GetNextQuestion | Self::EndCall { .. } => None,
            Self::RecordAnswer { .. }
            | Self::CorrectAnswer { .. }
            | Self::AnswerQuestion { .. }
            | Self::Escalate { .. }
            | Self::Transfer { .. } => {
                Some(Command::Use { call: call.clone(), origin: origin.clone(), tool: self.clone() })
            }
        }
    }
}

fn bounded(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).filter(|text| text.len() <= MAX_TEXT_BYTES).map(str::to_owned)
}

/// What the model is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolAnswer {
    /// A JSON object as text.
    pub json: String,
    /// Whether the request failed.
    pub is_error: bool,
}

/// What the model is told after `tool`, given the state after it and, if it was a command, the session's reply.
///
/// `say` holds the session's own words, ready to be spoken; `next_question` is what to ask now.
pub fn answer(meta: &SessionMeta, state: &SessionState, tool: &Tool, reply: Option<&Reply>) -> ToolAnswer {
    let speech = Speech::of(meta).aloud();
    let question = state.pending().and_then(|id| meta.flow.field(id));
    let mut told = Map::new();
    let refused = reply.and_then(|reply| reply.error.as_ref());
    let unknown = tool.field().filter(|id| !is_asked(meta, state, id));
    told.insert("ok".to_owned(), Value::Bool(refused.is_none() && unknown.is_none()));
    if let Some(unknown) = unknown {
        told.insert("error".to_owned(), Value::String(format!("There is no question {unknown} now.")));
    }
    if let Some(refused) = refused {
        told.insert("field".to_owned(), json!(refused.field));
        told.insert("error".to_owned(), json!(refused.message));
    }
    let asked = matches!(tool, Tool::GetNextQuestion);
    let words = reply.and_then(|reply| reply.text.clone());
    if let Some(words) =
        words.or_else(|| question.filter(|_| asked).map(|field| speech.question(state, field)))
    {
        told.insert("say".to_owned(), Value::String(words));
    }
    told.insert(
        "next_question".to_owned(),
        question.map_or(Value::Null, |field| {
            json!({
                "field": field.id,
                "question": speech.question(state, field),
                "type": field.kind,
                "required": field.required,
                "options": field.options.iter().map(|choice| choice.label.as_str()).collect::<Vec<_>>(),
                "confirming": state.confirmation().is_some_and(|waiting| waiting.field == field.id),
            })
        }),
    );
    let progress = Progress::of(meta, state);
    told.insert("answered".to_owned(), json!(progress.answered));
    told.insert("questions_left".to_owned(), json!(progress.total.saturating_sub(progress.answered)));
    told.insert("complete".to_owned(), Value::Bool(state.is_complete()));
    ToolAnswer { json: Value::Object(told).to_string(), is_error: false }
}

fn is_asked(meta: &SessionMeta, state: &SessionState, id: &FieldId) -> bool {
    meta.flow.field(id).is_some_and(|field| reading::is_visible(state, field))
}

/// What the model is told of a request that is none of ours.
pub fn refuse(error: &ToolError) -> ToolAnswer {
    ToolAnswer { json: json!({ "ok": false, "error": error.to_string() }).to_string(), is_error: true }
}

/// A tool as a model must be told of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolDefinition {
    /// Its exact name.
    pub name: &'static str,
    /// When to use it.
    pub description: &'static str,
    /// JSON Schema of its parameters.
    pub parameters: Value,
}

/// Every tool, for setting up an agent at a vendor.
pub fn definitions() -> Vec<ToolDefinition> {
    let words = |description: &str| json!({ "type": "string", "description": description });
    let tool = |name, description, required: &[&str], properties: Value| ToolDefinition {
        name,
        description,
        parameters: json!({ "type": "object", "required": required, "properties": properties }),
    };
    let field = || words("The id of the field, as next_question gave it");
    let value = || words("What the contact said, in their own words; spell out what they spelled");
    vec![
        tool(
            "get_next_question",
            "Tells which question to ask now. Use it at the start, and whenever you are not sure.",
            &[],
            json!({}),
        ),
        tool(
            "record_answer",
            "Records what the contact said to the pending question, including a yes or no to a read-back and a wish to \
             skip. Say what it returns in `say`, then ask what it returns in `next_question`.",
            &["value"],
            json!({ "field": field(), "value": value() }),
        ),
        tool(
            "correct_answer",
            "Changes an earlier answer when the contact corrects it.",
            &["field", "value"],
            json!({ "field": field(), "value": value() }),
        ),
        tool(
            "answer_question",
            "Asks the organisation's own knowledge when the contact asks something. Never invent an answer yourself.",
            &["question"],
            json!({ "question": words("What the contact asks") }),
        ),
        tool(
            "escalate",
            "Asks a person of the organisation to get in touch later. Use it when the contact wants that or is upset.",
            &["reason"],
            json!({ "reason": words("Why, in one sentence") }),
        ),
        tool(
            "transfer",
            "Connects the contact with a person now. Say that you are connecting them, then use it.",
            &[],
            json!({ "to": words("The department or person they asked for, if they said so") }),
        ),
        tool(
            "end_call",
            "Ends the call. Say goodbye first; the line stays open until your words were heard.",
            &[],
            json!({ "reason": words("Why, in one sentence") }),
        ),
    ]
}

/// Whether an answer of this kind is read back when it was heard and not read: what a recogniser gets wrong most, and what
/// hurts most when it is wrong.
pub(super) const fn read_back_when_heard(kind: FieldType) -> bool {
    matches!(kind, FieldType::Phone | FieldType::Email | FieldType::PersonName | FieldType::Currency)
}
