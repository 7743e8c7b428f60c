//! Who says what on a call, until it is over.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};

use super::call::{First, Vapi};
use super::model::{Model, Then, Turn};
use crate::calls::{LineEvent, Order, telephone};
use crate::faults::{FaultKind, Moment, Subject, Timed};
use crate::sim::lock;

/// Nobody says anything for so long, unless the assistant says otherwise.
const SILENCE_SECONDS: u64 = 30;
const LONGEST_SECONDS: u64 = 600;

/// How a call is steered from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Steer {
    /// Says something.
    Say {
        /// The words.
        words: String,
        /// And hangs up.
        then_end: bool,
    },
    /// Hangs up once what is being said was heard.
    End,
    /// Gives the call to somebody else.
    Transfer {
        /// The words before.
        words: String,
    },
}

/// The assistant's first words, with the call's variables in them.
pub(super) fn first_message(assistant: &Value) -> Option<String> {
    let written = assistant["firstMessage"].as_str().filter(|words| !words.is_empty())?;
    let values = assistant["variableValues"].as_object();
    let mut words = written.to_owned();
    for (name, value) in values.into_iter().flatten() {
        words = words.replace(&format!("{{{{{name}}}}}"), value.as_str().unwrap_or_default());
    }
    Some(words)
}

struct Talk<'v> {
    vapi: &'v Vapi,
    messages: Vec<Value>,
    played: Option<oneshot::Receiver<()>>,
    then: Then,
    /// Turns that wait for the one before to be heard.
    waiting: VecDeque<Turn>,
    quiet_since: Instant,
}

/// Talks until the call is over; gives the reason why.
pub(super) async fn converse(
    vapi: &Vapi,
    orders: &mut Receiver<Order>,
    steered: &mut Receiver<Steer>,
    first: First,
) -> &'static str {
    lock(&vapi.live.line).recognise(true);
    let system = vapi.assistant["model"]["messages"].as_array().cloned();
    let mut talk = Talk {
        vapi,
        messages: system.unwrap_or_default(),
        played: None,
        then: Then::Listen,
        waiting: VecDeque::new(),
        quiet_since: Instant::now(),
    };
    let mut model = Model::of(&vapi.assistant);
    match first {
        First::Farewell(words) => talk.speak(Turn { words, then: Then::End }).await,
        First::Assistant => {
            if let Err(why) = talk.begin(&mut model).await {
                return why;
            }
        }
    }
    let over = talk.go_on(&mut model, orders, steered).await;
    talk.keep();
    over
}

