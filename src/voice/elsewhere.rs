//! What happens by text or on the page while a call lasts that no actor of ours holds: a provider's, or one in documents. The
//! contact hears at once that it arrived, and the question that is asked now.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use usher_actors::{Subscription, Update};
use usher_channels::twilio::voice::calls::{CallChange, Instructions};
use usher_channels::vapi::client::Control;
use usher_conversation::catalogue::{Catalogue, Sentence};
use usher_conversation::flow::FieldId;
use usher_conversation::id::{CallId, OrgId};
use usher_conversation::journal::Turn;
use usher_conversation::session::{Event, SessionMeta, SessionState};
use usher_conversation::voice::{CallNews, briefing};

use super::{Call, VoiceProfile, persona};
use crate::app::App;
use crate::inbound::Naming;
use crate::web::Fault;

/// A watch that ended is begun anew after so long.
const AGAIN_MILLIS: i64 = 1_000;

/// The calls that are followed on this node.
#[derive(Default)]
pub(super) struct Followed(Arc<Mutex<HashSet<CallId>>>);

/// A call is not followed any more when this is dropped.
struct Place(Arc<Mutex<HashSet<CallId>>>, CallId);

impl Followed {
    /// `None` for a call that is followed already.
    fn enter(&self, call: &CallId) -> Option<Place> {
        let new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(call.clone());
        new.then(|| Place(Arc::clone(&self.0), call.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// What the contact hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) words: String,
    /// Nothing is left to say after it.
    pub(super) over: bool,
}

impl Said {
    /// That something arrived, and what is asked now.
    pub(super) fn about(
        meta: &SessionMeta,
        state: &SessionState,
        profile: &VoiceProfile,
        call: &CallId,
    ) -> Self {
        let line = |sentence| Catalogue::of(&meta.locale).say(sentence, &[]);
        if state.is_opted_out() {
            return Self { words: line(Sentence::CallGoodbye), over: true };
        }
        let opening = briefing(meta, state, &persona(profile), call);
        let question = opening.variables.get("pending_question").and_then(|question| question.as_str());
        let question = question.filter(|question| !question.is_empty());
        let next = question.map_or_else(|| line(Sentence::CallGoodbye), str::to_owned);
        Self { words: format!("{} {next}", line(Sentence::CallTexted)), over: question.is_none() }
    }
}

/// What a session asks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    field: Option<FieldId>,
    confirming: bool,
}

impl Asked {
    fn by(state: &SessionState) -> Self {
        Self { field: state.pending().cloned(), confirming: state.confirmation().is_some() }
    }
}

/// Something of which the contact should hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Another question is asked now, or none.
    MovedOn,
    /// The call is over.
    Over,
}

/// What a turn of the session means for a call; `before` is what was asked then.
fn news_of(call: &CallId, turn: &Turn, before: &Asked, after: &SessionState) -> Option<News> {
    let ended =
        |event: &Event| matches!(event, Event::Call { call: of, news: CallNews::Ended { .. } } if of == call);
    if turn.events.iter().any(ended) {
        return Some(News::Over);
    }
    let own = turn.dedup.as_deref().is_some_and(|key| key.starts_with(&format!("call:{call}:")));
    let moved = *before != Asked::by(after) || turn.withdraws_consent();
    (moved && !own).then_some(News::MovedOn)
}

/// Watches the session of a call.
pub(super) struct Watch {
    app: Arc<App>,
    org: OrgId,
    call: Call,
    subscription: Option<Subscription>,
    /// The last turn that was seen, and what was asked after it.
    seen: Option<(u64, Asked)>,
}

impl Watch {
    pub(super) const fn new(app: Arc<App>, org: OrgId, call: Call) -> Self {
        Self { app, org, call, subscription: None, seen: None }
    }

