//! Conversations by the engine's rules alone: the carrier speaks the questions and recognises the answers. For
//! organisations without an agent, and for callers whose agent refuses.

use usher_actors::voice::ports::TransferReason;
use usher_channels::twilio::voice::twiml::{
    Dial, Gather, Input, Number, Prompt, Say, SpeechTimeout, Verb, document,
};
use usher_channels::twilio::voice::webhook::GatherResult;
use usher_conversation::catalogue::{Catalogue, Sentence};
use usher_conversation::id::OrgId;
use usher_conversation::session::{Command, EscalationReason, Event, Inbound};
use usher_conversation::voice::{CallEnd, CallNews, briefing};

use super::routes::{end, tell};
use super::{Call, VoiceProfile, origin, persona, plan};
use crate::app::App;
use crate::web::Fault;

/// Nobody speaks to someone who is silent for longer.
const MOST_MISSES: u32 = 3;
/// Seconds to begin to answer in.
const PATIENCE: u32 = 6;
/// Turns of one call; a machine at the other end must not talk with ours for ever.
const MOST_TURNS: u32 = 100;

/// Where a conversation stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    /// Which turn it is, from 0.
    pub(super) number: u32,
    /// Turns in which nothing was heard, in a row.
    pub(super) misses: u32,
}

/// The first document: a greeting and the pending question. `instead` of an agent that refused there is an apology.
pub(super) async fn begin(
    app: &App,
    org: &OrgId,
    call: &Call,
    profile: &VoiceProfile,
    instead: bool,
) -> Result<String, Fault> {
    // The session begins before it knows of the call: one it knows of already would be one whose line was gone.
    let begins = Some(format!("call:{}:rules:{}:begins", call.id, call.attachments));
    let start = Command::Start { channel: None };
    let current = app.runtime.handle(org, &call.session, begins, start).await?;
    let opening = briefing(&current.meta, &current.state, &persona(profile));
    let news = CallNews::Connected { origin: origin(call), direction: call.direction };
    tell(app, org, call, &format!("rules:{}:connected", call.attachments), news).await?;
    let mut words = opening.first_message.unwrap_or_default();
    if instead {
        words.insert(0, ' ');
        words.insert_str(0, &Catalogue::of(&opening.language).say(Sentence::CallWithoutAgent, &[]));
    }
    let turn = Turn { number: call.attachments * MOST_TURNS, misses: 0 };
    listen(app, call, &words, &opening.language, turn)
}

/// Takes what was said or pressed, and goes on.
pub(super) async fn go_on(
    app: &App,
    org: &OrgId,
    call: &Call,
    profile: &VoiceProfile,
    turn: Turn,
    heard: &GatherResult<'_>,
) -> Result<String, Fault> {
    let digits = heard.digits.filter(|digits| !digits.is_empty());
    let speech = heard.speech.map(str::trim).filter(|speech| !speech.is_empty());
    let current = app.runtime.read(org, &call.session).await?;
    let locale = current.meta.locale.clone();
    let catalogue = Catalogue::of(&locale);
    let pound = digits.is_none() && heard.finished_on == Some("#");
    if let Some(to) = &profile.emergency_to
        && (pound || speech.is_some_and(|speech| is_emergency(speech, profile)))
    {
        let command = Command::Escalate { origin: origin(call), reason: EscalationReason::Emergency };
        app.runtime.handle(org, &call.session, Some(key(call, turn)), command).await?;
        return hand_to(app, call, profile, to, TransferReason::Emergency, &locale);
    }
    let Some(text) = speech.or(digits) else {
        if turn.misses + 1 >= MOST_MISSES {
            end(app, org, call, CallEnd::Finished).await?;
            return goodbye(&catalogue.say(Sentence::CallGoodbye, &[]), &locale);
        }
        let opening = briefing(&current.meta, &current.state, &persona(profile));
        let question = opening.variables.get("pending_question").and_then(|question| question.as_str());
        let words = format!("{} {}", catalogue.say(Sentence::CallUnheard, &[]), question.unwrap_or_default());
        let next = Turn { number: turn.number + 1, misses: turn.misses + 1 };
        return listen(app, call, &words, &locale, next);
    };
    let inbound =
        Inbound { origin: origin(call), text: text.to_owned(), media: Vec::new(), vendor_keyword: None };
    let handled =
        app.runtime.handle(org, &call.session, Some(key(call, turn)), Command::Receive(inbound)).await?;
    let reply = handled.reply();
    let words = reply.text.unwrap_or_default();
    let wants_a_person =
        |event: &Event| matches!(event, Event::Escalated { reason: EscalationReason::Requested, .. });
    let asked = handled.turn.as_ref().is_some_and(|turn| turn.events.iter().any(wants_a_person));
    if let Some(to) = profile.transfer_to.as_deref().filter(|_| asked) {
        return hand_to(app, call, profile, to, TransferReason::Requested, &locale);
    }
    if reply.complete || turn.number % MOST_TURNS == MOST_TURNS - 1 {
        end(app, org, call, CallEnd::Finished).await?;
        let last = format!("{words} {}", catalogue.say(Sentence::CallGoodbye, &[]));
        return goodbye(&last, &locale);
    }
    listen(app, call, &words, &locale, Turn { number: turn.number + 1, misses: 0 })
}

