//! `<Gather>`: keys and speech while prompts are played.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

use super::document::Element;
use super::run::{Context, Flow, seconds, speak};
use crate::calls::{LineEvent, Live};
use crate::sim::lock;
use crate::speech::Hearing;

/// Somebody who has begun to speak is waited for this long.
const MAX_SPEECH: Duration = Duration::from_mins(1);

/// What was gathered.
#[derive(Default)]
struct Gathered {
    digits: String,
    finished_on: Option<char>,
    speech: Option<Hearing>,
}

/// The vendor's recogniser listens for as long as this lives.
struct Recognising<'l>(&'l Live);

impl Drop for Recognising<'_> {
    fn drop(&mut self) {
        lock(&self.0.line).recognise(false);
    }
}

pub(crate) async fn gather(cx: &Context, verb: &Element) -> Flow {
    let input = verb.attribute("input").unwrap_or("dtmf");
    let (keys, speech) = (input.contains("dtmf"), input.contains("speech"));
    let mut events = cx.live.events();
    let recognising = speech.then(|| {
        lock(&cx.live.line).recognise(true);
        Recognising(&cx.live)
    });
    let gathered = collect(cx, verb, &mut events, (keys, speech)).await;
    drop(recognising);
    let Gathered { digits, finished_on, speech } = gathered;
    let empty = digits.is_empty() && finished_on.is_none() && speech.is_none();
    if empty && !verb.flag("actionOnEmptyResult", false) {
        return Flow::Next;
    }
    let mut params = Vec::new();
    if let Some(hearing) = speech {
        let (heard, said) =
            (hearing.text.split_whitespace().count(), hearing.said.split_whitespace().count());
        let language = verb.attribute("language").unwrap_or("en-US");
        let confidence = 93 * heard / said.max(1);
        params.push(("SpeechResult", hearing.text));
        params.push(("Confidence", format!("0.{confidence:02}")));
        params.push(("Language", language.to_owned()));
    } else {
        params.push(("Digits", digits));
        params.extend(finished_on.map(|key| ("FinishedOnKey", key.to_string())));
    }
    Flow::Go(cx.action(verb), params)
}

async fn collect(
    cx: &Context,
    verb: &Element,
    events: &mut Receiver<LineEvent>,
    (keys, speech): (bool, bool),
) -> Gathered {
    let timeout = seconds(verb, "timeout", 5, 600);
    let most =
        verb.number("numDigits").map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    let finish = verb.attribute("finishOnKey").unwrap_or("#");
    let barge_in = verb.flag("bargeIn", true);
    let mut gathered = Gathered::default();
    let prompts = async {
        for prompt in &verb.children {
            speak(cx, prompt).await;
        }
    };
    tokio::pin!(prompts);
    let mut prompting = true;
    let mut until = Instant::now() + timeout;
    loop {
        let event = tokio::select! {
            () = &mut prompts, if prompting => {
                prompting = false;
                until = Instant::now() + timeout;
                continue;
            }
            () = sleep_until(until), if !prompting => return gathered,
            event = events.recv() => event,
        };
        let stop_prompts = match event {
            Ok(LineEvent::Digit(key)) if keys => {
                if finish.contains(key) {
                    gathered.finished_on = Some(key);
                    return gathered;
                }
                gathered.digits.push(key);
                if gathered.digits.len() >= most {
                    return gathered;
                }
                until = Instant::now() + timeout;
                true
            }
            Ok(LineEvent::Voice) if speech => {
                until = Instant::now() + MAX_SPEECH;
                barge_in
            }
            Ok(LineEvent::Recognised(hearing)) if speech && !hearing.text.is_empty() => {
                gathered.speech = Some(hearing);
                return gathered;
            }
            Ok(_) | Err(RecvError::Lagged(_)) => false,
            Err(RecvError::Closed) => return gathered,
        };
        if stop_prompts && prompting {
            lock(&cx.live.line).clear();
            prompting = false;
        }
    }
}
