//! Calls: by telephone, and by the widget's microphone.

mod record;
mod settings;
pub(crate) mod store;

pub use record::{AttachmentUsage, Call, CallStatus, NewCall, Recording, StatusReport};
pub use settings::{Provider, VoiceProfile, VoiceSettings};
