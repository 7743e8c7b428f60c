//! Calls: by telephone, and by the widget's microphone.
//!
//! | file | what lives there |
//! |---|---|
//! | [`routes`] | what the telephone network asks about a call |
//! | [`door`] | who is put through, and what the others hear |
//! | [`transfer`] | giving a call to a person |
//! | [`machine`] | answering machines |
//! | [`elsewhere`] | what is texted while a call lasts |
//! | [`resume`] | calls whose stream or document was lost |
//! | [`recording`] | recordings, and messages left after hours |
//! | [`spoken`] | conversations by the engine's rules alone, in documents |
//! | [`stream`] | a call's audio, from the telephone network |
//! | [`browser`] | a call's audio, from the widget's microphone |
//! | [`agent`], [`provision`], [`elevenlabs`] | conversations with an agent, making one, and what is said of them later |
//! | [`telephony`] | control of a call outside its audio |
//! | [`peers`], [`retell`], [`vapi`] | providers that hold the whole call and ask us for the words |
//! | [`settings`] | who answers an organisation's telephone, and how an operator says so |
//! | [`outbound`] | calls we make |
//! | [`reconcile`] | calls whose end nobody told |
//! | [`api`] | what an operator asks |
//! | [`lines`] | places for calls, also for those no connection of ours holds |
//! | [`log`], [`store`] | the call records |

mod agent;
pub mod api;
pub mod browser;
mod door;
pub mod elevenlabs;
mod elsewhere;
mod lines;
mod log;
mod machine;
pub(crate) mod outbound;
pub mod peers;
mod provision;
pub(crate) mod reconcile;
mod record;
mod recording;
pub mod resume;
pub mod retell;
pub mod routes;
pub mod settings;
mod spoken;
pub(crate) mod store;
pub mod stream;
mod telephony;
mod transfer;
pub mod vapi;
mod view;

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use secrecy::SecretString;
use url::Url;
use usher_actors::voice::ports::{CallRef, Transcoder, Transcoding, TransferPlan, TransferReason, VoiceNode};
use usher_actors::voice::{CallLimits, Emergency, People, Setup, Switchboard};
use usher_actors::{ClockAlarm, Runtime};
use usher_channels::http::HttpStack;
use usher_channels::twilio::{SignedUrl, TwilioClient};
use usher_channels::widget::{MICROPHONE_HZ, VoiceConfig};
use usher_channels::{ApiError, audio};
use usher_conversation::channel::Channel;
use usher_conversation::id::OrgId;
use usher_conversation::ports::{Clock, StoreError};
use usher_conversation::session::Origin;
use usher_conversation::voice::{Audio, AudioFormat, CallDirection, Coding, Persona};

use lines::Lines;
pub use outbound::Caller;
use peers::Peers;
pub use peers::{Peer, PeerReport};
pub use record::{Call, CallStatus, NewCall, Recording, StatusReport};
pub use resume::lifeline;
pub use settings::{Department, Provider, VoiceProfile, VoiceSettings};
pub use view::{CallSummary, CallView};

use crate::config::Settings;
use crate::inbound::{SENT_AGAIN, address};
use crate::store::Store;

/// Path of Twilio's webhook for calls; what is asked later of the same call has it as its beginning.
pub const VOICE_PATH: &str = "/api/webhooks/twilio/voice";
/// Path of the webhook that is asked when a document of a call could not be had.
pub const RESUME_PATH: &str = "/api/webhooks/twilio/voice/resume";
/// Path of the carrier's status reports on calls.
pub const STATUS_PATH: &str = "/api/webhooks/twilio/voice/status";
/// Path of the socket that carries a call's audio.
pub const STREAM_PATH: &str = "/api/voice/twilio/stream";

/// Changed settings of an organisation are seen after so long.
const REMEMBER_SETTINGS: Duration = Duration::from_secs(30);
const REMEMBERED: u64 = 10_000;

/// What calls need.
pub struct Voice {
    /// The calls of this node.
    pub switchboard: Switchboard,
    /// What they share.
    pub(crate) node: Arc<VoiceNode>,
    dialer: Arc<agent::Dialer>,
    profiles: Arc<Profiles>,
    limits: CallLimits,
    pub(crate) urls: Urls,
    pub(crate) peers: Peers,
    door: stream::Door,
    lines: Lines,
    followed: elsewhere::Followed,
}

/// The addresses of our routes, as they are given to the carrier.
#[derive(Debug, Clone)]
pub(crate) struct Urls {
    base: String,
    /// The socket: `wss` where the server is known by `https`.
    pub(crate) stream: String,
    pub(crate) signed_stream: SignedUrl,
    /// Who is asked when a document cannot be had.
    pub(crate) fallback: String,
}

