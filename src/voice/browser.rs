//! `/ws/widget/voice`: a call's audio, from the widget's microphone.

use std::sync::Arc;

use actix_http::ws::CloseCode;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use usher_actors::voice::ports::{CallRef, Caption, Carrier, CarrierEvents, Outcome, Speaker};
use usher_actors::voice::{VoiceCall, VoiceChannel};
use usher_channels::widget::{
    MAX_TEXT_CHARS, MAX_VOICE_FRAME_BYTES, MICROPHONE_HZ, Speaker as Side, VoiceClientFrame, VoiceServerFrame,
};
use usher_conversation::id::CallId;
use usher_conversation::problem::Problem;
use usher_conversation::voice::{Audio, AudioFormat, CallDirection, CallEnd, CarrierEvent, Coding};

use super::peers::calls::answered;
use super::{CallStatus, NewCall, StatusReport, persona};
use crate::app::App;
use crate::onboarding::{Admitted, admit};
use crate::web::Fault;
use crate::web::duplex::{self, Frame, Incoming, Outgoing};

/// What the widget sends and plays.
const FORMAT: AudioFormat = AudioFormat::Pcm16 { hz: MICROPHONE_HZ };

/// Query of the handshake.
#[derive(Debug, Deserialize)]
pub struct Speak {
    session: String,
}

/// Opens the socket and takes the call. What is wrong is said on the socket: a page cannot read a refused handshake.
///
/// # Errors
/// What [`admit`] refuses with, and requests that are no handshake.
pub async fn open(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    query: web::Query<Speak>,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let admitted = admit(&app, &request, &query.session).await?;
    let (response, incoming, outgoing) = duplex::accept(&request, payload, MAX_VOICE_FRAME_BYTES)?;
    let app = Arc::clone(&app);
    actix_web::rt::spawn(async move {
        let last = match hold(&app, admitted, incoming, &outgoing).await {
            Ok(end) => VoiceServerFrame::Ended { reason: end.into() },
            Err(fault) => VoiceServerFrame::Error {
                id: fault.problem().id().to_owned(),
                title: fault.problem().title().to_owned(),
                detail: fault.detail().to_owned(),
                retryable: fault.problem().retryable(),
            },
        };
        send(&outgoing, &last);
        outgoing.close(CloseCode::Normal);
    });
    Ok(response)
}

/// Holds the call to its end.
async fn hold(
    app: &App,
    Admitted { org, session, .. }: Admitted,
    incoming: Incoming,
    outgoing: &Outgoing,
) -> Result<CallEnd, Fault> {
    let voice = &app.voice;
    let settings = voice.settings_of(&org.id).await?;
    if !settings.provider.is_dialled() {
        return Err(Fault::new(Problem::VoiceUnavailable, "Nobody speaks for this organisation."));
    }
    // Whoever holds a link can come here as often as they like: nothing is written before there is a line.
    let reference = CallRef {
        call: CallId::new(app.clock.now(), app.entropy.bits()),
        org: org.id.clone(),
        session: session.clone(),
        vendor_call: None,
        direction: CallDirection::Browser,
        attachment: 0,
    };
    let busy = |error| Fault::new(Problem::Overloaded, format!("The call cannot be taken: {error}."));
    let line = voice.only_line(&reference, &settings.profile).map_err(busy)?;
    let new = NewCall {
        session,
        direction: CallDirection::Browser,
        provider: settings.provider,
        phone: None,
        line: None,
        vendor_call: None,
        status: CallStatus::Ringing,
        due: None,
    };
    let call = app.store.open_call_as(&org.id, &reference.call, new).await?;
    answered(app, &org.id, &call).await?;
    let answered_at = app.clock.now();
    send(outgoing, &VoiceServerFrame::Ready { input_rate: MICROPHONE_HZ, output_rate: MICROPHONE_HZ });
    let handle = VoiceChannel::start(
        &voice.node,
        VoiceCall {
            setup: voice.setup(&call, &settings.profile),
            call: reference,
            persona: persona(&settings.profile),
            carrier: Box::new(Browser { outgoing: outgoing.clone(), raw: Vec::new() }),
            carrier_events: events(incoming),
            carrier_format: FORMAT,
            filler: None,
            dialer: Arc::clone(&voice.dialer) as _,
            line,
        },
    );
    let outcome = handle.finished().await;
    // No carrier tells of the end of this call.
    let seconds = u32::try_from(app.clock.now().millis_since(answered_at) / 1_000).ok();
    let over = StatusReport { status: CallStatus::Completed, seconds, answered_by: None };
    app.store.report_call(&org.id, &call.id, over).await?;
    match outcome {
        Outcome::Ended(end) => Ok(end),
        // Nothing stands behind a microphone that could take the call: it ends here, and its session is told.
        Outcome::HandedOver(handover) => {
            tracing::info!(call = %call.id, reason = super::log::reason(&handover), "a browser's call was let go");
            super::routes::end(app, &org.id, &call, CallEnd::Failed).await?;
            Err(Fault::new(Problem::VoiceUnavailable, "The call cannot go on. Please type instead."))
        }
    }
}

