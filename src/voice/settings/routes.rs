//! `/api/voice/settings/{org}`: who answers an organisation's telephone, and how. Needs the operator's key.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use usher_channels::ApiError;
use usher_channels::elevenlabs::Webhook;
use usher_channels::widget::ProblemBody;
use usher_conversation::problem::Problem;
use utoipa::ToSchema;

use super::{Provider, VoiceProfile, VoiceSettings, form};
use crate::app::App;
use crate::inbound::address;
use crate::tenancy::Organisation;
use crate::voice::elevenlabs;
use crate::voice::peers::Peer;
use crate::web::form::{Mistakes, Wrong, token};
use crate::web::{Fault, operator};

pub(in crate::voice) const ID_CHARS: usize = 128;
pub(in crate::voice) const KEY_CHARS: usize = 512;
const LANGUAGE_CHARS: usize = 16;
/// The end of a shorter key would be too much of it.
const HINTED_KEY_CHARS: usize = 16;

/// How an organisation's calls are held.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsView {
    /// `rules`, `elevenlabs`, `retell` or `vapi`.
    provider: &'static str,
    /// The provider's id of the agent.
    agent_id: Option<String>,
    /// What is known of the provider's API key; `null` without one.
    api_key: Option<KeyView>,
    /// Names, numbers, hours, scripts and limits.
    #[schema(value_type = Object)]
    profile: Value,
}

/// A key that is set. It is sealed and never shown again.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyView {
    /// Its last four characters, when it is long enough to tell them.
    last4: Option<String>,
}

/// Who is to hold an organisation's calls.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSettings {
    /// `rules` or `elevenlabs`; `retell` or `vapi` when the organisation is connected with it.
    #[schema(value_type = String)]
    provider: Provider,
    /// The provider's id of the agent.
    agent_id: Option<String>,
    /// The provider's API key. Absent, a key that is set for the same provider stays; `null` removes it, for an agent
    /// that anybody may talk to.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    api_key: KeyChange,
    /// What signs ElevenLabs' post-call webhook, which is to post to `/api/webhooks/elevenlabs`, for an agent that was made
    /// there. One we make has its own.
    #[schema(value_type = Option<String>)]
    webhook_secret: Option<String>,
    /// Has an agent made at ElevenLabs that works with our tools, in place of `agent_id`.
    new_agent: Option<NewAgent>,
    /// Names, numbers, hours, scripts and limits. What it does not say has its default; without it all stays.
    #[schema(value_type = Option<Object>)]
    profile: Option<Map<String, Value>>,
}

/// An agent to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// ElevenLabs' id of the voice; its default without.
    voice_id: Option<String>,
    /// The language it speaks; the organisation's without.
    language: Option<String>,
}

/// What a request says of the key: nothing, `null`, or a new one.
#[derive(Default)]
enum KeyChange {
    #[default]
    Keep,
    Remove,
    Set(SecretString),
}

impl<'de> Deserialize<'de> for KeyChange {
    fn deserialize<D: Deserializer<'de>>(member: D) -> Result<Self, D::Error> {
        Ok(Option::<String>::deserialize(member)?.map_or(Self::Remove, |key| Self::Set(key.into())))
    }
}

/// How an organisation's calls are held.
#[utoipa::path(
    get, path = "/api/voice/settings/{org}", tag = "setup",
    params(
        ("org" = String, Path, description = "The organisation's id"),
        ("Authorization" = String, Header, description = "`Bearer` and the operator's key"),
    ),
    responses(
        (status = 200, body = SettingsView),
        (status = 401, body = ProblemBody, description = "unauthorized"),
        (status = 404, body = ProblemBody, description = "not-found"),
    )
)]
pub async fn show(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    org: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    let org = operator::tenant(&app, &request, &org).await?;
    Ok(HttpResponse::Ok().json(shown(&app.store.voice(&org.id).await?.unwrap_or_default())))
}

