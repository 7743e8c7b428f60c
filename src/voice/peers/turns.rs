//! Conversations by the engine's rules, whoever speaks and hears: words come in, words go out, and the session decides
//! whether the call goes on.
//!
//! A provider may ask twice for the same words, and ask again with more of them when the contact went on speaking before
//! anything was said to them. The first is answered as before by its dedup key; the second is a better version of the same
//! answer, not another one.

use sha2::{Digest as _, Sha256};
use usher_actors::Handled;
use usher_actors::voice::ports::TransferReason;
use usher_conversation::catalogue::{Catalogue, Sentence};
use usher_conversation::flow::FieldId;
use usher_conversation::id::OrgId;
use usher_conversation::session::{Command, EscalationReason, Event, Inbound};
use usher_conversation::voice::{CallNews, Opening, briefing, is_farewell};

use crate::app::App;
use crate::voice::routes::tell;
use crate::voice::{Call, VoiceProfile, origin, persona};
use crate::web::Fault;

/// Nobody speaks to someone who is silent for longer.
const MOST_SILENCES: u32 = 3;
/// Turns of one call; a machine at the other end must not talk with ours for ever.
const MOST_TURNS: u32 = 100;
/// A busy or failing store is asked again for so long: the contact waits on the line.
const PATIENCE_MILLIS: i64 = 4_000;
const PAUSE_MILLIS: i64 = 200;

/// What the contact hears next, and what becomes of the call after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::voice) struct Spoken {
    pub(in crate::voice) words: String,
    pub(in crate::voice) then: Then,
}

/// What becomes of a call once the words were heard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::voice) enum Then {
    #[default]
    Listen,
    HangUp,
    Transfer {
        to: String,
        reason: TransferReason,
    },
}

/// The newest turn of a call.
#[derive(Debug, Clone, Default)]
pub(in crate::voice) struct LastTurn {
    /// How often we had spoken before it.
    place: usize,
    /// Turns up to and including it.
    count: u32,
    /// The contact's words.
    heard: String,
    /// The one question they answered.
    field: Option<FieldId>,
    /// Whether they answered more than one.
    several: bool,
    /// What we said to them.
    pub(in crate::voice) said: String,
    /// Silences since.
    silences: u32,
    /// What was to become of the call after it.
    pub(in crate::voice) then: Then,
}

impl LastTurn {
    /// Words after which nothing is left to say.
    pub(in crate::voice) fn goodbye(said: String) -> Self {
        Self { said, then: Then::HangUp, ..Self::default() }
    }
}

/// What the contact said, and where in the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::voice) struct Heard {
    /// How often the provider says we have spoken before.
    pub(in crate::voice) place: usize,
    /// The words since; `None` when nothing was understood.
    pub(in crate::voice) words: Option<String>,
    /// What the provider says was heard of our last words.
    pub(in crate::voice) of_ours: Option<String>,
}

/// One call and the rules it is held by.
#[derive(Clone, Copy)]
pub(in crate::voice) struct Talk<'t> {
    pub(in crate::voice) app: &'t App,
    pub(in crate::voice) org: &'t OrgId,
    pub(in crate::voice) call: &'t Call,
    pub(in crate::voice) profile: &'t VoiceProfile,
}

