//! `/ws/widget`: a page follows its session.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use usher_actors::{Published, Subscription};
use usher_channels::widget::ServerFrame;

use super::{admit, view};
use crate::app::App;
use crate::web::{Fault, socket};

/// Query of the handshake.
#[derive(Debug, Deserialize)]
pub struct Follow {
    session: String,
    #[serde(default)]
    since: u64,
}

/// Opens the socket: `hello`, then every turn after `since`.
pub async fn open(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    query: web::Query<Follow>,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let admitted = admit(&app, &request, &query.session).await?;
    let places = app.onboarding.page(&admitted, app.edge.caller(&request))?;
    let subscription = app.runtime.subscribe(&admitted.org.id, &admitted.session, query.since).await?;
    socket::follow(&request, payload, subscription, places, frame)
}

/// A turn for the wire; made once, however many pages follow.
fn frame(subscription: &Subscription, published: &Published) -> String {
    let render = |published: &Published| {
        let frame = ServerFrame::Turn {
            seq: published.turn.seq,
            view: Box::new(view::live(subscription.meta(), &published.state)),
            transcript: view::lines(&published.turn),
        };
        serde_json::to_string(&frame).expect("frames are strings, numbers and lists")
    };
    published.rendered(render).to_owned()
}
