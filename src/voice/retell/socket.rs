//! `/api/voice/retell/llm/{secret}/{call}`: the words of one call.
//!
//! Retell asks with the whole conversation so far, and listens only to the answer of its newest question. Questions are
//! answered one after the other, because each is a turn of the session; of those that wait only the newest is kept, and
//! an answer that is not the newest's any more is not sent.

use std::sync::Arc;
use std::time::Duration;

use actix_http::ws::CloseCode;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use usher_actors::voice::Line;
use usher_channels::retell::frame::{
    Config, MAX_FRAME_BYTES, Request, Response, Turn, Turntaking, UNINTELLIGIBLE, Words, heard,
};
use usher_conversation::id::OrgId;
use usher_conversation::problem::Problem;
use usher_conversation::voice::CallEnd;

use super::told;
use crate::app::App;
use crate::voice::door::admit;
use crate::voice::elsewhere::{News, Watch};
use crate::voice::peers::calls::{answered, known, over};
use crate::voice::peers::refused;
use crate::voice::peers::turns::{Heard, LastTurn, Spoken, Talk, Then, unheard};
use crate::voice::routes::end;
use crate::voice::spoken::Tongue;
use crate::voice::{Call, Provider, VoiceSettings};
use crate::web::duplex::{self, Broken, Frame, Incoming, Outgoing};
use crate::web::{Fault, edge};

/// Retell says in this time which call it is, or is asked by its API.
const INTRODUCTION: Duration = Duration::from_secs(5);
/// A call whose socket broke and did not come back in this time is over. Retell tries for less.
const RETURN_MILLIS: i64 = 45_000;
/// The longest id of a call that is looked for.
const LONGEST_ID: usize = 128;

/// Opens the socket.
///
/// # Errors
/// When the secret is nobody's, or the server stops.
pub async fn open(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let (secret, id) = path.into_inner();
    let org = app.store.org_of_door(Provider::Retell, &secret.into()).await?;
    let org = org.ok_or_else(|| refused("the secret of a socket is nobody's"))?;
    if id.len() > LONGEST_ID {
        return Err(Fault::new(Problem::MalformedRequest, "This is no call of Retell's."));
    }
    if app.lifecycle.is_draining() {
        return Err(Fault::new(Problem::ShuttingDown, "The server stops. Please connect again."));
    }
    let settings = app.voice.settings_of(&org).await?;
    let known = app.store.call_of_vendor(&org, &id).await?;
    if let Some(call) = &known {
        edge::concerns(&request, &org, &call.session);
    }
    let (response, incoming, outgoing) = duplex::accept(&request, payload, MAX_FRAME_BYTES)?;
    let socket = Socket { app: Arc::clone(&app), org, settings, outgoing, text: String::new() };
    actix_web::rt::spawn(socket.hold(id, known, incoming));
    Ok(response)
}

/// The way to Retell, and whose call it is.
struct Socket {
    app: Arc<App>,
    org: OrgId,
    settings: Arc<VoiceSettings>,
    outgoing: Outgoing,
    /// Kept between frames for its memory only.
    text: String,
}

/// How a socket ended.
enum Left {
    /// Closed in order: the call is over.
    Closed,
    /// Broken: Retell comes back.
    Lost,
    /// The server stops: Retell finds another node.
    Stopping,
}

/// The goodbye that nobody asked for is heard in this time.
const GOODBYE_MILLIS: i64 = 20_000;

/// A question of Retell's.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    id: u64,
    heard: Heard,
}

impl Question {
    /// The question to answer after one that still `waits`. One without words only presses for the answer: it must not
    /// take the words' place.
    fn next(waits: Option<Self>, id: u64, heard: Heard) -> Self {
        match waits {
            Some(before) if heard.words.is_none() && before.heard.words.is_some() => Self { id, ..before },
            _ => Self { id, heard },
        }
    }
}

