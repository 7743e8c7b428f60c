//! What a client does on a page: the widget's API, its socket, uploads and the hosted page.

pub mod page;
pub mod routes;
pub mod sniff;
pub mod socket;
pub(crate) mod store;
pub mod upload;
pub mod view;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use store::{Door, NewSession, Opened};

use actix_web::HttpRequest;
use moka::sync::Cache;
use usher_actors::RuntimeError;
use usher_conversation::channel::Channel;
use usher_conversation::id::{OrgId, PackageId, SessionId};
use usher_conversation::problem::Problem;
use usher_conversation::session::Origin;
use usher_conversation::time::Timestamp;

use crate::app::App;
use crate::catalog::Service;
use crate::tenancy::Organisation;
use crate::web::address::limit_key;
use crate::web::turnstile::{Pass, Turnstile};
use crate::web::{Fault, edge, origin};

/// Path of uploads, whose bodies are larger than others.
pub const UPLOAD_PATH: &str = "/api/widget/upload";
/// A link's session never changes, and an ended link may live so much longer.
const REMEMBER_KEYS: Duration = Duration::from_mins(1);
/// Changed settings of an organisation, and changed services, are seen after so long.
const REMEMBER_ORGS: Duration = Duration::from_secs(30);
const REMEMBERED: u64 = 100_000;
const REMEMBERED_PACKAGES: u64 = 10_000;
/// Uploads are held in memory while they arrive: so many at one time,
const UPLOADS_AT_ONCE: usize = 32;
/// of one organisation's clients,
const UPLOADS_OF_ORG: usize = 16;
/// of one address, behind which there may be an office,
const UPLOADS_OF_ADDRESS: usize = 6;
/// and of one session.
const UPLOADS_OF_SESSION: usize = 3;
/// Pages of one session that may be open at one time.
const PAGES_OF_SESSION: usize = 256;
/// Pages of one server: each costs memory, and a file of the system.
const PAGES: usize = 100_000;
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// What the widget's API remembers between requests.
pub struct Onboarding {
    sessions: Cache<Box<str>, Arc<Door>>,
    orgs: Cache<OrgId, Arc<Organisation>>,
    packages: Cache<(OrgId, PackageId), Arc<[Service]>>,
    uploads: Gate,
    pages: Gate,
}

/// Places at one time: of the server, an organisation, an address and a session.
struct Gate {
    server: Arc<Turnstile<()>>,
    org: Arc<Turnstile<OrgId>>,
    address: Arc<Turnstile<IpAddr>>,
    session: Arc<Turnstile<SessionId>>,
}

/// A place in each.
pub struct Places {
    _server: Pass<()>,
    _org: Pass<OrgId>,
    _address: Pass<IpAddr>,
    _session: Pass<SessionId>,
}

impl Gate {
    fn new(server: usize, org: usize, address: usize, session: usize) -> Self {
        Self {
            server: Turnstile::new(server),
            org: Turnstile::new(org),
            address: Turnstile::new(address),
            session: Turnstile::new(session),
        }
    }

    fn enter(&self, admitted: &Admitted, address: IpAddr) -> Option<Places> {
        Some(Places {
            _session: self.session.enter(admitted.session.clone())?,
            _address: self.address.enter(limit_key(address))?,
            _org: self.org.enter(admitted.org.id.clone())?,
            _server: self.server.enter(())?,
        })
    }
}

impl Onboarding {
    /// A place for an upload.
    ///
    /// # Errors
    /// [`Problem::Overloaded`] when they are taken.
    pub fn upload(&self, admitted: &Admitted, address: IpAddr) -> Result<Places, Fault> {
        self.uploads
            .enter(admitted, address)
            .ok_or_else(|| Fault::new(Problem::Overloaded, "Too many uploads are under way.").retry_after(3))
    }

    /// A place for a page that follows its session.
    ///
    /// # Errors
    /// [`Problem::Overloaded`] when they are taken.
    pub fn page(&self, admitted: &Admitted, address: IpAddr) -> Result<Places, Fault> {
        self.pages
            .enter(admitted, address)
            .ok_or_else(|| Fault::new(Problem::Overloaded, "Too many pages are open.").retry_after(30))
    }
}

