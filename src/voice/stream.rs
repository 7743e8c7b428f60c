//! `/api/voice/twilio/stream`: a call's audio, from the telephone network.
//!
//! Nobody is believed before `start`: it names account and call, with which the upgrade's signature is checked, and holds
//! the token that the call's document was given. Only then is a line taken and an agent dialled.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_http::ws::CloseCode;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::{StreamExt as _, stream};
use usher_actors::voice::ports::{Carrier, CarrierEvents};
use usher_actors::voice::{NoLine, VoiceCall, VoiceChannel};
use usher_channels::audio::mulaw;
use usher_channels::twilio::voice::stream::{Frame, MAX_FRAME_BYTES, Order, Start, StreamSid, media};
use usher_channels::twilio::{Payload, SignatureHeaders};
use usher_conversation::id::{CallId, OrgId};
use usher_conversation::ports::StoreError;
use usher_conversation::voice::{Audio, CallEnd, CarrierEvent};

use super::routes::end;
use super::{Call, Voice, persona};
use crate::app::App;
use crate::inbound::Naming;
use crate::inbound::routes::{refused, signature_headers};
use crate::web::address::limit_key;
use crate::web::duplex::{self, Incoming, Outgoing};
use crate::web::turnstile::{Pass, Turnstile};
use crate::web::{Fault, duplex::Frame as SocketFrame};

/// A stream shows what it is in this time, or is closed.
const INTRODUCTION: Duration = Duration::from_secs(5);

/// Streams that were opened and have not shown yet whose they are.
const AT_THE_DOOR: usize = 256;
/// Of one address: nobody may hold every place without a token.
const OF_ONE_ADDRESS: usize = 64;

/// Where streams stand until they have shown whose they are.
pub(super) struct Door {
    all: Arc<Turnstile<()>>,
    address: Arc<Turnstile<IpAddr>>,
}

impl Default for Door {
    fn default() -> Self {
        Self { all: Turnstile::new(AT_THE_DOOR), address: Turnstile::new(OF_ONE_ADDRESS) }
    }
}

impl Door {
    fn enter(&self, address: IpAddr) -> Option<(Pass<IpAddr>, Pass<()>)> {
        Some((self.address.enter(limit_key(address))?, self.all.enter(())?))
    }
}

/// Opens the socket.
///
/// # Errors
/// Without a signature, or when too many others stand at the door.
pub async fn open(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let signature = signature_headers(request.headers());
    let signature = signature.signature.ok_or_else(|| refused("a stream without a signature"))?.to_owned();
    let address = app.edge.caller(&request);
    let (response, incoming, outgoing) = duplex::accept(&request, payload, MAX_FRAME_BYTES)?;
    let app = Arc::clone(&app);
    actix_web::rt::spawn(async move {
        if let Err(turned_away) = take(&app, address, &signature, incoming, &outgoing).await {
            metrics::counter!("usher_voice_streams_refused_total").increment(1);
            tracing::warn!(reason = %turned_away, "a media stream was turned away");
            outgoing.close(CloseCode::Policy);
        }
    });
    Ok(response)
}