impl Socket {
    async fn hold(mut self, id: String, known: Option<Call>, mut incoming: Incoming) {
        let config = Config { auto_reconnect: true, call_details: true, ..Config::default() };
        self.send(&Response::Config { config });
        let taken = match self.identify(&id, known, &mut incoming).await {
            Ok(call) => self.take(call).await,
            Err(error) => Err(error),
        };
        let (call, line) = match taken {
            Ok(Some(taken)) => taken,
            // What the caller had to hear was said; Retell closes when it was heard.
            Ok(None) => return self.wait_for_the_end(incoming).await,
            Err(error) => {
                tracing::warn!(%error, "a provider's socket was turned away");
                return self.outgoing.close(CloseCode::Policy);
            }
        };
        let left = self.converse(&call, &mut incoming).await;
        let done = match left {
            Left::Closed => self.closed(&call).await,
            Left::Stopping => {
                // A close in order would hang up; after this one Retell connects again.
                self.outgoing.close(CloseCode::Restart);
                Ok(())
            }
            Left::Lost => self.lost(&call).await,
        };
        if let Err(error) = done {
            tracing::error!(call = %call.id, %error, "the end of a call could not be recorded");
        }
        drop::<Option<Line>>(line);
    }

    /// The record of the call: known already, or told by Retell's first frame, or by its API.
    async fn identify(
        &mut self,
        id: &str,
        known_call: Option<Call>,
        incoming: &mut Incoming,
    ) -> Result<Call, Fault> {
        if let Some(call) = known_call {
            return Ok(call);
        }
        let details = tokio::time::timeout(INTRODUCTION, self.details(incoming)).await.ok().flatten();
        let details = match details {
            Some(details) if details.call_id == id => *details,
            Some(_) => return Err(refused("a socket tells of another call")),
            None => {
                let key = self.settings.api_key.as_ref().ok_or_else(|| refused("a call nobody knows"))?;
                let found = self.app.voice.peers.retell.call(key, id).await;
                found.map_err(|_unknown| refused("a call that Retell does not know"))?
            }
        };
        known(&self.app, &self.org, &told(&details)).await
    }

    async fn details(&mut self, incoming: &mut Incoming) -> Option<Box<usher_channels::retell::Call>> {
        loop {
            match read(incoming.next().await?.ok()?) {
                Some(Request::CallDetails { call }) => return Some(call),
                Some(Request::PingPong { timestamp }) => self.send(&Response::PingPong { timestamp }),
                _ => {}
            }
        }
    }

    /// Takes the call up and greets; `None` when the caller is only told that they cannot be put through.
    async fn take(&mut self, call: Call) -> Result<Option<(Call, Option<Line>)>, Fault> {
        let (app, org) = (Arc::clone(&self.app), self.org.clone());
        let line = match admit(&app, &org, &call, &self.settings) {
            Ok(line) => Some(line),
            // Who was put through before the socket was lost stays so, whatever the hour and however full it is.
            Err(_) if call.attachments > 0 => None,
            Err(why) => {
                let words = why.words(&Tongue::of(&app, &org, &call).await?, &self.settings.profile);
                self.say(0, Spoken { words, then: Then::HangUp }, true);
                end(&app, &org, &call, why.end()).await?;
                return Ok(None);
            }
        };
        answered(&app, &org, &call).await?;
        let call = app.store.attach_call(&org, &call.id).await?;
        let call = call.ok_or_else(|| refused("a call that is over"))?;
        let opening = self.talk(&app, &org, &call).begin().await?;
        // Who was there before the socket was lost is not greeted twice.
        let first = call.attachments <= 1;
        let words = opening.first_message.filter(|_| first).unwrap_or_default();
        self.say(0, Spoken { words, then: Then::Listen }, first);
        Ok(Some((call, line)))
    }

    fn talk<'t>(&'t self, app: &'t App, org: &'t OrgId, call: &'t Call) -> Talk<'t> {
        Talk { app, org, call, profile: &self.settings.profile }
    }