    /// The next news. May be dropped and called again.
    pub(super) async fn next(&mut self) -> News {
        loop {
            let Some(subscription) = &mut self.subscription else {
                let since = self.seen.as_ref().map_or(u64::MAX, |(turn, _)| *turn);
                match self.app.runtime.subscribe(&self.org, &self.call.session, since).await {
                    Ok(subscription) => {
                        let head = subscription.head();
                        self.seen.get_or_insert_with(|| (head.seq(), Asked::by(head)));
                        self.subscription = Some(subscription);
                    }
                    Err(_) => self.pause().await,
                }
                continue;
            };
            let Update::Turn(published) = subscription.next().await else {
                self.subscription = None;
                self.pause().await;
                continue;
            };
            let (turn, state) = (&published.turn, &published.state);
            subscription.acker().ack(turn.seq);
            let now = (turn.seq, Asked::by(state));
            let Some((_, before)) = self.seen.replace(now) else { continue };
            if let Some(news) = news_of(&self.call.id, turn, &before, state) {
                return news;
            }
        }
    }

    async fn pause(&self) {
        self.app.voice.node.alarm.until(self.app.clock.now().plus_millis(AGAIN_MILLIS)).await;
    }

    /// What the contact hears of it.
    pub(super) async fn said(&self, profile: &VoiceProfile) -> Result<Said, Fault> {
        let now = self.app.runtime.read(&self.org, &self.call.session).await?;
        Ok(Said::about(&now.meta, &now.state, profile, &self.call.id))
    }
}

/// Follows a call that is held in documents: the carrier is sent to the document that says so.
pub(super) fn follow_documents(app: &Arc<App>, org: &OrgId, call: &Call) {
    follow(app, org, call, async |watch: &Watch| {
        // With a person, or at another node, it is none of ours.
        if !watch.app.voice.keeps_line(&watch.call.id) {
            return Ok(());
        }
        let number = watch.call.line.as_deref().and_then(Naming::number);
        let (Some(naming), Some(sid)) = (number, watch.call.vendor_call.as_deref()) else { return Ok(()) };
        let app = &watch.app;
        let Some(line) = app.inbound.directory.line(&app.store, &naming).await? else { return Ok(()) };
        let told = app.voice.urls.of("/told", &watch.call);
        let change = CallChange::Redirect(Instructions::Url(&told));
        if let Err(error) = app.twilio.change_call(&line.credentials, sid, change).await {
            tracing::warn!(call = %watch.call.id, %error, "a contact hears of a text at their next turn only");
        }
        Ok(())
    });
}

/// Follows a call of Vapi's, which is told what to say at its own address.
pub(super) fn follow_vapi(app: &Arc<App>, org: &OrgId, call: &Call, control: &str) {
    let control = control.to_owned();
    follow(app, org, call, async move |watch: &Watch| {
        let settings = watch.app.voice.settings_of(&watch.org).await?;
        let Said { words, over } = watch.said(&settings.profile).await?;
        let say = Control::Say { content: &words, end_call_after_spoken: over };
        if let Err(error) = watch.app.voice.peers.vapi.control(&control, &say).await {
            tracing::warn!(call = %watch.call.id, %error, "a contact hears of a text at their next turn only");
        }
        Ok(())
    });
}

/// Follows a call, once, until it is over or the server stops; `tell` lets the contact hear of news.
fn follow<T>(app: &Arc<App>, org: &OrgId, call: &Call, tell: T)
where
    T: AsyncFn(&Watch) -> Result<(), Fault> + 'static,
{
    let Some(place) = app.voice.followed.enter(&call.id) else { return };
    let mut watch = Watch::new(Arc::clone(app), org.clone(), call.clone());
    let lifecycle = app.lifecycle.clone();
    actix_web::rt::spawn(async move {
        let _place = place;
        let following = async {
            while watch.next().await == News::MovedOn {
                if let Err(error) = tell(&watch).await {
                    tracing::warn!(call = %watch.call.id, %error, "a call could not be told of a text");
                }
            }
        };
        tokio::select! {
            () = following => {}
            () = lifecycle.stopped() => {}
        }
    });
}
