//! Conversations by the engine's rules alone: the carrier speaks the questions and recognises the answers. For
//! organisations without an agent, and for callers whose agent refuses.

use usher_actors::voice::ports::TransferReason;
use usher_channels::twilio::voice::twiml::{
    Dial, Gather, Input, Number, Prompt, Say, SpeechTimeout, Verb, document,
};
use usher_channels::twilio::voice::webhook::GatherResult;
use usher_conversation::catalogue::{Catalogue, Sentence};
use usher_conversation::id::OrgId;
use usher_conversation::voice::CallEnd;

use super::peers::turns::{Heard, Talk, Then};
use super::routes::end;
use super::{Call, VoiceProfile, plan};
use crate::app::App;
use crate::web::Fault;

/// Seconds to begin to answer in.
const PATIENCE: u32 = 6;

/// The first document: a greeting and the pending question. `instead` of an agent that refused there is an apology.
pub(super) async fn begin(
    app: &App,
    org: &OrgId,
    call: &Call,
    profile: &VoiceProfile,
    instead: bool,
) -> Result<String, Fault> {
    let opening = Talk { app, org, call, profile }.begin().await?;
    let mut words = opening.first_message.unwrap_or_default();
    if instead {
        words.insert(0, ' ');
        words.insert_str(0, &Catalogue::of(&opening.language).say(Sentence::CallWithoutAgent, &[]));
    }
    // A call that comes back from a person who did not answer goes on counting.
    let turn = app.voice.peers.turns.get(&call.id).map_or(0, |last| last.count);
    listen(app, call, &words, &opening.language, turn)
}

/// Takes what was said or pressed, and goes on.
pub(super) async fn go_on(
    app: &App,
    org: &OrgId,
    call: &Call,
    profile: &VoiceProfile,
    turn: u32,
    heard: &GatherResult<'_>,
) -> Result<String, Fault> {
    let digits = heard.digits.filter(|digits| !digits.is_empty());
    let speech = heard.speech.map(str::trim).filter(|speech| !speech.is_empty());
    let pound = digits.is_none() && heard.finished_on == Some("#");
    let talk = Talk { app, org, call, profile };
    let place = usize::try_from(turn).unwrap_or(usize::MAX);
    let emergency = if pound { talk.emergency(place).await? } else { None };
    let spoken = if let Some(spoken) = emergency {
        spoken
    } else {
        let words = speech.or(digits).map(str::to_owned);
        talk.hear(Heard { place, words, of_ours: None }).await?
    };
    let locale = app.runtime.read(org, &call.session).await?.meta.locale.clone();
    match spoken.then {
        Then::Listen => listen(app, call, &spoken.words, &locale, turn + 1),
        Then::HangUp => {
            end(app, org, call, CallEnd::Finished).await?;
            goodbye(&spoken.words, &locale)
        }
        Then::Transfer { to, reason } => hand_to(app, call, profile, &to, reason, &locale),
    }
}

/// The carrier's name of a language, with a country whose voice it has.
fn voice_language(locale: &str) -> &'static str {
    match locale.split(['-', '_']).next() {
        Some("es") => "es-US",
        _ => "en-US",
    }
}

/// Says `words` and listens.
fn listen(app: &App, call: &Call, words: &str, locale: &str, turn: u32) -> Result<String, Fault> {
    let action = format!("{}&n={turn}", app.voice.urls.of("/gather", call));
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