impl Talk<'_> {
    /// The first words: those of the assistant, or its model's.
    async fn begin(&mut self, model: &mut Model) -> Result<(), &'static str> {
        let own = matches!(model, Model::Own(_));
        match (first_message(&self.vapi.assistant), self.vapi.assistant["firstMessageMode"].as_str()) {
            (_, Some("assistant-waits-for-user")) => Ok(()),
            // The vendor's model begins with its first message by itself.
            (Some(words), _) if !own => {
                self.speak(Turn { words, then: Then::Listen }).await;
                Ok(())
            }
            _ => {
                let turn = model.turn(self.vapi, &self.messages).await?;
                self.speak(turn).await;
                Ok(())
            }
        }
    }

    async fn go_on(
        &mut self,
        model: &mut Model,
        orders: &mut Receiver<Order>,
        steered: &mut Receiver<Steer>,
    ) -> &'static str {
        let live = &self.vapi.live;
        let seconds = |member: &str, usual| self.vapi.assistant[member].as_u64().unwrap_or(usual);
        let silence = Duration::from_secs(seconds("silenceTimeoutSeconds", SILENCE_SECONDS));
        let longest = Instant::now() + Duration::from_secs(seconds("maxDurationSeconds", LONGEST_SECONDS));
        let mut events = live.events();
        let subject = Subject { to: &live.peer, from: &live.handset, body: "" };
        let mut faults = Timed::new(&lock(&self.vapi.sim.faults).draw(Moment::Peer, subject));
        loop {
            let quiet = self.quiet_since + silence;
            let speaking = self.played.is_some();
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::HangUp | Order::Decline) => return "customer-ended-call",
                    Some(Order::End) | None => return "manually-canceled",
                    Some(Order::Answer | Order::Run(_)) => {}
                },
                fault = faults.next() => match fault {
                    FaultKind::PeerStall { millis, .. } => sleep(Duration::from_millis(millis)).await,
                    FaultKind::PeerMalformed { .. } => self.vapi.garble().await,
                    _ => self.vapi.lose_a_message(),
                },
                () = sleep_until(longest) => return "exceeded-max-duration",
                () = sleep_until(quiet), if !speaking => return "silence-timed-out",
                Some(steer) = steered.recv() => match steer {
                    Steer::Say { words, then_end } => {
                        let then = if then_end { Then::End } else { Then::Listen };
                        self.next(Turn { words, then }).await;
                    }
                    Steer::End if !speaking => return "assistant-ended-call",
                    Steer::End => self.then = Then::End,
                    Steer::Transfer { words } => self.next(Turn { words, then: Then::Transfer }).await,
                },
                heard = heard(&mut self.played) => {
                    self.played = None;
                    self.quiet_since = Instant::now();
                    match (heard, self.then) {
                        (true, Then::End) => return "assistant-ended-call",
                        (true, Then::Transfer) => return "assistant-forwarded-call",
                        (_, Then::Listen | Then::End | Then::Transfer) => {}
                    }
                    if let Some(turn) = self.waiting.pop_front() {
                        self.speak(turn).await;
                    }
                }
                event = events.recv() => match event {
                    Ok(LineEvent::Voice) => {
                        self.quiet_since = Instant::now();
                        if speaking {
                            lock(&live.line).clear();
                            self.then = Then::Listen;
                            self.vapi.tell("user-interrupted", json!({})).await;
                        }
                    }
                    Ok(LineEvent::Recognised(hearing)) if !hearing.text.is_empty() => {
                        self.said("user", &hearing.text).await;
                        match model.turn(self.vapi, &self.messages).await {
                            Ok(turn) => self.next(turn).await,
                            Err(why) => return why,
                        }
                    }
                    _ => {}
                },
            }
        }
    }

    /// Speaks once nothing else is being said.
    async fn next(&mut self, turn: Turn) {
        if self.played.is_some() {
            self.waiting.push_back(turn);
        } else {
            self.speak(turn).await;
        }
    }

    async fn speak(&mut self, turn: Turn) {
        self.then = turn.then;
        let words = turn.words.trim().to_owned();
        if !words.is_empty() {
            self.said("assistant", &words).await;
        }
        let phrase = self.vapi.sim.phrases.phrase(&words).await;
        let mut line = lock(&self.vapi.live.line);
        line.play(telephone(&phrase));
        self.played = Some(line.played());
    }

    /// Something was said: it is part of the conversation, and the server may want to know.
    async fn said(&mut self, role: &str, words: &str) {
        self.messages.push(json!({ "role": role, "content": words }));
        self.keep();
        let news = json!({ "role": role, "transcriptType": "final", "transcript": words });
        self.vapi.tell("transcript", news).await;
    }

    /// Keeps the conversation in the call object.
    fn keep(&self) {
        let spoken = self.messages.iter().filter_map(|message| {
            let who = match message["role"].as_str()? {
                "assistant" => "AI",
                "user" => "User",
                _ => return None,
            };
            Some(format!("{who}: {}\n", message["content"].as_str()?))
        });
        let artifact = json!({ "transcript": spoken.collect::<String>(), "messages": self.messages });
        self.vapi.change(|call| call["artifact"] = artifact);
    }
}

/// Whether what is being said was heard to its end.
async fn heard(played: &mut Option<oneshot::Receiver<()>>) -> bool {
    match played {
        Some(told) => told.await.is_ok(),
        None => std::future::pending().await,
    }
}