/// Says who holds an organisation's calls, and how. A key is tried at the provider before anything changes.
#[utoipa::path(
    put, path = "/api/voice/settings/{org}", tag = "setup", request_body = ChangeSettings,
    params(
        ("org" = String, Path, description = "The organisation's id"),
        ("Authorization" = String, Header, description = "`Bearer` and the operator's key"),
    ),
    responses(
        (status = 200, body = SettingsView),
        (status = 400, body = ProblemBody, description = "malformed-request: `errors` says what to change"),
        (status = 401, body = ProblemBody, description = "unauthorized"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "conflict: not connected with this provider yet"),
        (status = 502, body = ProblemBody, description = "vendor-refused: nothing was changed"),
    )
)]
pub async fn change(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    org: web::Path<String>,
    body: web::Json<ChangeSettings>,
) -> Result<HttpResponse, Fault> {
    let org = operator::tenant(&app, &request, &org).await?;
    let before = app.store.voice(&org.id).await?.unwrap_or_default();
    let mut change = body.into_inner();
    let webhook_secret = change.webhook_secret.take().map(SecretString::from);
    let mut mistakes = Mistakes::default();
    if let Some(secret) = &webhook_secret {
        mistakes.note("webhook_secret", token(secret.expose_secret(), KEY_CHARS));
    }
    mistakes.none()?;
    let wanted = wanted(change, before)?;
    let settings = agreed(&app, &org, wanted).await?;
    let view = shown(&settings);
    let dialled = settings.provider.is_dialled();
    app.store.save_voice(&org.id, settings).await?;
    if let Some(door) = webhook_secret.filter(|_| dialled) {
        app.store.save_voice_peer(&org.id, Peer { line: None, door }).await?;
    }
    app.voice.profiles.forget(&org.id);
    Ok(HttpResponse::Ok().json(view))
}

/// What was asked for, and the agent to be made for it.
type Wanted = (VoiceSettings, Option<NewAgent>);

/// Puts the request over what was there.
fn wanted(change: ChangeSettings, before: VoiceSettings) -> Result<Wanted, Fault> {
    let ChangeSettings { provider, agent_id, api_key, new_agent, profile, webhook_secret: _ } = change;
    if provider.holds_calls() && provider != before.provider {
        return Err(Fault::new(
            Problem::Conflict,
            "The organisation is not connected with this provider yet; that needs its API key (PUT /api/voice/peers/{org}).",
        ));
    }
    let profile = profile.map_or(Ok(before.profile), form::read)?;
    let api_key = match api_key {
        KeyChange::Keep => before.api_key.filter(|_| provider == before.provider),
        KeyChange::Remove => None,
        KeyChange::Set(key) => Some(key),
    };

    let mut mistakes = Mistakes::default();
    if let Some(key) = &api_key {
        mistakes.note("api_key", token(key.expose_secret(), KEY_CHARS));
    }
    let agent = agent_id.as_deref();
    let named = agent.map_or(Err(Wrong::Missing), |agent| token(agent, ID_CHARS));
    let alone = |given: bool, with| if given { Err(Wrong::NotWith(with)) } else { Ok(()) };
    match (provider, &new_agent) {
        (Provider::Rules, _) => {
            mistakes.note("agent_id", alone(agent.is_some(), "provider rules"));
            mistakes.note("api_key", alone(api_key.is_some(), "provider rules"));
            mistakes.note("new_agent", alone(new_agent.is_some(), "provider rules"));
        }
        (Provider::ElevenLabs, Some(new)) => {
            mistakes.note("agent_id", alone(agent.is_some(), "new_agent"));
            mistakes.note("api_key", if api_key.is_some() { Ok(()) } else { Err(Wrong::Missing) });
            let id = |value: &Option<String>, most| value.as_deref().map_or(Ok(()), |id| token(id, most));
            mistakes.note("new_agent.voice_id", id(&new.voice_id, ID_CHARS));
            mistakes.note("new_agent.language", id(&new.language, LANGUAGE_CHARS));
        }
        (Provider::ElevenLabs, None) => mistakes.note("agent_id", named),
        (Provider::Retell | Provider::Vapi, _) => {
            mistakes.note("agent_id", named);
            mistakes.note("api_key", if api_key.is_some() { Ok(()) } else { Err(Wrong::Missing) });
            mistakes.note("new_agent", alone(new_agent.is_some(), "this provider"));
        }
    }
    mistakes.none()?;
    Ok((VoiceSettings { provider, agent_id, api_key, profile }, new_agent))
}

/// Settings the provider agrees with: the agent is made, or the key opens it.
async fn agreed(app: &App, org: &Organisation, (settings, new): Wanted) -> Result<VoiceSettings, Fault> {
    if settings.provider != Provider::ElevenLabs {
        return Ok(settings);
    }
    let refused = |error: ApiError| Fault::new(Problem::VendorRefused, format!("ElevenLabs: {error}."));
    match (&settings.api_key, new, &settings.agent_id) {
        (Some(key), Some(new), _) => {
            let language = new.language.as_deref().unwrap_or(&org.locale);
            let hook = listen(app, org, key).await?;
            let voice = new.voice_id.as_deref();
            let made = app.voice.provision(key, &org.name, language, voice, hook.as_deref()).await;
            let agent_id = Some(made.map_err(refused)?);
            // It was made so that every conversation may choose its first words.
            let profile = VoiceProfile { overrides: true, ..settings.profile };
            Ok(VoiceSettings { agent_id, profile, ..settings })
        }
        (Some(key), None, Some(agent)) => {
            app.voice.dialer.client().signed_url(key, agent).await.map_err(refused)?;
            Ok(settings)
        }
        _ => Ok(settings),
    }
}

