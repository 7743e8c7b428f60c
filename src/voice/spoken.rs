//! Conversations by the engine's rules alone: the carrier speaks the questions and recognises the answers. For
//! organisations without an agent, and for callers whose agent refuses.

use std::sync::Arc;

use usher_actors::crash_point;
use usher_actors::voice::ports::TransferReason;
use usher_channels::twilio::voice::twiml::{Gather, Input, Prompt, Say, SpeechTimeout, Verb, document};
use usher_channels::twilio::voice::webhook::GatherResult;
use usher_conversation::catalogue::{Catalogue, Sentence};
use usher_conversation::id::OrgId;
use usher_conversation::session::SessionState;
use usher_conversation::voice::CallEnd;

use super::elsewhere::{Said, follow_documents};
use super::peers::turns::{Heard, Talk, Then};
use super::routes::end;
use super::transfer::put_through;
use super::{Call, Voice, VoiceProfile, plan};
use crate::app::App;
use crate::web::Fault;

/// Seconds to begin to answer in.
const PATIENCE: u32 = 6;

/// The first document: what comes `before`, a greeting and the pending question. `instead` of an agent that refused there
/// is an apology.
pub(super) async fn begin(
    app: &Arc<App>,
    org: &OrgId,
    call: &Call,
    profile: &VoiceProfile,
    (instead, mut before): (bool, Vec<Verb<'_>>),
) -> Result<String, Fault> {
    let opening = Talk { app, org, call, profile }.begin().await?;
    follow_documents(app, org, call);
    let mut words = opening.first_message.unwrap_or_default();
    if instead {
        words.insert(0, ' ');
        words.insert_str(0, &Catalogue::of(&opening.language).say(Sentence::CallWithoutAgent, &[]));
    }
    let place = place_of(&app.runtime.read(org, &call.session).await?.state);
    let gather = Listening::new(app, call, &words, &opening.language, place);
    let prompts = gather.prompts();
    before.push(gather.verb(&prompts));
    document(&before).map_err(Fault::internal)
}

/// Takes what was said or pressed at a place of the conversation, and goes on. Asked twice, it answers twice the same.
pub(super) async fn go_on(
    app: &Arc<App>,
    org: &OrgId,
    call: &Call,
    profile: &VoiceProfile,
    place: u32,
    heard: &GatherResult<'_>,
) -> Result<String, Fault> {
    let digits = heard.digits.filter(|digits| !digits.is_empty());
    let speech = heard.speech.map(str::trim).filter(|speech| !speech.is_empty());
    let pound = digits.is_none() && heard.finished_on == Some("#");
    let talk = Talk { app, org, call, profile };
    if let Err(full) = app.voice.keep_line(&Voice::call_ref(org, call), profile) {
        // Who talks is not cut off because of that.
        tracing::info!(call = %call.id, %full, "a call goes on without a line");
    }
    // It may have been another process that began it.
    follow_documents(app, org, call);
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    let emergency = if pound { talk.emergency(place).await? } else { None };
    let spoken = if let Some(spoken) = emergency {
        spoken
    } else {
        talk.hear(Heard { place, words: speech.or(digits).map(str::to_owned), of_ours: None }).await?
    };
    let said = speech.unwrap_or_default();
    crash_point("turn-taken");
    let now = app.runtime.read(org, &call.session).await?;
    let locale = now.meta.locale.clone();
    match spoken.then {
        Then::Listen => {
            let gather = Listening::new(app, call, &spoken.words, &locale, place_of(&now.state));
            document(&[gather.verb(&gather.prompts())]).map_err(Fault::internal)
        }
        Then::HangUp => {
            end(app, org, call, CallEnd::Finished).await?;
            goodbye(&spoken.words, &locale)
        }
        Then::Transfer { reason: TransferReason::Requested, .. } if asks_which(profile, said) => {
            which_department(app, call, profile, &locale)
        }
        Then::Transfer { to, reason } => hand_to(app, call, profile, &to, reason, &locale),
    }
}

/// What the caller hears of something that arrived by other ways, and the question that is asked now.
pub(super) async fn news(
    app: &App,
    org: &OrgId,
    call: &Call,
    profile: &VoiceProfile,
) -> Result<String, Fault> {
    let now = app.runtime.read(org, &call.session).await?;
    let Said { words, over } = Said::about(&now.meta, &now.state, profile, &call.id);
    if over {
        end(app, org, call, CallEnd::Finished).await?;
        return goodbye(&words, &now.meta.locale);
    }
    let gather = Listening::new(app, call, &words, &now.meta.locale, place_of(&now.state));
    document(&[gather.verb(&gather.prompts())]).map_err(Fault::internal)
}

/// Names the place in the conversation, for every process alike: the same words at two places are two answers.
fn place_of(state: &SessionState) -> u32 {
    u32::try_from(state.seq()).unwrap_or(u32::MAX)
}

/// The carrier's name of a language, with a country whose voice it has.
pub(super) fn voice_language(locale: &str) -> &'static str {
    match locale.split(['-', '_']).next() {
        Some("es") => "es-US",
        _ => "en-US",
    }
}

/// Words, and an ear for what is said to them.
struct Listening<'l> {
    words: &'l str,
    language: &'static str,
    action: String,
}