/// Why a stream is not taken.
#[derive(Debug, thiserror::Error)]
enum TurnedAway {
    #[error("too many streams are opened at once")]
    Crowded,
    #[error("it did not say in time what it is")]
    Silent,
    #[error("it says nothing that is understood")]
    Malformed,
    #[error("there is no such call")]
    UnknownCall,
    #[error("it is not signed by the owner of the call's number")]
    Signature,
    #[error("its token was used, has ended, or is another call's")]
    Token,
    #[error(transparent)]
    NoLine(#[from] NoLine),
    #[error("there is no line for it, and that could not be recorded: {0}")]
    Unrecorded(Fault),
    #[error(transparent)]
    Store(#[from] StoreError),
}

async fn take(
    app: &Arc<App>,
    address: IpAddr,
    signature: &str,
    mut incoming: Incoming,
    outgoing: &Outgoing,
) -> Result<(), TurnedAway> {
    let place = app.voice.door.enter(address).ok_or(TurnedAway::Crowded)?;
    let started = tokio::time::timeout(INTRODUCTION, introduction(&mut incoming)).await;
    let start = started.map_err(|_| TurnedAway::Silent)??;
    let (org, call) = known(app, signature, &start).await?;
    drop(place);

    let voice = &app.voice;
    let settings = voice.settings_of(&org).await?;
    let reference = Voice::call_ref(&org, &call);
    let line = match voice.line(&reference, &settings.profile) {
        Ok(line) => line,
        Err(full) => {
            // Another call took the last line since this one's document was given out. One that talked already, and one
            // that another node may have, is tried again.
            if full != NoLine::ShuttingDown && reference.attachment == 0 {
                end(app, &org, &call, CallEnd::LinesBusy).await.map_err(TurnedAway::Unrecorded)?;
            }
            return Err(full.into());
        }
    };
    VoiceChannel::start(
        &voice.node,
        VoiceCall {
            call: reference,
            setup: voice.setup(&call, &settings.profile),
            persona: persona(&settings.profile),
            carrier: Box::new(Telephone {
                stream: start.ids.stream,
                outgoing: outgoing.clone(),
                text: String::new(),
            }),
            carrier_events: events(incoming),
            carrier_format: start.format,
            filler: Some(FILLER.clone()),
            dialer: Arc::clone(&voice.dialer) as _,
            line,
        },
    );
    Ok(())
}

/// Waits for `start`.
async fn introduction(incoming: &mut Incoming) -> Result<Box<Start>, TurnedAway> {
    while let Some(Ok(SocketFrame::Text(text))) = incoming.next().await {
        match Frame::decode(&text) {
            Ok(Frame::Start(start)) => return Ok(start),
            Ok(Frame::Connected | Frame::Other) => {}
            Ok(_) | Err(_) => return Err(TurnedAway::Malformed),
        }
    }
    Err(TurnedAway::Malformed)
}

/// The call a stream belongs to, when its signature and its token are that call's.
async fn known(app: &App, signature: &str, start: &Start) -> Result<(OrgId, Call), TurnedAway> {
    let parameter = |name| start.parameters.get(name);
    let call: CallId = parameter("call").and_then(|call| call.parse().ok()).ok_or(TurnedAway::UnknownCall)?;
    let token = parameter("token").ok_or(TurnedAway::Token)?.to_owned().into();
    let org = app.store.org_of_call(&call).await?.ok_or(TurnedAway::UnknownCall)?;
    let found = app.store.call(&org, &call).await?.ok_or(TurnedAway::UnknownCall)?;
    let number = found.line.as_deref().ok_or(TurnedAway::UnknownCall)?;
    let naming = Naming::number(number).ok_or(TurnedAway::UnknownCall)?;
    let line = app.inbound.directory.line(&app.store, &naming).await?.filter(|line| line.org == org);
    let line = line.ok_or(TurnedAway::UnknownCall)?;
    let headers = SignatureHeaders { signature: Some(signature), settings: None };
    let signed = line.key.verify(&app.voice.urls.signed_stream, Payload::Empty, headers).is_ok();
    if !signed || start.ids.account != line.credentials.account_sid {
        return Err(TurnedAway::Signature);
    }
    let admitted = app.store.take_stream_token(&org, &call, &start.ids.call, &token).await?;
    Ok((org, admitted.ok_or(TurnedAway::Token)?))
}

/// What a caller hears while a lost agent is dialled again: two short soft tones, which say that the line is there.
static FILLER: LazyLock<Audio> = LazyLock::new(|| {
    #[expect(clippy::cast_possible_truncation, reason = "within ±LOUDNESS")]
    let sample = |hz: f64, place: u32| {
        let part = f64::from(place) / f64::from(TONE_SAMPLES);
        let swell = (std::f64::consts::PI * part).sin();
        let wave = (std::f64::consts::TAU * hz * f64::from(place) / 8_000.0).sin();
        mulaw::encode((swell * wave * LOUDNESS) as i16)
    };
    let tones = [440.0, 554.0].into_iter();
    let samples = tones.flat_map(|hz| (0..TONE_SAMPLES).map(move |place| sample(hz, place)));
    Audio::raw(samples.collect::<Vec<u8>>().into())
});

/// 150 milliseconds.
const TONE_SAMPLES: u32 = 1_200;
/// Of 32,635: well below a voice.
const LOUDNESS: f64 = 3_000.0;

/// What the contact's side does. A socket that is closed in order is a hang-up; one that breaks just ends.
fn events(incoming: Incoming) -> CarrierEvents {
    stream::unfold(Some(incoming), |incoming| async move {
        let mut incoming = incoming?;
        loop {
            let frame = match incoming.next().await {
                Some(Ok(SocketFrame::Text(text))) => Frame::decode(&text),
                Some(Ok(SocketFrame::Binary(_))) => {
                    malformed();
                    continue;
                }
                Some(Err(_)) => return None,
                None => return Some((CarrierEvent::Hangup, None)),
            };
            match frame.map(Frame::into_event) {
                Ok(Some(CarrierEvent::Hangup)) => return Some((CarrierEvent::Hangup, None)),
                Ok(Some(event)) => return Some((event, Some(incoming))),
                Ok(None) => {}
                Err(_) => malformed(),
            }
        }
    })
    .boxed_local()
}

fn malformed() {
    metrics::counter!("usher_voice_frames_malformed_total", "side" => "carrier").increment(1);
}

/// The way to the contact's telephone.
struct Telephone {
    stream: StreamSid,
    outgoing: Outgoing,
    /// Kept between frames for its memory only.
    text: String,
}

impl Telephone {
    fn send(&mut self, order: &Order) {
        self.text.clear();
        if order.encode(&self.stream, &mut self.text).is_ok() {
            self.outgoing.text(&self.text);
        }
    }
}

impl Carrier for Telephone {
    fn audio(&mut self, audio: &Audio) {
        self.text.clear();
        if media(&self.stream, audio, &mut self.text).is_ok() {
            self.outgoing.text(&self.text);
        }
    }

    fn mark(&mut self, number: u64) {
        self.send(&Order::mark(number));
    }

    fn clear(&mut self) {
        self.send(&Order::Clear);
    }

    fn close(&mut self) {
        self.outgoing.close(CloseCode::Normal);
    }

    fn backlog(&self) -> usize {
        self.outgoing.backlog()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_hold_every_place_at_the_door() {
        let door = Door::default();
        let address = |last| IpAddr::from([203, 0, 113, last]);
        let held: Vec<_> = (0..AT_THE_DOOR).filter_map(|_| door.enter(address(1))).collect();
        assert_eq!(held.len(), OF_ONE_ADDRESS);
        let other = door.enter(address(2));
        assert!(other.is_some(), "another is not kept out");
        drop(held);
        assert!(door.enter(address(1)).is_some(), "a place that was left is free");
    }
}
