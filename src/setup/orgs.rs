//! `/api/orgs`: organisations.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use usher_channels::widget::ProblemBody;
use utoipa::ToSchema;

use crate::app::App;
use crate::config::{Origins, Value as _};
use crate::tenancy::{Organisation, Profile, Theme};
use crate::web::Fault;
use crate::web::form::{Mistakes, Wrong, text};

const NAME_CHARS: usize = 120;
const MOST_ORIGINS: usize = 100;
const COLOUR_CHARS: usize = 64;
/// The languages the catalogue speaks.
const LOCALES: [&str; 2] = ["en", "es"];

/// An organisation to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrg {
    /// What its clients call it.
    name: String,
    /// The language of its conversations: `en` or `es`.
    #[serde(default = "english")]
    locale: String,
    /// The region of telephone numbers written without a country, ISO 3166 alpha-2.
    #[serde(default = "united_states")]
    region: String,
    /// Sites that may embed the widget, e.g. `https://example.com`.
    #[serde(default)]
    allowed_origins: Vec<String>,
    /// The CSS colour of its pages.
    accent: Option<String>,
}

fn english() -> String {
    "en".to_owned()
}

fn united_states() -> String {
    "US".to_owned()
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrgView {
    /// Its id.
    id: String,
    /// What its clients call it.
    name: String,
    /// The language of its conversations.
    locale: String,
    /// The region of telephone numbers written without a country.
    region: String,
    /// Sites that may embed the widget.
    allowed_origins: Vec<String>,
}

impl From<Organisation> for OrgView {
    fn from(org: Organisation) -> Self {
        let Profile { name, locale, region, allowed_origins, theme: _ } = org.profile;
        Self { id: org.id.to_string(), name, locale, region, allowed_origins }
    }
}

/// Every organisation, oldest first.
#[utoipa::path(
    get, path = "/api/orgs", tag = "setup",
    params(("Authorization" = String, Header, description = "`Bearer` and the operator's key")),
    responses(
        (status = 200, body = Vec<OrgView>),
        (status = 401, body = ProblemBody, description = "unauthorized"),
    )
)]
pub async fn list(app: web::Data<Arc<App>>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    app.edge.check_operator(&request, &app.operator)?;
    let orgs: Vec<OrgView> = app.store.organisations().await?.into_iter().map(OrgView::from).collect();
    Ok(HttpResponse::Ok().json(orgs))
}

/// Makes an organisation, with a key of its own.
#[utoipa::path(
    post, path = "/api/orgs", tag = "setup", request_body = NewOrg,
    params(("Authorization" = String, Header, description = "`Bearer` and the operator's key")),
    responses(
        (status = 201, body = OrgView),
        (status = 400, body = ProblemBody, description = "malformed-request: `errors` says what to change"),
        (status = 401, body = ProblemBody, description = "unauthorized"),
    )
)]
pub async fn create(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Json<NewOrg>,
) -> Result<HttpResponse, Fault> {
    app.edge.check_operator(&request, &app.operator)?;
    let made = app.store.create_organisation(profile(body.into_inner())?).await?;
    Ok(HttpResponse::Created().json(OrgView::from(made)))
}

fn profile(new: NewOrg) -> Result<Profile, Fault> {
    let NewOrg { name, locale, region, allowed_origins, accent } = new;
    let mut mistakes = Mistakes::default();
    mistakes.note("name", text(&name, NAME_CHARS));
    let spoken = LOCALES.contains(&locale.as_str());
    mistakes.note("locale", if spoken { Ok(()) } else { Err(Wrong::OneOf("en, es")) });
    let short = region.len() == 2 && region.bytes().all(|b| b.is_ascii_uppercase());
    mistakes.note("region", if short { Ok(()) } else { Err(Wrong::Region) });
    mistakes.note("accent", accent.as_deref().map_or(Ok(()), |accent| text(accent, COLOUR_CHARS)));
    let few = if allowed_origins.len() > MOST_ORIGINS { Err(Wrong::TooMany(MOST_ORIGINS)) } else { Ok(()) };
    mistakes.note("allowed_origins", few);
    let mut origins = Vec::with_capacity(allowed_origins.len());
    for (at, origin) in allowed_origins.iter().enumerate() {
        match Origins::parse(origin) {
            Ok(read) => origins.extend(read),
            Err(_) => mistakes.note(format!("allowed_origins[{at}]"), Err(Wrong::Origin)),
        }
    }
    mistakes.none()?;
    let theme = accent.map_or_else(Theme::default, |accent| Theme { accent });
    Ok(Profile { name: name.trim().to_owned(), locale, region, allowed_origins: origins, theme })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: Value) -> Result<Profile, Fault> {
        profile(serde_json::from_value(body).expect("a body"))
    }

    #[test]
    fn a_name_is_enough() {
        let org = read(json!({ "name": " Bright Agency " })).expect("good");
        assert_eq!(
            (org.name.as_str(), org.locale.as_str(), org.region.as_str()),
            ("Bright Agency", "en", "US")
        );
    }

    #[test]
    fn sites_are_kept_as_browsers_name_them_and_wrong_members_are_named() {
        let sites = json!({ "name": "A", "allowed_origins": ["https://Example.com/"] });
        assert_eq!(read(sites).expect("good").allowed_origins, ["https://example.com"]);
        let wrong = json!({ "name": "", "locale": "fr", "region": "usa", "allowed_origins": ["example"] });
        let fault = read(wrong).expect_err("refused");
        assert_eq!(fault.members(), ["name", "locale", "region", "allowed_origins[0]"]);
    }
}