impl Urls {
    fn new(public: &Url, fallback: Option<&Url>) -> Self {
        let stream = address(public, STREAM_PATH).replacen("http", "ws", 1);
        let ours = || format!("{}{SENT_AGAIN}", address(public, RESUME_PATH));
        Self {
            base: address(public, VOICE_PATH),
            signed_stream: SignedUrl::new(&stream),
            stream,
            fallback: fallback.map_or_else(ours, Url::to_string),
        }
    }

    /// The address of `/api/webhooks/twilio/voice{what}` for this call.
    pub(crate) fn of(&self, what: &str, call: &Call) -> String {
        format!("{}{what}?call={}{SENT_AGAIN}", self.base, call.id)
    }

    /// The same at a place of the conversation.
    pub(crate) fn at(&self, what: &str, call: &Call, place: u32) -> String {
        format!("{}{what}?call={}&n={place}{SENT_AGAIN}", self.base, call.id)
    }

    /// Where this call asks for its next document after it has had so many streams.
    pub(crate) fn again(&self, call: &Call, streams: u32) -> String {
        self.at("/redirect", call, streams)
    }

    /// What a request to `/api/webhooks/twilio/voice{what}` is signed over.
    pub(crate) fn signed(&self, what: &str, query: &str) -> SignedUrl {
        let url = SignedUrl::new(&format!("{}{what}", self.base));
        if query.is_empty() { url } else { url.with_query(query) }
    }
}

/// What organisations have said about their calls, remembered for a while.
pub(crate) struct Profiles {
    store: Store,
    remembered: Cache<OrgId, Arc<VoiceSettings>>,
}

impl Profiles {
    fn new(store: Store) -> Self {
        let remembered = Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBER_SETTINGS).build();
        Self { store, remembered }
    }

    /// How this organisation's calls are held; by rules, when it has never said.
    pub(crate) async fn of(&self, org: &OrgId) -> Result<Arc<VoiceSettings>, StoreError> {
        if let Some(found) = self.remembered.get(org) {
            return Ok(found);
        }
        let found = Arc::new(self.store.voice(org).await?.unwrap_or_default());
        self.remembered.insert(org.clone(), Arc::clone(&found));
        Ok(found)
    }

    /// What they said has changed.
    pub(crate) fn forget(&self, org: &OrgId) {
        self.remembered.invalidate(org);
    }
}

impl Voice {
    /// Sets up everything but the calls.
    ///
    /// # Errors
    /// When TLS cannot be set up or the provider's address cannot be used.
    pub fn new(
        settings: &Settings,
        public: &Url,
        store: &Store,
        runtime: Runtime,
        clients: (&TwilioClient, &HttpStack),
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let profiles = Arc::new(Profiles::new(store.clone()));
        let urls = Urls::new(public, settings.voice_fallback_url.as_ref());
        let (twilio, http) = clients;
        let dialer = agent::Dialer::new(Arc::clone(&profiles), http.clone(), &settings.elevenlabs_api_base)?;
        let node = VoiceNode {
            runtime,
            telephony: Arc::new(telephony::Carrier::new(store.clone(), twilio.clone(), urls.clone())),
            log: Arc::new(log::Log::new(store.clone())),
            transcoding: Arc::new(Converters),
            clock: Arc::clone(clock),
            alarm: Arc::new(ClockAlarm::new(Arc::clone(clock))),
        };
        Ok(Self {
            switchboard: Switchboard::new(settings.voice_calls_per_org, settings.voice_calls_per_node),
            node: Arc::new(node),
            dialer: Arc::new(dialer),
            profiles,
            limits: CallLimits {
                longest: i64::from(settings.voice_max_seconds) * 1_000,
                ..CallLimits::default()
            },
            urls,
            peers: Peers::new(settings, http)?,
            door: stream::Door::default(),
            lines: Lines::default(),
            followed: elsewhere::Followed::default(),
        })
    }

    /// Makes an agent at the provider, which tells one of its webhooks how conversations went; gives its id.
    ///
    /// # Errors
    /// What the provider refused.
    pub async fn provision(
        &self,
        key: &SecretString,
        name: &str,
        language: &str,
        voice: Option<&str>,
        webhook: Option<&str>,
    ) -> Result<String, ApiError> {
        // The provider must not cut the last words of the longest call.
        let seconds = u32::try_from(self.limits.utmost() / 1_000).unwrap_or(u32::MAX);
        provision::provision(self.dialer.client(), key, (name, language, voice), seconds, webhook).await
    }

    /// How an organisation's calls are held.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn settings_of(&self, org: &OrgId) -> Result<Arc<VoiceSettings>, StoreError> {
        self.profiles.of(org).await
    }

    /// What the widget needs to know of an organisation's voice mode; `None` without an agent that we dial.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn config_of(&self, org: &OrgId) -> Result<Option<VoiceConfig>, StoreError> {
        let settings = self.profiles.of(org).await?;
        Ok(settings.provider.is_dialled().then(|| VoiceConfig {
            agent_name: settings.profile.agent_name.clone(),
            input_rate: MICROPHONE_HZ,
            phone: None,
        }))
    }

    /// The newest attachment of a call, as the call's actor knows it.
    fn call_ref(org: &OrgId, call: &Call) -> CallRef {
        CallRef {
            call: call.id.clone(),
            org: org.clone(),
            session: call.session.clone(),
            vendor_call: call.vendor_call.clone(),
            direction: call.direction,
            attachment: call.attachments.saturating_sub(1),
        }
    }

    fn setup(&self, call: &Call, profile: &VoiceProfile) -> Setup {
        setup(call, profile, self.limits.clone())
    }
}

