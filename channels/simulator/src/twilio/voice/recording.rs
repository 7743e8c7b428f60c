//! Recordings of calls: real files of what was said and played.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::document::Element;
use super::run::{Context, Flow, keys, seconds};
use crate::calls::{LineEvent, Live, Recorder, Track, play};
use crate::sim::{Sim, lock};
use crate::twilio::resource::date;
use crate::twilio::webhook;
use crate::world::{Call, Record, Recording};

/// Where a recording's progress is reported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Callback {
    pub(crate) url: Option<String>,
    pub(crate) method: String,
    /// `in-progress`, `completed`, `absent`.
    pub(crate) events: String,
}

/// What somebody wants recorded.
pub(crate) struct Wish {
    pub(crate) channels: u16,
    pub(crate) track: String,
    pub(crate) source: &'static str,
    pub(crate) callback: Callback,
}

impl Wish {
    /// As a noun or verb has it.
    pub(crate) fn of_noun(cx: &Context, noun: &Element, source: &'static str) -> Self {
        let attribute = |name: &str| noun.attribute(name).map(str::to_owned);
        Self {
            channels: if noun.attribute("channels") == Some("dual") { 2 } else { 1 },
            track: attribute("track")
                .or_else(|| attribute("recordingTrack"))
                .unwrap_or_else(|| "both".to_owned()),
            source,
            callback: Callback {
                url: attribute("recordingStatusCallback").map(|url| cx.absolute(&url)),
                method: attribute("recordingStatusCallbackMethod").unwrap_or_else(|| "POST".to_owned()),
                events: attribute("recordingStatusCallbackEvent").unwrap_or_else(|| "completed".to_owned()),
            },
        }
    }
}

/// The address of a recording, without an ending.
pub(crate) fn url(sim: &Sim, recording: &Recording) -> String {
    let Recording { account_sid, sid, .. } = recording;
    format!("{}/2010-04-01/Accounts/{account_sid}/Recordings/{sid}", sim.base_url())
}

/// Begins to record.
pub(crate) fn start(
    sim: &Arc<Sim>,
    on: &Arc<Live>,
    call: &Call,
    wish: Wish,
) -> Result<Recording, &'static str> {
    let recording = Recording {
        sid: sim.sid("RE"),
        account_sid: call.account_sid.clone(),
        call_sid: call.sid.clone(),
        status: "in-progress".to_owned(),
        channels: wish.channels,
        source: wish.source.to_owned(),
        track: wish.track,
        started: sim.now(),
        seconds: None,
        error_code: None,
    };
    let track = match recording.track.as_str() {
        "inbound" => Track::Inbound,
        "outbound" => Track::Outbound,
        _ => Track::Both,
    };
    {
        let mut line = lock(&on.line);
        if line.recorder.is_some() {
            return Err("this call is being recorded already");
        }
        line.recorder = Some(Recorder::new(recording.sid.clone(), track, recording.channels));
    }
    sim.record(vec![Record::Recording { recording: recording.clone() }]);
    lock(&sim.recordings).callbacks.insert(recording.sid.clone(), wish.callback);
    tell(sim, on, &recording);
    Ok(recording)
}

/// Ends the recording of a call, when there is one, and keeps the file.
pub(crate) fn finish(sim: &Arc<Sim>, live: &Arc<Live>) -> Option<Recording> {
    let recorder = lock(&live.line).recorder.take()?;
    let mut recording = sim.read(|world| world.recording(&recorder.sid).cloned())?;
    recording.seconds = Some(recorder.seconds());
    match recorder.finish() {
        Ok(file) => {
            "completed".clone_into(&mut recording.status);
            lock(&sim.recordings).keep(&recording.sid, file.into());
        }
        Err(code) => {
            "absent".clone_into(&mut recording.status);
            recording.error_code = Some(code);
        }
    }
    sim.record(vec![Record::Recording { recording: recording.clone() }]);
    tell(sim, live, &recording);
    Some(recording)
}

/// Reports a recording's status to whoever wants to know.
fn tell(sim: &Arc<Sim>, live: &Arc<Live>, recording: &Recording) {
    live.note(sim, "recording", recording.status.clone(), json!({ "sid": recording.sid }));
    let callback = lock(&sim.recordings).callbacks.get(&recording.sid).cloned().unwrap_or_default();
    let Some(to) = callback.url else { return };
    if !callback.events.split([' ', ',']).any(|event| event == recording.status) {
        return;
    }
    let mut params = vec![
        ("AccountSid", recording.account_sid.clone()),
        ("CallSid", recording.call_sid.clone()),
        ("RecordingSid", recording.sid.clone()),
        ("RecordingUrl", url(sim, recording)),
        ("RecordingStatus", recording.status.clone()),
        ("RecordingChannels", recording.channels.to_string()),
        ("RecordingStartTime", date(recording.started)),
        ("RecordingSource", recording.source.clone()),
        ("RecordingTrack", recording.track.clone()),
    ];
    params.extend(recording.seconds.map(|seconds| ("RecordingDuration", seconds.to_string())));
    params.extend(recording.error_code.map(|code| ("ErrorCode", code.to_string())));
    let account = sim.read(|world| world.account(&recording.account_sid).cloned());
    let token = account.map(|account| account.auth_token).unwrap_or_default();
    let (sim, live) = (Arc::clone(sim), Arc::clone(live));
    actix_web::rt::spawn(async move {
        let (outcome, _) = webhook::fetch(&sim, &token, &to, &callback.method, &params).await;
        live.note(&sim, "callback", "recording", json!({ "url": to, "outcome": outcome }));
    });
}

/// `<Record>`: a beep, then the handset's voice until silence, a key, or the limit.
pub(crate) async fn record(cx: &Context, verb: &Element) -> Flow {
    if verb.flag("playBeep", true) {
        play(&cx.live, keys("5")).await;
    }
    let mut events = cx.live.events();
    let silence = seconds(verb, "timeout", 5, 3_600);
    let limit = Instant::now() + seconds(verb, "maxLength", 3_600, 14_400);
    let finish_keys = verb.attribute("finishOnKey").unwrap_or("1234567890*#");
    let mut wish = Wish::of_noun(cx, verb, "RecordVerb");
    "inbound".clone_into(&mut wish.track);
    if let Err(message) = start(&cx.sim, &cx.live, &cx.call(), wish) {
        cx.error(21_220, message);
        return Flow::Next;
    }
    lock(&cx.live.line).recognise(true);
    let mut quiet = Instant::now() + silence;
    let mut key = None;
    loop {
        let event = tokio::select! {
            () = sleep_until(quiet.min(limit)) => break,
            event = events.recv() => event,
        };
        match event {
            Ok(LineEvent::Digit(digit)) if finish_keys.contains(digit) => {
                key = Some(digit);
                break;
            }
            // Whoever speaks is not silent; how long is known when the phrase is over.
            Ok(LineEvent::Voice) => quiet = Instant::now() + Duration::from_mins(2),
            Ok(LineEvent::Recognised(_)) => quiet = Instant::now() + silence,
            _ => {}
        }
    }
    lock(&cx.live.line).recognise(false);
    let Some(recording) = finish(&cx.sim, &cx.live) else { return Flow::Next };
    if recording.status == "absent" {
        return Flow::Next;
    }
    let mut params = vec![
        ("RecordingSid", recording.sid.clone()),
        ("RecordingUrl", url(&cx.sim, &recording)),
        ("RecordingDuration", recording.seconds.unwrap_or_default().to_string()),
    ];
    params.extend(key.map(|key| ("Digits", key.to_string())));
    Flow::Go(cx.action(verb), params)
}
