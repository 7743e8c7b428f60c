//! Who answers the agency's telephone: an agent at the simulator, made as one at the vendor would be.

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use usher_conversation::id::OrgId;

use super::ORG_NAME;
use super::simulator::{self, Simulated};
use crate::app::App;
use crate::voice::{Provider, VoiceProfile, VoiceSettings};

/// What the agent calls itself.
const AGENT_NAME: &str = "Ava";
/// Who takes the calls that a person should take.
const OFFICE: &str = "+14155550111";
/// Who takes emergencies.
const EMERGENCIES: &str = "+14155550112";

/// Makes the agent and says that it speaks for the agency; gives its id. The simulator forgets agents when it ends, so
/// every start makes one.
pub(super) async fn seed(app: &App, simulated: &Simulated, org: &OrgId) -> anyhow::Result<String> {
    let key = SecretString::from(format!("sk_{}", hex::encode(app.entropy.bits())));
    simulator::post(simulated, "/_sim/elevenlabs/keys", &json!({ "key": key.expose_secret() })).await?;
    let agent =
        app.voice.provision(&key, ORG_NAME, "en", None, None).await.context("the agent cannot be made")?;
    let profile = VoiceProfile {
        agent_name: AGENT_NAME.to_owned(),
        overrides: true,
        transfer_to: Some(OFFICE.to_owned()),
        emergency_to: Some(EMERGENCIES.to_owned()),
        ..VoiceProfile::default()
    };
    let voice = VoiceSettings {
        provider: Provider::ElevenLabs,
        agent_id: Some(agent.clone()),
        api_key: Some(key),
        profile,
    };
    app.store.save_voice(org, voice).await?;
    Ok(agent)
}
