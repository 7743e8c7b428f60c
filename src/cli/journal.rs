//! A turn of a journal as lines for a terminal, for `usher demo` and `usher session tail`.

use usher_conversation::consent::ConsentChange;
use usher_conversation::journal::Turn;
use usher_conversation::session::{DeliveryStatus, Event, Origin, TimerKind};
use usher_conversation::time::Timestamp;
use usher_conversation::voice::CallNews;

use super::output::{Out, Style};

/// The lines of a turn: number, time, channel, what happened.
pub(super) fn lines(out: &Out, turn: &Turn) -> Vec<String> {
    let time = clock_time(turn.at);
    turn.events
        .iter()
        .enumerate()
        .map(|(index, event)| {
            // The number stands once; the other events of the turn stand under it.
            let seq = if index == 0 { format!("{:>4}", turn.seq) } else { " ".repeat(4) };
            let (channel, style, what) = told(event);
            format!(
                "{}  {}  {}  {}",
                out.styled(Style::Bold, &seq),
                out.styled(Style::Dim, &time),
                out.styled(Style::Dim, &format!("{channel:<6}")),
                style.map_or_else(|| what.clone(), |style| out.styled(style, &what)),
            )
        })
        .collect()
}

fn clock_time(at: Timestamp) -> String {
    at.to_jiff().strftime("%H:%M:%S").to_string()
}

fn from(origin: &Origin) -> &'static str {
    origin.channel.as_str()
}

/// The channel an event belongs to, how it is shown, and its words.
fn told(event: &Event) -> (&'static str, Option<Style>, String) {
    match event {
        Event::Started { channel } => (
            channel.map_or("", usher_conversation::channel::Channel::as_str),
            Some(Style::Bold),
            "session started".into(),
        ),
        Event::Received { origin, text, media } => {
            let files = if media.is_empty() { String::new() } else { format!(" (+{} file)", media.len()) };
            (from(origin), Some(Style::Green), format!("client: {}{files}", one_line(text)))
        }
        Event::FileMissed { why } => ("", Some(Style::Yellow), format!("  a file is missing: {why:?}")),
        Event::Repeated { of, message } => {
            (message.channel.as_str(), Some(Style::Cyan), format!("  {of} is sent again"))
        }
        Event::Said { message } => {
            (message.channel.as_str(), Some(Style::Cyan), format!("usher:  {}", one_line(&message.text)))
        }
        Event::Answered { field, value, origin, .. } => {
            (from(origin), None, format!("  {field} = {}", one_line(&value.to_json().to_string())))
        }
        Event::ConfirmationAsked { field, origin, .. } => {
            (from(origin), None, format!("  {field}: reads it back"))
        }
        Event::ConfirmationRefused { field } => ("", None, format!("  {field}: read-back refused")),
        Event::Invalidated { field } => ("", None, format!("  {field}: asked again")),
        Event::Skipped { field, origin } => (from(origin), None, format!("  {field}: skipped")),
        Event::Missed { field, .. } => ("", Some(Style::Yellow), format!("  {field}: not understood")),
        Event::Declined { field } => ("", Some(Style::Yellow), format!("  {field}: not wanted")),
        Event::Postponed { until } => ("", None, format!("  put off until {}", until.to_jiff())),
        Event::Asked { field: Some(field) } => ("", Some(Style::Dim), format!("  now asking: {field}")),
        Event::Asked { field: None } => ("", Some(Style::Dim), "  nothing left to ask".into()),
        Event::Completed => ("", Some(Style::Bold), "completed".into()),
        Event::Reopened => ("", None, "opened again".into()),
        Event::Escalated { reason } => ("", Some(Style::Red), format!("a person must look: {reason:?}")),
        Event::ConsentChanged { change, origin } => {
            let what = match change {
                ConsentChange::OptedOut => "opted out",
                ConsentChange::OptedIn => "opted in",
            };
            (from(origin), Some(Style::Yellow), what.into())
        }
        Event::Opened { origin } => (from(origin), Some(Style::Dim), "page opened".into()),
        Event::Call { news, .. } => call_news(news),
        Event::ToolUsed { tool, .. } => {
            ("voice", Some(Style::Dim), format!("  agent uses {}", serde_json::json!(tool)))
        }
        Event::TimerSet { kind: TimerKind::Nudge { .. }, due, .. } => {
            ("", Some(Style::Dim), format!("  reminder set for {}", due.to_jiff()))
        }
        Event::TimerCancelled { .. } => ("", Some(Style::Dim), "  reminder cancelled".into()),
        Event::TimerFired { .. } => ("", Some(Style::Dim), "  reminder due".into()),
        Event::Delivered { status, error_code, .. } => delivered(*status, *error_code),
    }
}

fn call_news(news: &CallNews) -> (&'static str, Option<Style>, String) {
    let (style, what) = match news {
        CallNews::Connected { direction, .. } => {
            (Style::Bold, format!("{} call connected", direction.as_str()))
        }
        CallNews::Heard { text } => (Style::Green, format!("client: {}", one_line(text))),
        CallNews::Spoke { text, .. } => (Style::Dim, format!("usher begins: {}", one_line(text))),
        CallNews::Playing { text, .. } => (Style::Dim, format!("usher so far: {}", one_line(text))),
        CallNews::Played { text, whole, .. } => {
            let cut = if *whole { "" } else { " … (interrupted)" };
            (Style::Cyan, format!("usher:  {}{cut}", one_line(text)))
        }
        CallNews::Returned => (Style::Yellow, "nobody took the call".to_owned()),
        CallNews::Ended { end, seconds } => {
            (Style::Bold, format!("call ended after {seconds} s: {}", end.as_str().replace('_', " ")))
        }
    };
    ("voice", Some(style), what)
}

fn delivered(status: DeliveryStatus, error_code: Option<u32>) -> (&'static str, Option<Style>, String) {
    let what = match status {
        DeliveryStatus::Pending => "waiting",
        DeliveryStatus::Queued => "taken by the vendor",
        DeliveryStatus::Sent => "sent",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Read => "read",
        DeliveryStatus::Failed => "failed",
        DeliveryStatus::Superseded => "not sent: a newer one took its place",
    };
    let style = if status == DeliveryStatus::Failed { Style::Red } else { Style::Dim };
    let code = error_code.map_or_else(String::new, |code| format!(" (error {code})"));
    ("", Some(style), format!("  message {what}{code}"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
