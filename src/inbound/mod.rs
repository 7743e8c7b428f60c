//! What vendors post to us.

mod directory;
mod media;
pub mod routes;
pub(crate) mod store;

use url::Url;
use usher_channels::twilio::SignedUrl;

pub use directory::Directory;
pub(crate) use directory::{Line, Naming};
pub use store::OurNumber;

/// Path of Twilio's webhook for incoming messages.
pub const SMS_PATH: &str = "/api/webhooks/twilio/sms";
/// Path of Twilio's status callbacks.
pub const STATUS_PATH: &str = "/api/webhooks/twilio/status";

/// What the webhooks remember between requests.
pub struct Inbound {
    sms_url: SignedUrl,
    status_url: SignedUrl,
    /// Which number belongs to whom, and which session a sender talks to.
    pub directory: Directory,
}

impl Inbound {
    /// For a server the outside world knows as `public`. Signatures are checked over these addresses and never over what
    /// a request claims about itself.
    pub fn new(public: &Url) -> Self {
        Self {
            sms_url: SignedUrl::new(&address(public, SMS_PATH)),
            status_url: SignedUrl::new(&address(public, STATUS_PATH)),
            directory: Directory::default(),
        }
    }
}

/// What stands behind an address that Twilio is given: by default it does not send a webhook again that was answered with an
/// error or too late, and then the message is lost, or the call. The fragment is neither sent to us nor signed.
pub const SENT_AGAIN: &str = "#rc=5&rp=all";

/// The public address of one of our paths; a public address may have a path of its own.
pub fn address(public: &Url, path: &str) -> String {
    format!("{}{path}", public.as_str().trim_end_matches('/'))
}
