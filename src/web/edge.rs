//! The one middleware: correlation id, log span, rate limit per address, problems, security headers and metrics.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::{JsonPayloadError, PathError, PayloadError, QueryPayloadError};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest};
use secrecy::SecretString;
use tracing::{Instrument, Span, field};
use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::ports::Entropy;
use usher_conversation::problem::Problem;

use super::correlation::{self, CorrelationId};
use super::limits::Limits;
use super::route::Route;
use super::{Fault, address, body, headers, operator, origin, page};
use crate::config::{Settings, TrustedProxies};
use crate::onboarding::UPLOAD_PATH;

/// What the middleware needs to know.
pub struct Edge {
    limits: Limits,
    trusted: TrustedProxies,
    entropy: Arc<dyn Entropy>,
    https: bool,
    unmatched: Route,
    largest_body: u64,
    largest_upload: u64,
}

impl Edge {
    /// The edge the settings ask for; `https` when the public address is one.
    pub fn new(settings: &Settings, https: bool, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            limits: Limits::new(settings),
            trusted: settings.trusted_proxies.clone(),
            entropy,
            https,
            unmatched: Route::new("unmatched", ""),
            largest_body: settings.body_limit as u64,
            largest_upload: settings.upload_limit,
        }
    }

    /// The rate limits, for the routes that count per organisation.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The caller's address.
    pub fn caller(&self, request: &HttpRequest) -> IpAddr {
        address::caller(request.peer_addr().map(|peer| peer.ip()), request.headers(), &self.trusted)
    }

    /// Whether a request may cost us something before it has proved who sends it.
    ///
    /// # Errors
    /// [`Problem::RateLimited`] when its address failed to do so too often.
    pub fn check_unproved(&self, request: &HttpRequest) -> Result<(), Fault> {
        self.limits.check_unproved(self.caller(request))
    }

    /// Whether a request carries the operator's key.
    ///
    /// # Errors
    /// [`Problem::Unauthorized`], or [`Problem::RateLimited`] for an address that tries many keys.
    pub fn check_operator(&self, request: &HttpRequest, key: &SecretString) -> Result<(), Fault> {
        self.check_unproved(request)?;
        operator::check(key, request.headers())
    }
}

/// Passes a request through the edge.
///
/// # Errors
/// None of its own: whatever fails in a route leaves as a problem.
pub async fn pass<B: MessageBody + 'static>(
    edge: Arc<Edge>,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let started = Instant::now();
    let correlation = CorrelationId::of(request.headers(), edge.entropy.as_ref());
    let span = tracing::info_span!(
        "request",
        correlation_id = correlation.as_str(),
        org_id = field::Empty,
        session_id = field::Empty,
    );
    request.extensions_mut().insert(RequestSpan(span.clone()));
    let uploads = request.path() == UPLOAD_PATH;
    body::hurry(&mut request, if uploads { edge.largest_upload } else { edge.largest_body });
    let for_person = page::wanted(request.headers());

    let mut response = match refused_early(&edge, &request) {
        Some(Early::Preflight(response)) => request.into_response(response).map_into_right_body(),
        Some(Early::Fault(fault)) => {
            request.into_response(fault.response(&correlation, for_person)).map_into_right_body()
        }
        // Routes answer their errors themselves; only another middleware could fail here, and there is none.
        None => {
            let response = next.call(request).instrument(span.clone()).await?;
            if is_unproved(&response) {
                edge.limits.failed(edge.caller(response.request()));
            }
            with_problem(response, &correlation, for_person)
        }
    };

    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Some(allow) = response.request().app_data::<Route>().map(Route::allow)
    {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    origin::expose(&mut response);
    headers::secure(response.headers_mut(), edge.https);
    response.headers_mut().insert(correlation::HEADER, correlation.header_value());
    span.in_scope(|| record(&response, &edge, started));
    Ok(response)
}

enum Early {
    Preflight(actix_web::HttpResponse),
    Fault(Fault),
}

/// Preflights, and callers that ask too often. Vendors' webhooks are authenticated and bounded by admission instead:
/// all of a vendor's traffic comes from a few addresses.
fn refused_early(edge: &Edge, request: &ServiceRequest) -> Option<Early> {
    let path = request.path();
    if let Some(response) = origin::preflight(request.headers(), request.method(), path) {
        return Some(Early::Preflight(response));
    }
    let limited = path.starts_with(origin::API_PREFIX) || path.starts_with("/s/") || path.starts_with("/ws/");
    if !limited {
        return None;
    }
    let peer = request.peer_addr().map(|peer| peer.ip());
    let caller = address::caller(peer, request.headers(), &edge.trusted);
    edge.limits.check_address(caller).err().map(Early::Fault)
}

