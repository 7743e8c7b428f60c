//! Frames of `/ws/widget`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FieldView, ProgressView, QuestionView, SessionHead, TranscriptLine};

/// What the server sends. After `hello` exactly one `turn` follows for every committed turn after `since`, in
/// order and without gaps.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The socket is open.
    Hello {
        /// The newest turn of the session.
        seq: u64,
    },
    /// A turn was committed.
    Turn {
        /// The turn.
        seq: u64,
        /// The session after it.
        view: Box<LiveView>,
        /// The lines it added to the conversation.
        transcript: Vec<TranscriptLine>,
    },
    /// The server closes the socket; connect again and resume.
    Closing {
        /// Why.
        reason: ClosingReason,
    },
    /// Answer to `ping`.
    Pong,
}

/// Why the server closes a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClosingReason {
    /// The server restarts.
    Restart,
    /// The browser did not keep up with the acknowledgement window.
    Slow,
}

/// The part of the view that turns change.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveView {
    /// The session.
    pub session: SessionHead,
    /// Every question of the flow, in order.
    pub fields: Vec<FieldView>,
    /// The question that waits for an answer.
    pub current_question: Option<QuestionView>,
    /// How far it is.
    pub progress: ProgressView,
    /// What happens after completion.
    pub next_steps: Vec<String>,
}

/// What a browser sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Every turn up to `seq` has arrived.
    Ack {
        /// The newest turn that arrived.
        seq: u64,
    },
    /// Is anybody there?
    Ping,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_frames_are_read_strictly() {
        let read = |text| serde_json::from_str::<ClientFrame>(text);
        assert_eq!(read(r#"{"type":"ack","seq":7}"#).expect("ack"), ClientFrame::Ack { seq: 7 });
        assert_eq!(read(r#"{"type":"ping"}"#).expect("ping"), ClientFrame::Ping);
        for text in [
            r#"{"type":"ack"}"#,
            r#"{"type":"ack","seq":-1}"#,
            r#"{"type":"ack","seq":1,"x":1}"#,
            r#"{"type":"sub"}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
