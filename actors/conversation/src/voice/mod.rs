//! The voice vocabulary: what a call is made of, whatever network carries it and whatever model speaks on it.
//!
//! A call has two sides. The *carrier* brings the contact's voice and plays ours: a telephone network's media stream,
//! or the widget's microphone. The *agent* is the speaking model. Vendors' frames become these types at the border;
//! the call actor knows nothing else.

mod audio;
mod briefing;
mod call;
mod departments;
mod emergency;
mod events;
mod farewell;
mod sentences;
mod whisper;

pub use audio::{Audio, AudioFormat, Coding, UnknownFormat};
pub use briefing::{Persona, briefing};
pub use call::{CallDirection, CallEnd, CallNews, TurnLatency};
pub use departments::{department_asked, department_named};
pub use emergency::asks_for_help;
pub use events::{AgentEvent, CarrierEvent, Fault, Opening, Refusal, ToolCall, ToolResult, Utterance};
pub use farewell::is_farewell;
pub use sentences::{sentence_ends, whole_sentences};
pub use whisper::whisper;
