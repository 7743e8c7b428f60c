//! What a live call must know of the session's other channels. Pure.

use usher_conversation::channel::Channel;
use usher_conversation::flow::FieldId;
use usher_conversation::journal::Turn;
use usher_conversation::session::{Event, SessionMeta, SessionState};

use super::call::SessionNews;

/// The longest piece of a message that an agent is told, in characters.
const LONGEST: usize = 600;

/// Answers in a summary: it is whispered while the caller waits.
const SUMMARY_ANSWERS: usize = 6;

/// What `turn` means for a call that did not cause it; `asked` was the pending question before it.
pub(crate) fn of_turn(
    meta: &SessionMeta,
    turn: &Turn,
    after: &SessionState,
    asked: Option<&FieldId>,
) -> Option<SessionNews> {
    if after.is_opted_out() {
        return Some(SessionNews::Stop);
    }
    let mut context = String::new();
    let mut message = None;
    for event in &turn.events {
        match event {
            Event::Received { origin, text, .. } if origin.channel != Channel::Voice && !text.is_empty() => {
                let text: String = text.chars().take(LONGEST).collect();
                line(&mut context, &format!("The contact wrote {}: \"{text}\".", by(origin.channel)));
            }
            Event::Answered { field, value, origin, .. } if origin.channel != Channel::Voice => {
                let Some(known) = meta.flow.field(field) else { continue };
                let value: String =
                    value.display(&known.options, &meta.locale).chars().take(LONGEST).collect();
                let (label, by) = (&known.label, by(origin.channel));
                line(&mut context, &format!("Recorded: {label} = {value}."));
                if asked == Some(field) {
                    message = Some(format!("I have just sent this {by}. {label}: {value}."));
                }
            }
            Event::Completed => line(&mut context, "Nothing is left to ask."),
            Event::Started { .. }
            | Event::Received { .. }
            | Event::Answered { .. }
            | Event::ConfirmationAsked { .. }
            | Event::ConfirmationRefused { .. }
            | Event::Invalidated { .. }
            | Event::Skipped { .. }
            | Event::Missed { .. }
            | Event::Declined { .. }
            | Event::Postponed { .. }
            | Event::Asked { .. }
            | Event::Reopened
            | Event::Said { .. }
            | Event::Escalated { .. }
            | Event::ConsentChanged { .. }
            | Event::Opened { .. }
            | Event::Call { .. }
            | Event::ToolUsed { .. }
            | Event::TimerSet { .. }
            | Event::TimerCancelled { .. }
            | Event::TimerFired { .. }
            | Event::Delivered { .. } => {}
        }
    }
    if context.is_empty() {
        return None;
    }
    if let Some(field) = after.pending().and_then(|id| meta.flow.field(id)) {
        line(&mut context, &format!("The pending question is now {} ({}).", field.label, field.id));
    }
    Some(SessionNews::Elsewhere { context, message })
}

/// What a person who takes the call over is told first.
pub fn summary(meta: &SessionMeta, state: &SessionState) -> String {
    let mut summary = format!("A call for {}.", meta.org_name);
    if !meta.contact_name.is_empty() {
        line(&mut summary, &format!("The caller is {}.", meta.contact_name));
    }
    let known = meta.flow.fields.iter().filter_map(|field| Some((field, state.answer(&field.id)?)));
    for (field, answer) in known.filter(|(field, _)| !field.sensitive).take(SUMMARY_ANSWERS) {
        let value: String = answer.value.display(&field.options, &meta.locale).chars().take(80).collect();
        line(&mut summary, &format!("{}: {value}.", field.label));
    }
    summary
}

fn line(context: &mut String, sentence: &str) {
    if !context.is_empty() {
        context.push(' ');
    }
    context.push_str(sentence);
}

const fn by(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "by text message",
        Channel::Email => "by email",
        Channel::Widget => "on the web page",
        Channel::Voice => "on the phone",
    }
}
