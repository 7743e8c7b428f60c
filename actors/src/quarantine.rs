//! A message that makes the engine fail is set aside: its raw words stay in the journal, a human is called.

use usher_conversation::session::event::EscalationReason;
use usher_conversation::session::{Command, Event, Media, Origin};

/// The turn that stands in for what the engine could not decide.
pub(crate) fn events(command: &Command) -> Vec<Event> {
    let received = |origin: &Origin, text: String, media: Vec<Media>| Event::Received {
        origin: origin.clone(),
        text,
        media,
    };
    let raw = match command {
        Command::Receive(inbound) => {
            Some(received(&inbound.origin, inbound.text.clone(), inbound.media.clone()))
        }
        Command::Submit { origin, value, .. } => Some(received(
            origin,
            value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            Vec::new(),
        )),
        Command::Attach { origin, file, .. } => {
            Some(received(origin, String::new(), vec![Media { file: file.clone() }]))
        }
        // The timer must not come due for ever.
        Command::Fire { timer } => Some(Event::TimerFired { timer: timer.clone() }),
        Command::Report { delivery, status, error_code, retry_after: _ } => {
            Some(Event::Delivered { delivery: delivery.clone(), status: *status, error_code: *error_code })
        }
        // The call goes on, whatever became of the news.
        Command::Call { call, news } => Some(Event::Call { call: call.clone(), news: news.clone() }),
        Command::Use { call, tool, .. } => Some(Event::ToolUsed { call: call.clone(), tool: tool.clone() }),
        Command::Start { .. } | Command::Skip { .. } | Command::Open { .. } | Command::Escalate { .. } => {
            None
        }
    };
    raw.into_iter().chain([Event::Escalated { reason: EscalationReason::Quarantined }]).collect()
}
