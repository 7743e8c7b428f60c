//! `<Dial>`: other telephones ring, and the first to answer is connected.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use usher_channels::twilio::codec::is_e164;

use super::document::Element;
use super::lifecycle::{self, LegNews, LegPlan};
use super::recording;
use super::run::{Context, Flow, seconds};
use crate::calls::{Instructions, LineEvent, Live, Order, Phase};
use crate::world::{CallDirection, CallReports, CallStatus};

/// Numbers that ring at the same time.
const MAX_LEGS: usize = 10;
/// News of all legs that may wait.
const WAITING: usize = 64;

/// The legs of one `<Dial>`; those that are not connected end with it.
#[derive(Default)]
struct Legs(Vec<Arc<Live>>);

impl Drop for Legs {
    fn drop(&mut self) {
        for leg in &self.0 {
            leg.order(Order::End);
        }
    }
}

/// How a `<Dial>` ended.
struct Dialled {
    status: &'static str,
    leg: Option<Arc<Live>>,
    bridged: bool,
    seconds: u64,
}

pub(crate) async fn dial(cx: &Context, verb: &Element) -> Flow {
    let dialled = ring(cx, verb).await;
    let recorded = recording::finish(&cx.sim, &cx.live);
    cx.live.note(&cx.sim, "dial", dialled.status, json!({ "bridged": dialled.bridged }));
    if verb.attribute("action").is_none() {
        return Flow::Next;
    }
    let mut params =
        vec![("DialCallStatus", dialled.status.to_owned()), ("DialBridged", dialled.bridged.to_string())];
    params.extend(dialled.leg.map(|leg| ("DialCallSid", leg.sid.clone())));
    if dialled.bridged {
        params.push(("DialCallDuration", dialled.seconds.to_string()));
    }
    params.extend(recorded.map(|recording| ("RecordingUrl", recording::url(&cx.sim, &recording))));
    Flow::Go(cx.action(verb), params)
}

/// The numbers of a `<Dial>`: its text, or its nouns.
fn numbers(verb: &Element) -> Vec<Element> {
    if verb.children.is_empty() {
        return vec![Element { name: "Number".into(), text: verb.text.clone(), ..Element::default() }];
    }
    verb.children.iter().take(MAX_LEGS).cloned().collect()
}

async fn ring(cx: &Context, verb: &Element) -> Dialled {
    let call = cx.call();
    let caller_id = match verb.attribute("callerId") {
        Some(caller_id) => caller_id.to_owned(),
        // The caller's own number is passed on.
        None if call.direction == CallDirection::Inbound => call.from.clone(),
        None => call.to.clone(),
    };
    let mut legs = Legs::default();
    let (tell, mut news) = mpsc::channel(WAITING);
    let mut ringing = 0;
    for noun in numbers(verb) {
        let to = noun.text.clone();
        if !is_e164(&to) || !may_show(cx, &caller_id) {
            cx.error(13_224, &format!("Dial: {to} cannot be called as {caller_id}"));
            continue;
        }
        let attribute = |name: &str| noun.attribute(name).map(str::to_owned);
        let events = attribute("statusCallbackEvent").unwrap_or_else(|| "completed".to_owned());
        let whisper =
            attribute("url").map(|url| Instructions::Url { url: cx.absolute(&url), method: noun.method() });
        let plan = LegPlan {
            account_sid: call.account_sid.clone(),
            parent: call.sid.clone(),
            from: caller_id.clone(),
            to,
            timeout: seconds(verb, "timeout", 30, 600),
            reports: CallReports {
                url: attribute("statusCallback").map(|url| cx.absolute(&url)),
                method: attribute("statusCallbackMethod").unwrap_or_else(|| "POST".to_owned()),
                events: events.split_whitespace().map(str::to_owned).collect(),
                next: 0,
            },
            whisper,
        };
        let leg = lifecycle::start_leg(&cx.sim, plan, &cx.auth_token, legs.0.len(), tell.clone());
        cx.live.note(&cx.sim, "leg", leg.sid.clone(), json!({ "to": leg.handset }));
        legs.0.push(leg);
        ringing += 1;
    }
    drop(tell);
    let mut status = "failed";
    while ringing > 0
        && let Some((index, news)) = news.recv().await
    {
        match news {
            LegNews::Ready => {
                let leg = legs.0.swap_remove(index.min(legs.0.len() - 1));
                // The others stop ringing.
                drop(legs);
                return talk(cx, verb, leg).await;
            }
            LegNews::Ended(ended) => {
                ringing -= 1;
                status = ended.as_str();
            }
        }
    }
    // A leg that was answered and hung up before it was connected counts as unanswered.
    let status = if status == "completed" { "no-answer" } else { status };
    Dialled { status, leg: legs.0.first().cloned(), bridged: false, seconds: 0 }
}

/// A number may be shown when it is the account's or belongs to the call.
fn may_show(cx: &Context, caller_id: &str) -> bool {
    let call = cx.call();
    let own = cx.sim.read(|world| {
        world.account(&call.account_sid).is_some_and(|account| account.number(caller_id).is_some())
    });
    own || caller_id == call.from || caller_id == call.to
}

async fn talk(cx: &Context, verb: &Element, leg: Arc<Live>) -> Dialled {
    let _ends_with_this = Legs(vec![Arc::clone(&leg)]);
    if verb.attribute("record").is_some_and(|record| record != "do-not-record" && record != "false") {
        let mut wish = recording::Wish::of_noun(cx, verb, "DialVerb");
        wish.channels =
            if verb.attribute("record").is_some_and(|kind| kind.ends_with("dual")) { 2 } else { 1 };
        if let Err(message) = recording::start(&cx.sim, &cx.live, &cx.call(), wish) {
            cx.error(21_220, message);
        }
    }
    cx.live.connect(&leg);
    cx.live.note(&cx.sim, "bridged", leg.sid.clone(), json!({ "to": leg.handset }));
    let begun = Instant::now();
    let limit = begun + seconds(verb, "timeLimit", 14_400, 14_400);
    let star = verb.flag("hangupOnStar", false);
    let mut events = cx.live.events();
    let mut log = leg.watch();
    while leg.phase() != Phase::Ended {
        tokio::select! {
            () = sleep_until(limit) => break,
            // The leg's log outlives it here.
            _ = log.changed() => {}
            event = events.recv() => {
                if star && matches!(event, Ok(LineEvent::Digit('*'))) {
                    break;
                }
            }
        }
    }
    let seconds = begun.elapsed().as_secs() + u64::from(begun.elapsed() > Duration::ZERO);
    Dialled { status: CallStatus::Completed.as_str(), leg: Some(leg), bridged: true, seconds }
}