    async fn converse(&mut self, call: &Call, incoming: &mut Incoming) -> Left {
        let (app, org, settings) = (Arc::clone(&self.app), self.org.clone(), Arc::clone(&self.settings));
        let answer = |Question { id, heard }: Question| -> LocalBoxFuture<'_, (u64, Result<Spoken, Fault>)> {
            let talk = Talk { app: &app, org: &org, call, profile: &settings.profile };
            Box::pin(async move { (id, talk.hear(heard).await) })
        };
        let mut stopped = std::pin::pin!(app.lifecycle.stopped());
        let mut newest = 0;
        let mut waiting: Option<Question> = None;
        let mut running = FuturesUnordered::new();
        let mut elsewhere = Watch::new(Arc::clone(&app), org.clone(), call.clone());
        let mut interrupts = 0;
        loop {
            if running.is_empty()
                && let Some(question) = waiting.take()
            {
                running.push(answer(question));
            }
            tokio::select! {
                frame = incoming.next() => match frame {
                    None => return Left::Closed,
                    Some(Err(Broken::Lost | Broken::Protocol(_))) => return Left::Lost,
                    Some(Ok(frame)) => match read(frame) {
                        Some(Request::PingPong { timestamp }) => self.send(&Response::PingPong { timestamp }),
                        Some(Request::ResponseRequired { response_id, transcript }) => {
                            newest = newest.max(response_id);
                            waiting = Some(Question::next(waiting, response_id, place(&transcript, true)));
                        }
                        Some(Request::ReminderRequired { response_id, transcript }) => {
                            newest = newest.max(response_id);
                            waiting = Some(Question::next(waiting, response_id, place(&transcript, false)));
                        }
                        Some(Request::UpdateOnly { .. } | Request::CallDetails { .. } | Request::Other) | None => {}
                    },
                },
                Some((id, spoken)) = running.next() => {
                    let spoken = match spoken {
                        Ok(spoken) => spoken,
                        Err(error) => {
                            tracing::error!(call = %call.id, %error, "a turn of a call failed");
                            unheard(&app, &org, call).await
                        }
                    };
                    if id >= newest {
                        self.say(id, spoken, false);
                    }
                }
                // What is being answered goes on from it by itself.
                News::MovedOn = elsewhere.next(), if running.is_empty() => {
                    interrupts += 1;
                    match elsewhere.said(&settings.profile).await {
                        Ok(said) => {
                            self.interrupt(interrupts, &said.words);
                            if said.over {
                                return self.hang_up_after(call, said.words, incoming).await;
                            }
                        }
                        Err(error) => tracing::warn!(call = %call.id, %error, "a call could not be told of a text"),
                    }
                }
                () = &mut stopped, if running.is_empty() => return Left::Stopping,
            }
        }
    }

    /// The call is over because somebody hung up: the contact, unless we said goodbye. Unless another socket has taken
    /// this one's place, then only that one knows.
    async fn closed(&self, call: &Call) -> Result<(), Fault> {
        if !self.is_newest(call).await? {
            return Ok(());
        }
        let last = self.app.voice.peers.turns.get(&call.id).unwrap_or_default();
        let how = match last.then {
            Then::Listen => CallEnd::ContactHungUp,
            Then::HangUp => CallEnd::Finished,
            Then::Transfer { .. } => CallEnd::Transferred,
        };
        end(&self.app, &self.org, call, how).await.map(drop)
    }

    /// Retell comes back, or its webhook tells of the end; a call of which nothing is heard is over.
    async fn lost(&self, call: &Call) -> Result<(), Fault> {
        let until = self.app.clock.now().plus_millis(RETURN_MILLIS);
        tokio::select! {
            () = self.app.voice.node.alarm.until(until) => {}
            () = self.app.lifecycle.stopped() => return Ok(()),
        }
        if self.is_newest(call).await? {
            over(&self.app, &self.org, call, CallEnd::Failed, None).await?;
        }
        Ok(())
    }

    /// Whether the call goes on and this socket is the last that took it up.
    async fn is_newest(&self, call: &Call) -> Result<bool, Fault> {
        let now = self.app.store.call(&self.org, &call.id).await?;
        Ok(now.is_some_and(|now| now.outcome.is_none() && now.attachments == call.attachments))
    }

    async fn wait_for_the_end(mut self, mut incoming: Incoming) {
        while let Some(Ok(frame)) = incoming.next().await {
            if let Some(Request::PingPong { timestamp }) = read(frame) {
                self.send(&Response::PingPong { timestamp });
            }
        }
    }

    fn say(&mut self, response_id: u64, spoken: Spoken, protected: bool) {
        let transfer_number = match &spoken.then {
            Then::Transfer { to, .. } => Some(to.clone()),
            Then::Listen | Then::HangUp => None,
        };
        self.send(&Response::Response(Words {
            response_id,
            content: spoken.words,
            content_complete: true,
            end_call: spoken.then == Then::HangUp,
            transfer_number,
            no_interruption_allowed: protected,
            ..Words::default()
        }));
    }

    /// Says something that Retell did not ask for.
    fn interrupt(&mut self, interrupt_id: u64, words: &str) {
        self.send(&Response::AgentInterrupt {
            interrupt_id,
            content: words.to_owned(),
            content_complete: true,
            no_interruption_allowed: false,
        });
    }

    /// Nothing is left to say after these words, and words that nobody asked for cannot end a call: the socket is closed in
    /// order, which does, once it is the contact's turn.
    async fn hang_up_after(&mut self, call: &Call, words: String, incoming: &mut Incoming) -> Left {
        self.app.voice.peers.turns.insert(call.id.clone(), LastTurn::goodbye(words));
        let app = Arc::clone(&self.app);
        let heard = async {
            while let Some(Ok(frame)) = incoming.next().await {
                match read(frame) {
                    Some(Request::PingPong { timestamp }) => self.send(&Response::PingPong { timestamp }),
                    Some(
                        Request::UpdateOnly { turntaking: Some(Turntaking::UserTurn), .. }
                        | Request::ResponseRequired { .. }
                        | Request::ReminderRequired { .. },
                    ) => return,
                    _ => {}
                }
            }
        };
        tokio::select! {
            () = heard => {}
            () = app.voice.node.alarm.until(app.clock.now().plus_millis(GOODBYE_MILLIS)) => {}
        }
        self.outgoing.close(CloseCode::Normal);
        Left::Closed
    }

    fn send(&mut self, response: &Response) {
        self.text.clear();
        response.encode(&mut self.text);
        self.outgoing.text(&self.text);
    }
}