impl Talk<'_> {
    /// The two sides are connected: what to know and to say first.
    pub(in crate::voice) async fn begin(&self) -> Result<Opening, Fault> {
        let Self { app, org, call, profile } = *self;
        // Begun and briefed before it is connected: a first connection must not be taken for one that was resumed. A
        // session that has begun is left as it is; no dedup key, whose answer would be the session as it was at first.
        let start = Command::Start { channel: None };
        let session = app.runtime.handle(org, &call.session, None, start).await?;
        let opening = briefing(&session.meta, &session.state, &persona(profile), &call.id);
        let news = CallNews::Connected { origin: origin(call), direction: call.direction };
        tell(app, org, call, &format!("{}:connected", call.attachments), news).await?;
        let turns = &app.voice.peers.turns;
        if !turns.contains_key(&call.id) {
            let said = opening.first_message.clone().unwrap_or_default();
            turns.insert(call.id.clone(), LastTurn { said, ..LastTurn::default() });
        }
        Ok(opening)
    }

    /// What the contact hears after they spoke, or were silent for long.
    pub(in crate::voice) async fn hear(&self, heard: Heard) -> Result<Spoken, Fault> {
        let turns = &self.app.voice.peers.turns;
        let last = turns.get(&self.call.id).unwrap_or_default();
        let Heard { place, words, of_ours } = heard;
        if let Some(text) = of_ours.filter(|text| is_cut_short(text, &last.said)) {
            let utterance = u32::try_from(place).unwrap_or(u32::MAX);
            let news = CallNews::Played { utterance, text, whole: false };
            tell(self.app, self.org, self.call, &format!("{place}:cut"), news).await?;
        }
        let Some(words) = words else { return self.silence(last).await };
        if is_farewell(&words) {
            return self.farewell(place, words).await;
        }
        let (command, revised) = self.command(place, &words, &last);
        let handled = self.insist(self.key(place, &words), &command).await?;
        let mut spoken = self.spoken(&handled, &command, &words);
        let fields = answered(&handled);
        if revised && spoken.then == Then::Listen && !asks(&handled) {
            // The question that followed the first version was not heard.
            let words = format!("{} {}", spoken.words, self.question(&handled));
            words.trim().clone_into(&mut spoken.words);
        }
        if last.count >= MOST_TURNS {
            spoken.then = Then::HangUp;
        }
        turns.insert(
            self.call.id.clone(),
            LastTurn {
                place,
                count: last.count + 1,
                heard: words,
                field: fields.first().filter(|_| fields.len() == 1).cloned(),
                several: fields.len() > 1,
                said: spoken.words.clone(),
                silences: 0,
                then: spoken.then.clone(),
            },
        );
        Ok(spoken)
    }

    /// What the words mean here, and whether they are a better version of words that were answered and nobody heard it.
    fn command(&self, place: usize, words: &str, last: &LastTurn) -> (Command, bool) {
        let origin = origin(self.call);
        if self.profile.emergency_to.is_some() && self.profile.is_emergency(words) {
            return (Command::Escalate { origin, reason: EscalationReason::Emergency }, false);
        }
        if self.profile.is_department_asked(words) {
            return (Command::Escalate { origin, reason: EscalationReason::Requested }, false);
        }
        let more = words.strip_prefix(last.heard.as_str()).map(str::trim).filter(|more| !more.is_empty());
        let revised = more.filter(|_| place == last.place && !last.heard.is_empty());
        let receive = |text: &str| {
            let origin = origin.clone();
            Command::Receive(Inbound {
                origin,
                text: text.to_owned(),
                media: Vec::new(),
                missed: Vec::new(),
                vendor_keyword: None,
            })
        };
        match (revised, &last.field) {
            (Some(_), Some(field)) => {
                let (field, value) = (field.clone(), words.into());
                (Command::Submit { origin, field, value }, true)
            }
            (Some(more), None) if last.several => (receive(more), true),
            _ => (receive(words), false),
        }
    }

    /// The words of the session, and what it decided about the call.
    fn spoken(&self, handled: &Handled, command: &Command, words: &str) -> Spoken {
        let catalogue = Catalogue::of(&handled.meta.locale);
        let line = |sentence| catalogue.say(sentence, &[]);
        let transfer = |to: &str, reason| Spoken {
            words: line(Sentence::CallOneMoment),
            then: Then::Transfer { to: to.to_owned(), reason },
        };
        let escalated = match command {
            Command::Escalate { reason, .. } => Some(*reason),
            _ => None,
        };
        if escalated == Some(EscalationReason::Emergency)
            && let Some(to) = self.profile.emergency_to.as_deref()
        {
            return transfer(to, TransferReason::Emergency);
        }
        let person = self.profile.person(words);
        let reply = handled.reply();
        let refused = reply.error.map(|error| error.message);
        let words = reply.text.or(refused).unwrap_or_default();
        let events = handled.turn.iter().flat_map(|turn| &turn.events);
        let wants_a_person =
            |event: &Event| matches!(event, Event::Escalated { reason: EscalationReason::Requested });
        if let Some(to) = person
            && (escalated.is_some() || events.clone().any(wants_a_person))
        {
            return transfer(to, TransferReason::Requested);
        }
        let done = events.clone().any(|event| matches!(event, Event::Completed));
        let withdrawn = handled.turn.as_ref().is_some_and(|turn| turn.withdraws_consent());
        if withdrawn {
            return Spoken { words, then: Then::HangUp };
        }
        if handled.state.is_opted_out() && words.is_empty() {
            // Who withdrew consent before gets no answers until they take that back; nobody is left in silence.
            return Spoken { words: line(Sentence::CallGoodbye), then: Then::HangUp };
        }
        if done {
            let words = format!("{words} {}", line(Sentence::CallGoodbye));
            return Spoken { words, then: Then::HangUp };
        }
        Spoken { words, then: Then::Listen }
    }

    /// The contact pressed the key for emergencies; `None` when the organisation has nobody for them.
    pub(in crate::voice) async fn emergency(&self, place: usize) -> Result<Option<Spoken>, Fault> {
        if self.profile.emergency_to.is_none() {
            return Ok(None);
        }
        let command = Command::Escalate { origin: origin(self.call), reason: EscalationReason::Emergency };
        let handled = self.insist(self.key(place, "#"), &command).await?;
        Ok(Some(self.spoken(&handled, &command, "")))
    }

    /// The contact says goodbye.
    async fn farewell(&self, place: usize, words: String) -> Result<Spoken, Fault> {
        let Self { app, call, .. } = *self;
        let command = Command::Call { call: call.id.clone(), news: CallNews::Heard { text: words.clone() } };
        let handled = self.insist(self.key(place, &words), &command).await?;
        let said = Catalogue::of(&handled.meta.locale).say(Sentence::CallGoodbye, &[]);
        let last =
            LastTurn { place, heard: words, said: said.clone(), then: Then::HangUp, ..LastTurn::default() };
        app.voice.peers.turns.insert(call.id.clone(), last);
        Ok(Spoken { words: said, then: Then::HangUp })
    }

    /// The contact says nothing: the question again, and after some time goodbye.
    async fn silence(&self, last: LastTurn) -> Result<Spoken, Fault> {
        let Self { app, org, call, profile } = *self;
        let current = app.runtime.read(org, &call.session).await?;
        let silences = last.silences + 1;
        let leaving = silences >= MOST_SILENCES;
        let catalogue = Catalogue::of(&current.meta.locale);
        let spoken = if leaving {
            Spoken { words: catalogue.say(Sentence::CallGoodbye, &[]), then: Then::HangUp }
        } else {
            let opening = briefing(&current.meta, &current.state, &persona(profile), &call.id);
            let words = format!("{} {}", catalogue.say(Sentence::CallUnheard, &[]), question_of(&opening));
            Spoken { words: words.trim().to_owned(), then: Then::Listen }
        };
        let Spoken { words: said, then } = spoken.clone();
        app.voice
            .peers
            .turns
            .insert(call.id.clone(), LastTurn { silences, then, said, count: last.count + 1, ..last });
        Ok(spoken)
    }

    fn question(&self, handled: &Handled) -> String {
        question_of(&briefing(&handled.meta, &handled.state, &persona(self.profile), &self.call.id))
    }

    /// Names the words at their place, so that they are taken once.
    fn key(&self, place: usize, words: &str) -> String {
        let digest = hex::encode(&Sha256::digest(words)[..8]);
        format!("call:{}:{place}:{digest}", self.call.id)
    }

    async fn insist(&self, key: String, command: &Command) -> Result<Handled, Fault> {
        insist(self.app, self.org, self.call, key, command).await
    }
}