/// Has ElevenLabs tell us how conversations went; gives its id of that. A key that may not set that up talks all the same.
async fn listen(app: &App, org: &Organisation, key: &SecretString) -> Result<Option<String>, Fault> {
    let url = address(&app.public, elevenlabs::WEBHOOK_PATH);
    match app.voice.dialer.client().create_webhook(key, &org.name, &url).await {
        Ok(Webhook { id, secret }) => {
            app.store.save_voice_peer(&org.id, Peer { line: None, door: secret }).await?;
            Ok(Some(id))
        }
        Err(error) => {
            tracing::warn!(org = %org.id, %error, "ElevenLabs will not tell how conversations went");
            Ok(None)
        }
    }
}

fn shown(settings: &VoiceSettings) -> SettingsView {
    SettingsView {
        provider: settings.provider.as_str(),
        agent_id: settings.agent_id.clone(),
        api_key: settings.api_key.as_ref().map(hint),
        profile: form::shown(&settings.profile),
    }
}

fn hint(key: &SecretString) -> KeyView {
    let key = key.expose_secret();
    let long = key.len() >= HINTED_KEY_CHARS;
    KeyView { last4: key.get(key.len().saturating_sub(4)..).filter(|_| long).map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn before(provider: Provider) -> VoiceSettings {
        let (agent_id, api_key) = (Some("agent_1".to_owned()), Some("sk_0123456789abcdef".into()));
        VoiceSettings { provider, agent_id, api_key, profile: VoiceProfile::default() }
    }

    fn asked(body: Value, before: VoiceSettings) -> Result<Wanted, Fault> {
        wanted(serde_json::from_value(body).expect("a body"), before)
    }

    fn key(wanted: &Wanted) -> Option<&str> {
        wanted.0.api_key.as_ref().map(ExposeSecret::expose_secret)
    }

    #[test]
    fn a_key_stays_until_it_is_replaced_removed_or_belongs_to_another_provider() {
        let body = json!({ "provider": "elevenlabs", "agent_id": "agent_2" });
        let same = asked(body.clone(), before(Provider::ElevenLabs)).expect("good");
        assert_eq!(key(&same), Some("sk_0123456789abcdef"));
        let other = asked(body, before(Provider::Retell)).expect("good");
        assert_eq!(key(&other), None, "one provider's key is never sent to another");
        let removed = json!({ "provider": "elevenlabs", "agent_id": "agent_2", "api_key": null });
        assert_eq!(key(&asked(removed, before(Provider::ElevenLabs)).expect("good")), None);
        let replaced = json!({ "provider": "elevenlabs", "agent_id": "agent_2", "api_key": "sk_new" });
        assert_eq!(key(&asked(replaced, before(Provider::ElevenLabs)).expect("good")), Some("sk_new"));
    }

    #[test]
    fn what_does_not_go_together_is_refused_by_name() {
        for (body, member) in [
            (json!({ "provider": "elevenlabs" }), "agent_id"),
            (json!({ "provider": "elevenlabs", "agent_id": "a b" }), "agent_id"),
            (json!({ "provider": "elevenlabs", "new_agent": {} }), "api_key"),
            (
                json!({ "provider": "elevenlabs", "agent_id": "a", "new_agent": {}, "api_key": "k" }),
                "agent_id",
            ),
            (json!({ "provider": "rules", "agent_id": "a" }), "agent_id"),
            (json!({ "provider": "rules", "profile": { "emergency_to": "911" } }), "profile.emergency_to"),
        ] {
            let fault = asked(body.clone(), VoiceSettings::default()).map(drop).expect_err("refused");
            assert_eq!(fault.members(), [member], "{body}");
        }
    }

    #[test]
    fn a_provider_that_holds_calls_must_be_connected_first() {
        let body = json!({ "provider": "vapi", "agent_id": "a", "api_key": "k" });
        let fault = asked(body.clone(), before(Provider::ElevenLabs)).map(drop).expect_err("refused");
        assert_eq!(fault.problem(), Problem::Conflict);
        assert!(asked(body, before(Provider::Vapi)).is_ok());
    }

    #[test]
    fn of_a_key_only_its_end_is_shown() {
        assert_eq!(hint(&"sk_0123456789abcdef".into()).last4.as_deref(), Some("cdef"));
        assert_eq!(hint(&"secret".into()).last4, None, "four of six would be most of it");
    }
}
