//! Sockets, by `actix-web-actors`: the only module that knows that crate.
//!
//! Its actor freezes while a client does not read. The damage is bounded from outside: the hub hands out a window of
//! turns and no more until they are acknowledged, frames from the client are small, and the system ends a connection
//! whose peer takes no bytes (`TCP_USER_TIMEOUT`, set where connections are accepted).

use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, AsyncContext, StreamHandler};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{
    CloseCode, CloseReason, Message, ProtocolError, WebsocketContext, WsResponseBuilder,
};
use futures_util::stream;
use usher_actors::{Acker, Subscription, Update};
use usher_channels::widget::{ClientFrame, ClosingReason, MAX_CLIENT_FRAME_BYTES, ServerFrame};
use usher_conversation::problem::Problem;

use super::Fault;

/// The server asks for a sign of life so often.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// A browser that gave none for so long is gone.
const PATIENCE: Duration = Duration::from_mins(1);

/// Turns a request into a socket that follows a session; `held` is dropped when it ends.
///
/// # Errors
/// [`Problem::MalformedRequest`] for a request that is no WebSocket handshake.
pub fn follow(
    request: &HttpRequest,
    payload: web::Payload,
    subscription: Subscription,
    held: impl Unpin + 'static,
    render: fn(&Subscription, &usher_actors::Published) -> String,
) -> Result<HttpResponse, Fault> {
    let acker = subscription.acker();
    let watcher =
        Watcher { subscription: Some(subscription), acker, heard: Instant::now(), render, _held: held };
    WsResponseBuilder::new(watcher, request, payload).frame_size(MAX_CLIENT_FRAME_BYTES).start().map_err(
        |error| Fault::new(Problem::MalformedRequest, format!("This is no WebSocket handshake: {error}")),
    )
}

/// One browser that follows one session.
struct Watcher<H> {
    /// Here until the actor starts and makes a stream of it.
    subscription: Option<Subscription>,
    acker: Acker,
    heard: Instant,
    render: fn(&Subscription, &usher_actors::Published) -> String,
    _held: H,
}

/// What the subscription says next, ready for the wire.
enum Next {
    Turn(String),
    Closing(ClosingReason),
}

impl<H: Unpin + 'static> Actor for Watcher<H> {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(subscription) = self.subscription.take() else { return ctx.stop() };
        send(ctx, &ServerFrame::Hello { seq: subscription.head().seq() });
        let render = self.render;
        ctx.add_stream(stream::unfold(Some(subscription), move |subscription| async move {
            let mut subscription = subscription?;
            match subscription.next().await {
                Update::Turn(published) => {
                    let text = render(&subscription, &published);
                    Some((Next::Turn(text), Some(subscription)))
                }
                Update::Closing(reason) => Some((Next::Closing(closing(reason)), None)),
            }
        }));
        ctx.run_interval(HEARTBEAT, |watcher, ctx| {
            if watcher.heard.elapsed() > PATIENCE {
                ctx.stop();
            } else {
                ctx.ping(b"");
            }
        });
    }
}

impl<H: Unpin + 'static> StreamHandler<Next> for Watcher<H> {
    fn handle(&mut self, next: Next, ctx: &mut Self::Context) {
        match next {
            Next::Turn(text) => ctx.text(text),
            Next::Closing(reason) => {
                send(ctx, &ServerFrame::Closing { reason });
                let code = match reason {
                    ClosingReason::Restart => CloseCode::Restart,
                    ClosingReason::Slow => CloseCode::Policy,
                };
                ctx.close(Some(CloseReason::from(code)));
                ctx.stop();
            }
        }
    }
}

impl<H: Unpin + 'static> StreamHandler<Result<Message, ProtocolError>> for Watcher<H> {
    fn handle(&mut self, message: Result<Message, ProtocolError>, ctx: &mut Self::Context) {
        self.heard = Instant::now();
        match message {
            Ok(Message::Text(text)) => match serde_json::from_str(&text) {
                Ok(ClientFrame::Ack { seq }) => self.acker.ack(seq),
                Ok(ClientFrame::Ping) => send(ctx, &ServerFrame::Pong),
                Err(_) => refuse(ctx, CloseCode::Invalid),
            },
            Ok(Message::Ping(bytes)) => ctx.pong(&bytes),
            Ok(Message::Pong(_) | Message::Nop) => {}
            Ok(Message::Binary(_) | Message::Continuation(_)) => refuse(ctx, CloseCode::Unsupported),
            Ok(Message::Close(reason)) => {
                ctx.close(reason);
                ctx.stop();
            }
            Err(ProtocolError::Overflow) => refuse(ctx, CloseCode::Size),
            Err(_) => refuse(ctx, CloseCode::Protocol),
        }
    }

    /// The client is gone.
    fn finished(&mut self, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

fn refuse<A: Actor<Context = WebsocketContext<A>>>(ctx: &mut WebsocketContext<A>, code: CloseCode) {
    ctx.close(Some(CloseReason::from(code)));
    ctx.stop();
}

fn send<A: Actor<Context = WebsocketContext<A>>>(ctx: &mut WebsocketContext<A>, frame: &ServerFrame) {
    ctx.text(serde_json::to_string(frame).expect("frames are strings, numbers and lists"));
}

const fn closing(reason: usher_actors::CloseReason) -> ClosingReason {
    match reason {
        usher_actors::CloseReason::Restart => ClosingReason::Restart,
        usher_actors::CloseReason::Slow => ClosingReason::Slow,
    }
}