/// Tries again while the session or its store is too busy, as long as a contact may wait.
pub(in crate::voice) async fn insist(
    app: &App,
    org: &OrgId,
    call: &Call,
    key: String,
    command: &Command,
) -> Result<Handled, Fault> {
    let until = app.clock.now().plus_millis(PATIENCE_MILLIS);
    loop {
        match app.runtime.handle(org, &call.session, Some(key.clone()), command.clone()).await {
            Ok(handled) => return Ok(handled),
            Err(error) => {
                let again = app.clock.now().plus_millis(PAUSE_MILLIS);
                if error.retry_after().is_none() || again >= until {
                    return Err(error.into());
                }
                app.voice.node.alarm.until(again).await;
            }
        }
    }
}

/// What the contact hears when their words could not be taken: please say that again. In their language, as long as the
/// session can be read.
pub(in crate::voice) async fn unheard(app: &App, org: &OrgId, call: &Call) -> Spoken {
    let session = app.runtime.read(org, &call.session).await;
    let locale = session.map_or_else(|_| "en".to_owned(), |session| session.meta.locale.clone());
    let words = Catalogue::of(&locale).say(Sentence::CallUnheard, &[]);
    Spoken { words, then: Then::Listen }
}

/// Whether only the beginning of what we said was heard. Providers differ in marks and blanks, not in words.
fn is_cut_short(heard: &str, said: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let plain = text.to_lowercase();
        let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let (heard, said) = (words(heard), words(said));
    !heard.is_empty() && heard.len() < said.len() && said.starts_with(&heard)
}

fn question_of(opening: &Opening) -> String {
    let question = opening.variables.get("pending_question").and_then(|question| question.as_str());
    question.unwrap_or_default().to_owned()
}

/// The questions a turn took an answer to.
fn answered(handled: &Handled) -> Vec<FieldId> {
    let mut fields = Vec::new();
    for event in handled.turn.iter().flat_map(|turn| &turn.events) {
        if let Event::Answered { field, .. } | Event::ConfirmationAsked { field, .. } = event
            && !fields.contains(field)
        {
            fields.push(field.clone());
        }
    }
    fields
}

fn asks(handled: &Handled) -> bool {
    handled.turn.iter().flat_map(|turn| &turn.events).any(|event| matches!(event, Event::Asked { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_beginning_that_is_not_all_is_cut_short() {
        let said = "Great! When are you open?";
        assert!(is_cut_short("great, when", said));
        assert!(!is_cut_short("Great - when are you open", said), "all of it");
        assert!(!is_cut_short("Which number?", said), "something else");
        assert!(!is_cut_short("", said), "nothing is known");
    }
}
