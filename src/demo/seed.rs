//! The agency of the demo: what it sells, its number, and the client who has just paid.

use secrecy::SecretString;
use usher_channels::twilio::TwilioCredentials;
use usher_conversation::flow::Flow;
use usher_conversation::id::{FlowId, OrgId, PackageId, SessionId};

use super::{CLIENT_NAME, CLIENT_PHONE, NUMBER, ORG_NAME};
use crate::app::App;
use crate::catalog::Offer;
use crate::onboarding::NewSession;
use crate::outbound::NewSmsAccount;
use crate::store::Store;
use crate::tenancy::{ContactDetails, Profile, Theme};

/// The questions.
const FLOW: &str = include_str!("flow.json");

/// What is there now.
pub(super) struct Seeded {
    /// The agency.
    pub(super) org: OrgId,
    /// The client's session.
    pub(super) session: SessionId,
    /// The client's page.
    pub(super) page: String,
    /// The agency's account.
    pub(super) account_sid: String,
    /// Its token.
    pub(super) auth_token: SecretString,
}

/// Finds the agency by its number, or makes it. The number comes last: whoever finds it finds everything.
pub(super) async fn seed(app: &App) -> anyhow::Result<Seeded> {
    let store = &app.store;
    let (org, credentials) = match store.line(NUMBER).await? {
        Some(line) => (line.org, line.credentials),
        None => agency(app).await?,
    };
    let session = store.session_of_phone(&org, CLIENT_PHONE).await?;
    let link = store.link_of_session(&org, &session).await?.unwrap_or_default();
    Ok(Seeded {
        org,
        session,
        page: store.page_url(&link),
        account_sid: credentials.account_sid,
        auth_token: credentials.auth_token,
    })
}

async fn agency(app: &App) -> anyhow::Result<(OrgId, TwilioCredentials)> {
    let store = &app.store;
    let profile = Profile {
        name: ORG_NAME.to_owned(),
        locale: "en".to_owned(),
        region: "US".to_owned(),
        allowed_origins: Vec::new(),
        theme: Theme { accent: "#0b6e99".to_owned() },
    };
    let org = store.create_organisation(profile).await?.id;
    let package = package(store, &org).await?;
    let flow = Flow { id: FlowId::new(app.clock.now(), app.entropy.bits()), ..Flow::from_file_json(FLOW)? };
    let flow = store.save_flow(&org, flow).await?;
    let details = ContactDetails {
        name: CLIENT_NAME.to_owned(),
        phone: Some(CLIENT_PHONE.to_owned()),
        email: Some("dana@reyesbakery.example".to_owned()),
        zone: None,
    };
    let contact = store.find_or_create_contact(&org, details).await?.id;
    let new = NewSession { contact, flow: flow.id.clone(), package: Some(package) };
    store.find_or_create_session(&org, new).await?;

    let credentials = TwilioCredentials {
        account_sid: format!("AC{}", hex::encode(app.entropy.bits())),
        auth_token: hex::encode(app.entropy.bits()).into(),
        api_key: None,
    };
    let account = NewSmsAccount {
        credentials: credentials.clone(),
        messaging_service_sid: None,
        number: NUMBER.to_owned(),
    };
    store.connect_sms(&org, account).await?;
    Ok((org, credentials))
}

async fn package(store: &Store, org: &OrgId) -> anyhow::Result<PackageId> {
    let offers = [
        Offer {
            name: "Google Business Profile".to_owned(),
            description: "Your business on Google Search and Maps, with hours, pictures and reviews."
                .to_owned(),
            required_data_fields: owned(["business_name", "business_phone", "business_hours"]),
            setup_steps: owned(["Create the profile", "Verify it", "Add hours and pictures"]),
        },
        Offer {
            name: "Texting registration".to_owned(),
            description: "Your number registered with the carriers, so that your texts arrive.".to_owned(),
            required_data_fields: owned(["business_name", "business_phone"]),
            setup_steps: owned(["Register the brand", "Register the campaign", "Connect the number"]),
        },
        Offer {
            name: "Website".to_owned(),
            description: "A fast new website in the style you choose.".to_owned(),
            required_data_fields: owned(["business_name", "style"]),
            setup_steps: owned(["First draft", "Your changes", "Launch"]),
        },
    ];
    let mut services = Vec::with_capacity(offers.len());
    for offer in offers {
        services.push(store.create_service(org, offer).await?.id);
    }
    Ok(store.create_package(org, "Local Launch", services).await?.id)
}

fn owned<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}