/// A frame of Retell's; one that is not understood is counted and passed over.
fn read(frame: Frame) -> Option<Request> {
    let request = match frame {
        Frame::Text(text) => Request::decode(&text).ok(),
        Frame::Binary(_) => None,
    };
    if request.is_none() {
        metrics::counter!("usher_voice_frames_malformed_total", "side" => "retell").increment(1);
    }
    request
}

/// Where in the conversation the contact's words stand. A reminder has none.
fn place(transcript: &[Turn], spoke: bool) -> Heard {
    let ours = |turn: &&Turn| turn.role != "user";
    let place = transcript.chunk_by(|one, other| one.role == other.role);
    let place = place.filter(|run| run.first().as_ref().is_some_and(&ours)).count();
    let of_ours = transcript.iter().rfind(ours).map(|turn| turn.content.clone());
    let words = heard(transcript).filter(|words| spoke && words != UNINTELLIGIBLE);
    Heard { place, words, of_ours }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(words: Option<&str>) -> Heard {
        Heard { place: 1, words: words.map(str::to_owned), of_ours: None }
    }

    #[test]
    fn a_reminder_does_not_take_the_place_of_words_that_wait() {
        let spoke = Question::next(None, 4, heard(Some("Reyes Bakery")));
        let reminded = Question::next(Some(spoke), 5, heard(None));
        assert_eq!(reminded, Question { id: 5, heard: heard(Some("Reyes Bakery")) });
        let again = Question::next(Some(reminded), 6, heard(Some("Reyes Bakery and Sons")));
        assert_eq!(again, Question { id: 6, heard: heard(Some("Reyes Bakery and Sons")) });
        assert_eq!(Question::next(None, 7, heard(None)), Question { id: 7, heard: heard(None) });
    }
}
