//! Files that came with a text message.

use std::time::Duration;

use tokio::time::Instant;
use usher_channels::twilio::codec::InboundMedia;
use usher_channels::twilio::{FetchedMedia, MediaError};
use usher_conversation::answer::FileAnswer;
use usher_conversation::id::SessionId;
use usher_conversation::session::{Media, MissedFile};

use super::directory::Line;
use crate::app::App;
use crate::files::{NewFile, file_id};
use crate::onboarding::sniff;
use crate::web::Fault;

/// The vendor waits 15 seconds for our answer; the turn needs some of them.
const BUDGET: Duration = Duration::from_secs(10);
/// A file may not be in its storage yet when the webhook comes: it is tried again after these pauses.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// What came with a message and what did not.
#[derive(Default)]
pub(super) struct Files {
    pub(super) media: Vec<Media>,
    pub(super) missed: Vec<MissedFile>,
}

/// Fetches the files and keeps those of an accepted kind, each once however often the webhook comes. The words that came
/// with a file must not be lost over it: what cannot be had is told to the session, which asks for it again.
pub(super) async fn keep(
    app: &App,
    line: &Line,
    session: &SessionId,
    media: &[InboundMedia<'_>],
) -> Result<Files, Fault> {
    let mut files = Files::default();
    let deadline = Instant::now() + BUDGET;
    for (number, item) in media.iter().enumerate() {
        match keep_one(app, line, session, item, number + 1, deadline).await? {
            Ok(file) => files.media.push(Media { file }),
            Err(missed) => {
                metrics::counter!("usher_media_missed_total").increment(1);
                files.missed.push(missed);
            }
        }
    }
    Ok(files)
}

async fn keep_one(
    app: &App,
    line: &Line,
    session: &SessionId,
    item: &InboundMedia<'_>,
    number: usize,
    deadline: Instant,
) -> Result<Result<FileAnswer, MissedFile>, Fault> {
    let id = file_id(session.as_str(), item.url);
    if let Some(kept) = app.store.kept_file(&line.org, session, &id).await? {
        return Ok(Ok(kept));
    }
    let fetched = match tokio::time::timeout_at(deadline, fetch(app, line, item.url)).await {
        Ok(Ok(fetched)) => fetched,
        Ok(Err(error)) => {
            tracing::warn!(%error, "a file of a message could not be fetched");
            return Ok(Err(match error {
                MediaError::TooLarge => MissedFile::Refused,
                MediaError::ForeignUrl
                | MediaError::ForeignRedirect
                | MediaError::Gone
                | MediaError::Unavailable
                | MediaError::Refused(_) => MissedFile::Unavailable,
            }));
        }
        Err(_) => {
            tracing::warn!("the files of a message took too long");
            return Ok(Err(MissedFile::Unavailable));
        }
    };
    let head = &fetched.bytes[..fetched.bytes.len().min(sniff::HEAD_BYTES)];
    let Some(media_type) = sniff::media_type(head) else {
        tracing::info!("a file of a message is of a kind that is not accepted");
        return Ok(Err(MissedFile::Refused));
    };
    if !app.store.has_room(&line.org, session, fetched.bytes.len() as u64).await? {
        tracing::warn!("a person sent more files than are kept");
        return Ok(Err(MissedFile::Refused));
    }
    let file = NewFile {
        name: name_of(media_type, number),
        media_type: media_type.to_owned(),
        bytes: fetched.bytes,
    };
    Ok(Ok(app.store.keep_file(&line.org, session, id, file).await?))
}

async fn fetch(app: &App, line: &Line, url: &str) -> Result<FetchedMedia, MediaError> {
    for pause in PAUSES {
        match app.twilio.fetch_media(&line.credentials, url).await {
            Err(MediaError::Unavailable | MediaError::Gone) => tokio::time::sleep(pause).await,
            done => return done,
        }
    }
    app.twilio.fetch_media(&line.credentials, url).await
}

/// Text messages carry no file names.
fn name_of(media_type: &str, number: usize) -> String {
    let extension =
        mime_guess::get_mime_extensions_str(media_type).and_then(|all| all.first()).unwrap_or(&"bin");
    format!("mms-{number}.{extension}")
}