fn send(outgoing: &Outgoing, frame: &VoiceServerFrame) {
    outgoing.text(&serde_json::to_string(frame).expect("frames are strings, numbers and flags"));
}

/// What the client does. A page that goes away hangs up, however it goes.
fn events(incoming: Incoming) -> CarrierEvents {
    stream::unfold(Some(incoming), |incoming| async move {
        let mut incoming = incoming?;
        loop {
            let event = match incoming.next().await {
                Some(Ok(Frame::Binary(samples))) => Some(CarrierEvent::Audio(Audio::raw(samples))),
                Some(Ok(Frame::Text(text))) => match serde_json::from_slice(&text) {
                    Ok(VoiceClientFrame::Mark { n }) => Some(CarrierEvent::Played(n)),
                    Ok(VoiceClientFrame::Text { text }) => typed(text),
                    // A muted microphone sends nothing; that is all there is to it here.
                    Ok(VoiceClientFrame::Mute { .. }) => None,
                    Ok(VoiceClientFrame::Hangup) => return Some((CarrierEvent::Hangup, None)),
                    Err(_) => {
                        metrics::counter!("usher_voice_frames_malformed_total", "side" => "browser")
                            .increment(1);
                        None
                    }
                },
                Some(Err(_)) | None => return Some((CarrierEvent::Hangup, None)),
            };
            if let Some(event) = event {
                return Some((event, Some(incoming)));
            }
        }
    })
    .boxed_local()
}

fn typed(text: String) -> Option<CarrierEvent> {
    let fits = !text.trim().is_empty() && text.chars().count() <= MAX_TEXT_CHARS;
    fits.then_some(CarrierEvent::Typed(text))
}

/// The way to the widget's loudspeaker.
struct Browser {
    outgoing: Outgoing,
    /// Kept between frames for its memory only.
    raw: Vec<u8>,
}

impl Carrier for Browser {
    fn audio(&mut self, audio: &Audio) {
        match audio.coding {
            Coding::Raw => self.outgoing.binary(&audio.data),
            Coding::Base64 => {
                self.raw.clear();
                if STANDARD.decode_vec(&audio.data, &mut self.raw).is_ok() {
                    self.outgoing.binary(&self.raw);
                }
            }
        }
    }

    fn mark(&mut self, number: u64) {
        send(&self.outgoing, &VoiceServerFrame::Mark { n: number });
    }

    fn clear(&mut self) {
        send(&self.outgoing, &VoiceServerFrame::Clear);
    }

    fn caption(&mut self, caption: Caption<'_>) {
        let from = match caption.speaker {
            Speaker::Contact => Side::Client,
            Speaker::Agent => Side::Bot,
        };
        let frame =
            VoiceServerFrame::Caption { from, text: caption.text.to_owned(), is_final: caption.settled };
        send(&self.outgoing, &frame);
    }

    /// The socket is closed by the task that opened it, which then knows how the call ended and says so first.
    fn close(&mut self) {}

    fn backlog(&self) -> usize {
        self.outgoing.backlog()
    }
}