fn key(call: &Call, turn: Turn) -> String {
    format!("call:{}:rules:{}", call.id, turn.number)
}

fn is_emergency(speech: &str, profile: &VoiceProfile) -> bool {
    let speech = speech.to_lowercase();
    let mut words = speech.split(|c: char| !c.is_alphanumeric());
    words.any(|word| profile.emergency_words.iter().any(|keyword| keyword == word))
}

/// The carrier's name of a language, with a country whose voice it has.
fn voice_language(locale: &str) -> &'static str {
    match locale.split(['-', '_']).next() {
        Some("es") => "es-US",
        _ => "en-US",
    }
}

/// Says `words` and listens.
fn listen(app: &App, call: &Call, words: &str, locale: &str, turn: Turn) -> Result<String, Fault> {
    let action = format!("{}&n={}&misses={}", app.voice.urls.of("/gather", call), turn.number, turn.misses);
    let language = Some(voice_language(locale));
    let prompts = [Prompt::Say(Say { text: words, voice: None, language })];
    let gather = Gather {
        input: Input::Both,
        action: Some(&action),
        timeout_seconds: Some(PATIENCE),
        speech_timeout: Some(SpeechTimeout::Auto),
        language,
        action_on_empty_result: true,
        prompts: &prompts,
        ..Gather::default()
    };
    document(&[Verb::Gather(gather)]).map_err(Fault::internal)
}

fn goodbye(words: &str, locale: &str) -> Result<String, Fault> {
    let say = Say { text: words, voice: None, language: Some(voice_language(locale)) };
    document(&[Verb::Prompt(Prompt::Say(say)), Verb::Hangup]).map_err(Fault::internal)
}

fn hand_to(
    app: &App,
    call: &Call,
    profile: &VoiceProfile,
    to: &str,
    reason: TransferReason,
    locale: &str,
) -> Result<String, Fault> {
    let plan = plan(profile, to, reason);
    let words = Catalogue::of(locale).say(Sentence::CallOneMoment, &[]);
    let (action, whisper) = (app.voice.urls.of("/transfer", call), app.voice.urls.of("/whisper", call));
    let number =
        Number { number: &plan.to, url: plan.warm.then_some(whisper.as_str()), status_callback: None };
    let dial = Dial {
        action: Some(&action),
        timeout_seconds: Some(plan.ring_seconds),
        caller_id: call.line.as_deref(),
        answer_on_bridge: true,
        numbers: &[number],
        ..Dial::default()
    };
    let say = Say { text: &words, voice: None, language: Some(voice_language(locale)) };
    document(&[Verb::Prompt(Prompt::Say(say)), Verb::Dial(dial)]).map_err(Fault::internal)
}

/// A sentence with the organisation's name, in its language.
pub(super) async fn words(app: &App, org: &OrgId, sentence: Sentence) -> Result<String, Fault> {
    let org = app.store.organisation(org).await?;
    let org = org.ok_or_else(|| Fault::internal("a call's organisation is missing"))?;
    Ok(Catalogue::of(&org.locale).say(sentence, &[("org", &org.name)]))
}

/// One sentence, and the call is over.
pub(super) async fn farewell(app: &App, org: &OrgId, sentence: Sentence) -> Result<String, Fault> {
    let words = words(app, org, sentence).await?;
    document(&[Verb::say(&words), Verb::Hangup]).map_err(Fault::internal)
}

/// What is left on an answering machine: the organisation's own words, or ours.
pub(super) async fn voicemail(app: &App, org: &OrgId, script: Option<&str>) -> Result<String, Fault> {
    let words = match script {
        Some(script) => script.to_owned(),
        None => words(app, org, Sentence::CallVoicemail).await?,
    };
    // The beep is over when the machine's verdict comes; a breath lets the recording begin.
    document(&[Verb::pause(1), Verb::say(&words), Verb::Hangup]).map_err(Fault::internal)
}