impl Default for Onboarding {
    fn default() -> Self {
        Self {
            sessions: Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBER_KEYS).build(),
            orgs: Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBER_ORGS).build(),
            packages: Cache::builder().max_capacity(REMEMBERED_PACKAGES).time_to_live(REMEMBER_ORGS).build(),
            uploads: Gate::new(UPLOADS_AT_ONCE, UPLOADS_OF_ORG, UPLOADS_OF_ADDRESS, UPLOADS_OF_SESSION),
            // Whole companies sit behind one address, and a proxy of ours may not be known as one.
            pages: Gate::new(PAGES, PAGES, PAGES, PAGES_OF_SESSION),
        }
    }
}

/// A request that proved it may use this session.
pub struct Admitted {
    /// The tenant.
    pub org: Arc<Organisation>,
    /// The session.
    pub session: SessionId,
    /// What was bought.
    package: Option<PackageId>,
}

/// Finds the session that `key` (its id, or a resume link's token) opens, checks the calling page, and counts the
/// request.
///
/// # Errors
/// [`Problem::UnknownSession`], [`Problem::OriginNotAllowed`], [`Problem::RateLimited`] or a failed store.
pub async fn admit(app: &App, request: &HttpRequest, key: &str) -> Result<Admitted, Fault> {
    let door = find(app, key).await?;
    let Door { org, session, package } = door.as_ref();
    let org = organisation(app, org).await?;
    origin::check(request, &app.public, &app.settings.allowed_origins, &org.allowed_origins)?;
    app.edge.limits().check_org(&org.id)?;
    edge::concerns(request, &org.id, session);
    Ok(Admitted { org, session: session.clone(), package: package.clone() })
}

async fn find(app: &App, key: &str) -> Result<Arc<Door>, Fault> {
    if let Some(found) = app.onboarding.sessions.get(key) {
        return Ok(found);
    }
    let unknown = || Fault::new(Problem::UnknownSession, "There is no such session, or its link has ended.");
    let found = if let Ok(session) = key.parse::<SessionId>() {
        app.store.live_session(&session, links_live_since(app)).await?
    } else if is_link(key) {
        app.store.session_of_link(key, links_live_since(app)).await?
    } else {
        None
    };
    let found = Arc::new(found.ok_or_else(unknown)?);
    app.onboarding.sessions.insert(key.into(), Arc::clone(&found));
    Ok(found)
}

/// Links of sessions that rested since before then have ended.
fn links_live_since(app: &App) -> Timestamp {
    match i64::from(app.settings.link_days) {
        0 => Timestamp::from_millis(0),
        days => app.clock.now().plus_millis(-days * DAY_MILLIS),
    }
}

async fn organisation(app: &App, org: &OrgId) -> Result<Arc<Organisation>, Fault> {
    if let Some(found) = app.onboarding.orgs.get(org) {
        return Ok(found);
    }
    let found = app.store.organisation(org).await?.map(Arc::new);
    let found = found.ok_or_else(|| Fault::internal("a session's organisation is missing"))?;
    app.onboarding.orgs.insert(org.clone(), Arc::clone(&found));
    Ok(found)
}

/// What the session's client bought, in order.
async fn services(app: &App, admitted: &Admitted) -> Result<Arc<[Service]>, Fault> {
    let Some(package) = &admitted.package else { return Ok(Arc::default()) };
    let key = (admitted.org.id.clone(), package.clone());
    if let Some(found) = app.onboarding.packages.get(&key) {
        return Ok(found);
    }
    let found: Arc<[Service]> = app.store.services_of_package(&key.0, package).await?.into();
    app.onboarding.packages.insert(key, Arc::clone(&found));
    Ok(found)
}

/// Whether text has the form of a resume link's token.
pub fn is_link(text: &str) -> bool {
    text.strip_prefix("lnk_").is_some_and(|body| {
        (16..=60).contains(&body.len()) && body.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

/// Where everything entered on a page comes from.
pub const fn from_widget() -> Origin {
    Origin { channel: Channel::Widget, address: String::new(), line: None }
}

impl From<RuntimeError> for Fault {
    fn from(error: RuntimeError) -> Self {
        let fault = match &error {
            RuntimeError::Store(store) => return store.clone().into(),
            RuntimeError::UnknownSession => "There is no such session.",
            RuntimeError::SessionBusy => "This session has too many inputs waiting.",
            RuntimeError::Overloaded => "The server has too much work waiting.",
            RuntimeError::ShuttingDown => "The server is restarting.",
            RuntimeError::Failed => return Self::internal(error),
        };
        let fault = Self::new(error.problem(), fault);
        match error.retry_after() {
            Some(pause) => fault.retry_after(pause.as_secs()),
            None => fault,
        }
    }
}