/// Whether a request was refused because it could not prove who sends it.
fn is_unproved<B>(response: &ServiceResponse<B>) -> bool {
    let fault = response.response().error().and_then(|error| error.as_error::<Fault>());
    fault.is_some_and(|fault| matches!(fault.problem(), Problem::InvalidSignature | Problem::Unauthorized))
}

/// Gives an error response its problem body.
fn with_problem<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
    correlation: &CorrelationId,
    for_person: bool,
) -> ServiceResponse<EitherBody<B, BoxBody>> {
    let fault = match response.response().error() {
        Some(error) => fault_of(error),
        None => return response.map_into_left_body(),
    };
    response.into_response(fault.response(correlation, for_person)).map_into_right_body()
}

/// The problem an error of a route or of actix's extractors stands for.
fn fault_of(error: &Error) -> Fault {
    if let Some(fault) = error.as_error::<Fault>() {
        return fault.clone();
    }
    let malformed = |detail: String| Fault::new(Problem::MalformedRequest, detail);
    if let Some(error) = error.as_error::<JsonPayloadError>() {
        return match error {
            JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => too_large(),
            JsonPayloadError::ContentType => {
                malformed("Send JSON, with the header `content-type: application/json`.".to_owned())
            }
            JsonPayloadError::Deserialize(wrong) => malformed(format!("The JSON cannot be used: {wrong}")),
            JsonPayloadError::Payload(error) => unfinished(error),
            other => malformed(other.to_string()),
        };
    }
    if let Some(error) = error.as_error::<PayloadError>() {
        return unfinished(error);
    }
    if error.as_error::<QueryPayloadError>().is_some() || error.as_error::<PathError>().is_some() {
        return malformed(error.to_string());
    }
    match error.as_response_error().status_code() {
        StatusCode::NOT_FOUND => Fault::new(Problem::NotFound, "There is nothing at this address."),
        StatusCode::METHOD_NOT_ALLOWED => {
            Fault::new(Problem::MethodNotAllowed, "This method is not supported here.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        status if status.is_client_error() => malformed(error.to_string()),
        _ => Fault::internal(error),
    }
}

/// A body that could not be read to its end.
pub fn unfinished(error: &PayloadError) -> Fault {
    match error {
        PayloadError::Overflow => too_large(),
        error if body::is_late(error) => Fault::new(
            Problem::RequestTimeout,
            "The body did not arrive in time. Please send the request again.",
        ),
        _ => Fault::new(
            Problem::MalformedRequest,
            "The body ended early, or is not framed as its headers say.",
        ),
    }
}

fn too_large() -> Fault {
    Fault::new(Problem::BodyTooLarge, "The body is larger than this route accepts.")
}

/// The span of a request, for the routes that learn whom it concerns.
struct RequestSpan(Span);

/// Names the organisation and session in the log lines of this request.
pub fn concerns(request: &HttpRequest, org: &OrgId, session: &SessionId) {
    if let Some(RequestSpan(span)) = request.extensions().get::<RequestSpan>() {
        // Together: the log's formatter reads and writes all fields of a span for every record.
        tracing::record_all!(span, org_id = org.as_str(), session_id = session.as_str());
    }
}

/// One counted and, when it went wrong, logged line. The route's pattern is named, never the path: paths hold links.
fn record<B>(response: &ServiceResponse<B>, edge: &Edge, started: Instant) {
    let route = response.request().app_data::<Route>().unwrap_or(&edge.unmatched);
    let status = response.status();
    let elapsed = started.elapsed();
    route.measure(status, elapsed);
    let route = route.pattern();
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let status = status.as_u16();
    match status {
        500.. => tracing::warn!(route, status, millis, "failed"),
        // Counted above; who floods us must not fill the log.
        401 | 403 | 429 => tracing::debug!(route, status, millis, "refused"),
        400..500 => tracing::info!(route, status, millis, "refused"),
        _ => tracing::debug!(route, status, millis, "served"),
    }
}

/// Answers what no route answers.
///
/// # Errors
/// Always [`Problem::NotFound`].
pub async fn not_found() -> Result<actix_web::HttpResponse, Fault> {
    Err(Fault::new(Problem::NotFound, "There is nothing at this address."))
}

/// Answers a known path called with another method.
///
/// # Errors
/// Always [`Problem::MethodNotAllowed`].
pub async fn method_not_allowed() -> Result<actix_web::HttpResponse, Fault> {
    Err(Fault::new(Problem::MethodNotAllowed, "This method is not supported here."))
}
