//! Files that came with a text message.

use std::time::Duration;

use usher_channels::twilio::codec::InboundMedia;
use usher_conversation::id::SessionId;
use usher_conversation::session::Media;

use super::directory::Line;
use crate::app::App;
use crate::files::NewFile;
use crate::onboarding::sniff;
use crate::web::Fault;

/// The vendor waits 15 seconds for our answer; the turn needs some of them.
const BUDGET: Duration = Duration::from_secs(10);

/// Fetches the files and keeps those of an accepted kind. A file that cannot be had is left out: the words that came
/// with it must not be lost, and the question it answers stays open.
pub(super) async fn keep(
    app: &App,
    line: &Line,
    session: &SessionId,
    media: &[InboundMedia<'_>],
) -> Result<Vec<Media>, Fault> {
    let mut kept = Vec::with_capacity(media.len());
    let deadline = tokio::time::Instant::now() + BUDGET;
    for item in media {
        let fetch = app.twilio.fetch_media(&line.credentials, item.url);
        let fetched = match tokio::time::timeout_at(deadline, fetch).await {
            Ok(Ok(fetched)) => fetched,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a file of a message could not be fetched");
                continue;
            }
            Err(_) => {
                tracing::warn!("the files of a message took too long");
                break;
            }
        };
        let head = &fetched.bytes[..fetched.bytes.len().min(sniff::HEAD_BYTES)];
        let Some(media_type) = sniff::media_type(head) else {
            tracing::info!("a file of a message is of a kind that is not accepted");
            continue;
        };
        let name = name_of(media_type, kept.len() + 1);
        let file = NewFile { name, media_type: media_type.to_owned(), bytes: fetched.bytes };
        kept.push(Media { file: app.store.keep_file(&line.org, session, file).await? });
    }
    Ok(kept)
}

/// Text messages carry no file names.
fn name_of(media_type: &str, number: usize) -> String {
    let extension =
        mime_guess::get_mime_extensions_str(media_type).and_then(|all| all.first()).unwrap_or(&"bin");
    format!("mms-{number}.{extension}")
}
