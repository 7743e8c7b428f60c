//! `/api/voice/vapi/llm/chat/completions`: the next words, as a language model would stream them.

use std::sync::Arc;

use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL};
use actix_web::{HttpRequest, HttpResponse, web};
use usher_channels::vapi::llm::{CONTENT_TYPE, ChatMessage, CompletionRequest, Steer, Stream};
use usher_channels::widget::ProblemBody;
use usher_conversation::id::OrgId;

use super::told;
use crate::app::App;
use crate::inbound::routes::malformed;
use crate::voice::door::admit;
use crate::voice::elsewhere::follow_vapi;
use crate::voice::peers::calls::{answered, known};
use crate::voice::peers::turns::{Heard, Spoken, Talk, Then, unheard};
use crate::voice::peers::{header, refused};
use crate::voice::routes::end;
use crate::voice::spoken::Tongue;
use crate::voice::{Call, Provider, VoiceSettings};
use crate::web::{Fault, edge};

/// The next words of a call.
#[utoipa::path(
    post, path = "/api/voice/vapi/llm/chat/completions", tag = "voice",
    params(("Authorization" = String, Header, description = "`Bearer` and the organisation's secret")),
    request_body(content_type = "application/json", description = "A chat completion request with Vapi's `call`"),
    responses(
        (status = 200, content_type = "text/event-stream", description = "Chat completion chunks"),
        (status = 400, body = ProblemBody, description = "malformed-request"),
        (status = 403, body = ProblemBody, description = "invalid-signature"),
        (status = 503, body = ProblemBody, description = "Nothing was recorded; ask again"),
    )
)]
pub async fn complete(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let token =
        header(request.headers(), AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| refused("a model's request without a secret"))?;
    let org = app.store.org_of_door(Provider::Vapi, &token.to_owned().into()).await?;
    let org = org.ok_or_else(|| refused("the secret of a model's request is nobody's"))?;
    let asked = CompletionRequest::parse(&body).map_err(malformed)?;
    let Some(vendor_call) = asked.call.as_ref().filter(|_| asked.stream) else {
        return Err(malformed("Only the streamed words of a call are given."));
    };
    let settings = app.voice.settings_of(&org).await?;
    let call = known(&app, &org, &told(vendor_call)).await?;
    edge::concerns(&request, &org, &call.session);
    let control = vendor_call.monitor.as_ref().and_then(|monitor| monitor.control_url.as_deref());
    if let Some(control) = control.filter(|_| call.outcome.is_none()) {
        follow_vapi(app.get_ref(), &org, &call, control);
    }
    let spoken = match speak(&app, &org, call.clone(), &settings, &asked).await {
        Ok(spoken) => spoken,
        // A model that fails costs the call; one that asks again does not.
        Err(error) if error.problem().retryable() => {
            tracing::error!(call = %call.id, %error, "a turn of a call failed");
            unheard(&app, &org, &call).await
        }
        Err(error) => return Err(error),
    };

    let id = format!("chatcmpl-{}", hex::encode(app.entropy.bits()));
    let stream = Stream::new(&id, &asked.model, app.clock.now());
    let mut events = String::new();
    if !spoken.words.is_empty() {
        stream.words(&spoken.words, &mut events);
    }
    let steer = match &spoken.then {
        Then::Listen => None,
        Then::HangUp => Some(Steer::End),
        Then::Transfer { to, .. } => Some(Steer::Transfer { destination: to }),
    };
    stream.end(steer, &mut events);
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).insert_header((CACHE_CONTROL, "no-store")).body(events))
}

async fn speak(
    app: &App,
    org: &OrgId,
    call: Call,
    settings: &VoiceSettings,
    asked: &CompletionRequest,
) -> Result<Spoken, Fault> {
    let heard = place(asked);
    let (call, opening) = if call.attachments == 0 {
        match admit(app, org, &call, settings) {
            Ok(line) => app.voice.hold_line(&call.id, line),
            Err(why) => {
                end(app, org, &call, why.end()).await?;
                let words = why.words(&Tongue::of(app, org, &call).await?, &settings.profile);
                return Ok(Spoken { words, then: Then::HangUp });
            }
        }
        answered(app, org, &call).await?;
        let call =
            app.store.attach_call(org, &call.id).await?.ok_or_else(|| refused("a call that is over"))?;
        let opening = Talk { app, org, call: &call, profile: &settings.profile }.begin().await?;
        (call, Some(opening))
    } else {
        (call, None)
    };
    match opening {
        // Who has heard nothing yet is greeted; an assistant with first words of its own has greeted already.
        Some(opening) if heard.words.is_none() && heard.of_ours.is_none() => {
            Ok(Spoken { words: opening.first_message.unwrap_or_default(), then: Then::Listen })
        }
        _ => Talk { app, org, call: &call, profile: &settings.profile }.hear(heard).await,
    }
}

/// Where in the conversation the contact's words stand.
fn place(asked: &CompletionRequest) -> Heard {
    let ours = |message: &&ChatMessage| message.role == "assistant";
    let talk = asked.messages.iter().filter(|message| matches!(message.role.as_str(), "assistant" | "user"));
    let talk: Vec<&ChatMessage> = talk.collect();
    let runs = talk.chunk_by(|one, other| one.role == other.role);
    let place = runs.filter(|run| run.first().is_some_and(ours)).count();
    let of_ours = talk.iter().copied().rfind(ours).map(ChatMessage::text).filter(|text| !text.is_empty());
    Heard { place, words: asked.heard(), of_ours }
}
