//! The widget's side of the border: every JSON body and socket frame it exchanges with the server.
//!
//! These types are the contract. The server speaks them, the OpenAPI document describes them, and
//! [`schema::typescript`] renders them as the TypeScript the browser code is checked against.

mod frame;
mod request;
pub mod schema;
mod view;
mod vocabulary;
mod voice;

pub use frame::{ClientFrame, ClosingReason, LiveView, ServerFrame};
pub use request::{Input, MalformedResponse, ResponseRequest, UploadQuery};
pub use view::{
    AnswerView, ChoiceView, ClientView, ConfirmView, FieldProblem, FieldView, Limits, ProblemBody,
    ProgressView, QuestionView, ResponseReply, ServiceView, SessionHead, SessionResponse, ThemeView,
    TranscriptLine,
};
pub use vocabulary::{CallEnd, Channel, FieldType, SessionStatus, Speaker};
pub use voice::{VoiceClientFrame, VoiceConfig, VoiceServerFrame};

/// Longest client-chosen idempotency key, in bytes.
pub const MAX_KEY_BYTES: usize = 64;
/// Longest free text, in characters: what a long paragraph needs, and less than the body limit in any script.
pub const MAX_TEXT_CHARS: usize = 8_000;
/// Largest frame accepted from a browser, in bytes.
pub const MAX_CLIENT_FRAME_BYTES: usize = 1024;
/// Largest frame accepted from a browser's microphone, in bytes: half a second at 16,000 samples, or a long typed text.
pub const MAX_VOICE_FRAME_BYTES: usize = 16 * 1024;
/// Samples per second a browser's microphone sends.
pub const MICROPHONE_HZ: u32 = 16_000;
/// Turns that may be under way to one browser without its acknowledgement.
pub const ACK_WINDOW: usize = 64;