fn setup(call: &Call, profile: &VoiceProfile, limits: CallLimits) -> Setup {
    let unsure = call.direction == CallDirection::Outbound && call.answered_by.is_none();
    Setup {
        origin: origin(call),
        began: call.answered_at.filter(|_| call.attachments > 1),
        // Where the law wants it said first that a machine speaks, nothing may cut that short. A stream may end before
        // anything was said: what counts is what the session knows to have been said.
        protected: 1,
        screened: unsure && call.conversation.is_none(),
        people: people(profile, call.direction),
        limits,
    }
}

/// Where the contact of a call is.
fn origin(call: &Call) -> Origin {
    Origin { channel: Channel::Voice, address: call.phone.clone().unwrap_or_default(), line: None }
}

fn persona(profile: &VoiceProfile) -> Persona {
    Persona { name: profile.agent_name.clone() }
}

/// How a call goes to a person.
fn plan(profile: &VoiceProfile, to: &str, reason: TransferReason) -> TransferPlan {
    TransferPlan {
        to: to.to_owned(),
        ring_seconds: profile.ring_seconds,
        // In an emergency nobody waits for a summary.
        warm: profile.warm_transfer && reason == TransferReason::Requested,
        reason,
    }
}

/// Who can be reached from a call: nobody from a page, which no telephone network can connect with anybody.
fn people(profile: &VoiceProfile, direction: CallDirection) -> People {
    let connects = direction != CallDirection::Browser;
    let to = |number: &Option<String>, reason| {
        number.as_deref().filter(|_| connects).map(|to| plan(profile, to, reason))
    };
    let departments = profile.departments.iter().filter(|_| connects);
    People {
        anybody: to(&profile.transfer_to, TransferReason::Requested),
        departments: departments
            .map(|department| {
                (department.name.clone(), plan(profile, &department.to, TransferReason::Requested))
            })
            .collect(),
        emergency: profile.emergency_to.is_some().then(|| Emergency {
            plan: to(&profile.emergency_to, TransferReason::Emergency),
            pound_key: true,
            keywords: profile.emergency_words.clone(),
        }),
    }
}

/// The converters of the channels' audio. What they give is raw: a side whose wire wants it wrapped does so while it writes
/// the frame.
struct Converters;

impl Transcoding for Converters {
    fn between(&self, from: AudioFormat, to: AudioFormat) -> Option<Box<dyn Transcoder>> {
        Some(Box::new(Converter(audio::Transcoder::new(from, to, Coding::Raw))))
    }
}

struct Converter(audio::Transcoder);

impl Transcoder for Converter {
    fn convert(&mut self, audio: &Audio) -> Option<Audio> {
        self.0.convert(audio)
    }
}

#[cfg(test)]
mod tests {
    use usher_conversation::id::{CallId, ContactId, SessionId};
    use usher_conversation::time::Timestamp;

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    /// A call of ours that was answered, on its stream with this number from 1.
    fn answered(attachments: u32) -> Call {
        Call {
            id: CallId::new(NOON, [1; 16]),
            session: SessionId::new(NOON, [2; 16]),
            contact: ContactId::new(NOON, [3; 16]),
            provider: Provider::ElevenLabs,
            direction: CallDirection::Outbound,
            phone: Some("+14155550142".to_owned()),
            line: None,
            vendor_call: Some("CA1".to_owned()),
            conversation: None,
            status: CallStatus::InProgress,
            answered_by: None,
            handover: None,
            outcome: None,
            attachments,
            recording: None,
            attempt: 1,
            due: None,
            created_at: NOON,
            answered_at: Some(NOON),
            ended_at: None,
            seconds: None,
        }
    }

    #[test]
    fn a_stream_that_came_to_nothing_takes_neither_the_disclosure_nor_the_screening_from_the_next() {
        let set_up = |call: &Call| {
            let Setup { protected, screened, .. } =
                setup(call, &VoiceProfile::default(), CallLimits::default());
            (protected, screened)
        };
        assert_eq!(set_up(&answered(1)), (1, true));
        assert_eq!(set_up(&answered(2)), (1, true));
        let talked = Call { conversation: Some("conv_1".to_owned()), ..answered(2) };
        assert_eq!(set_up(&talked), (1, false), "an agent talked: who answered is known");
        let person = Call { answered_by: Some("human".to_owned()), ..answered(1) };
        assert!(!set_up(&person).1);
    }
}