impl<'l> Listening<'l> {
    fn new(app: &App, call: &Call, words: &'l str, locale: &str, place: u32) -> Self {
        let action = app.voice.urls.at("/gather", call, place);
        Self { words, language: voice_language(locale), action }
    }

    const fn prompts(&self) -> [Prompt<'l>; 1] {
        [Prompt::Say(Say { text: self.words, voice: None, language: Some(self.language) })]
    }

    fn verb<'v>(&'v self, prompts: &'v [Prompt<'v>]) -> Verb<'v> {
        Verb::Gather(Gather {
            input: Input::Both,
            action: Some(&self.action),
            timeout_seconds: Some(PATIENCE),
            speech_timeout: Some(SpeechTimeout::Auto),
            language: Some(self.language),
            action_on_empty_result: true,
            prompts,
            ..Gather::default()
        })
    }
}

/// The contact's language, for what is said outside of the engine's turns.
pub(super) struct Tongue {
    locale: String,
    org: String,
}

impl Tongue {
    pub(super) async fn of(app: &App, org: &OrgId, call: &Call) -> Result<Self, Fault> {
        let current = app.runtime.read(org, &call.session).await?;
        Ok(Self { locale: current.meta.locale.clone(), org: current.meta.org_name.clone() })
    }

    /// A sentence that names nobody but the organisation.
    pub(super) fn say(&self, sentence: Sentence) -> String {
        Catalogue::of(&self.locale).say(sentence, &[("org", &self.org)])
    }

    /// Words for the telephone network to speak.
    pub(super) fn prompt<'w>(&self, words: &'w str) -> Prompt<'w> {
        Prompt::Say(Say { text: words, voice: None, language: Some(voice_language(&self.locale)) })
    }
}

fn goodbye(words: &str, locale: &str) -> Result<String, Fault> {
    let say = Say { text: words, voice: None, language: Some(voice_language(locale)) };
    document(&[Verb::Prompt(Prompt::Say(say)), Verb::Hangup]).map_err(Fault::internal)
}

/// Whether a caller who wants a person is asked which.
fn asks_which(profile: &VoiceProfile, said: &str) -> bool {
    !profile.departments.is_empty() && profile.department(said).is_none()
}

/// The departments and their keys.
fn which_department(app: &App, call: &Call, profile: &VoiceProfile, locale: &str) -> Result<String, Fault> {
    let catalogue = Catalogue::of(locale);
    let mut words = catalogue.say(Sentence::CallWhichDepartment, &[]);
    for (key, department) in (1..).zip(&profile.departments) {
        let key = i32::to_string(&key);
        words.push(' ');
        words
            .push_str(&catalogue.say(Sentence::CallDepartment, &[("key", &key), ("name", &department.name)]));
    }
    let (action, language) = (app.voice.urls.of("/department", call), voice_language(locale));
    let prompts = [Prompt::Say(Say { text: &words, voice: None, language: Some(language) })];
    let gather = Gather {
        input: Input::Both,
        action: Some(&action),
        timeout_seconds: Some(PATIENCE),
        speech_timeout: Some(SpeechTimeout::Auto),
        digits: Some(1),
        language: Some(language),
        action_on_empty_result: true,
        prompts: &prompts,
        ..Gather::default()
    };
    document(&[Verb::Gather(gather)]).map_err(Fault::internal)
}

/// The caller has said or pressed which department; whoever takes any call takes one that asks for none of them.
pub(super) async fn department(
    app: &Arc<App>,
    org: &OrgId,
    call: &Call,
    profile: &VoiceProfile,
    heard: &GatherResult<'_>,
) -> Result<String, Fault> {
    let locale = app.runtime.read(org, &call.session).await?.meta.locale.clone();
    let place = heard.digits.and_then(|digits| digits.parse::<usize>().ok()?.checked_sub(1));
    let pressed =
        place.and_then(|place| profile.departments.get(place)).map(|department| department.to.as_str());
    match pressed.or_else(|| profile.person(heard.speech.unwrap_or_default())) {
        Some(to) => hand_to(app, call, profile, to, TransferReason::Requested, &locale),
        None => begin(app, org, call, profile, (false, Vec::new())).await,
    }
}

fn hand_to(
    app: &App,
    call: &Call,
    profile: &VoiceProfile,
    to: &str,
    reason: TransferReason,
    locale: &str,
) -> Result<String, Fault> {
    app.voice.release_line(&call.id);
    let words = Catalogue::of(locale).say(Sentence::CallOneMoment, &[]);
    let first = Prompt::Say(Say { text: &words, voice: None, language: Some(voice_language(locale)) });
    put_through(&app.voice.urls, call, &plan(profile, to, reason), Some(first)).map_err(Fault::internal)
}

/// A sentence with the organisation's name, in its language.
pub(super) async fn words(app: &App, org: &OrgId, sentence: Sentence) -> Result<String, Fault> {
    let org = app.store.organisation(org).await?;
    let org = org.ok_or_else(|| Fault::internal("a call's organisation is missing"))?;
    Ok(Catalogue::of(&org.locale).say(sentence, &[("org", &org.name)]))
}
