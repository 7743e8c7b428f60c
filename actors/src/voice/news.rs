//! What a live call must know of the session's other channels. Pure.

use usher_conversation::channel::Channel;
use usher_conversation::flow::FieldId;
use usher_conversation::journal::Turn;
use usher_conversation::session::{Event, SessionMeta, SessionState};

use super::call::SessionNews;

/// The longest piece of a message that an agent is told, in characters.
const LONGEST: usize = 600;

/// What `turn` means for a call that did not cause it; `asked` was the pending question before it.
pub(crate) fn of_turn(
    meta: &SessionMeta,
    turn: &Turn,
    after: &SessionState,
    asked: Option<&FieldId>,
) -> Option<SessionNews> {
    // Who withdrew consent earlier and calls us wants to talk: only what happens now ends the call.
    if after.is_opted_out() && turn.withdraws_consent() {
        return Some(SessionNews::Stop);
    }
    let mut context = String::new();
    let mut message = None;
    // A private answer goes to no vendor: neither the value nor the words it came in.
    let private = |id: &FieldId| meta.flow.field(id).is_some_and(|field| field.sensitive);
    let confidential = asked.is_some_and(&private)
        || turn.events.iter().any(|event| {
            matches!(event, Event::Answered { field, .. } | Event::ConfirmationAsked { field, .. } if private(field))
        });
    for event in &turn.events {
        match event {
            Event::Received { origin, text, .. }
                if origin.channel != Channel::Voice && !text.is_empty() && !confidential =>
            {
                let text: String = text.chars().take(LONGEST).collect();
                line(&mut context, &format!("The contact wrote {}: \"{text}\".", by(origin.channel)));
            }
            Event::Answered { field, value, origin, .. } if origin.channel != Channel::Voice => {
                let Some(known) = meta.flow.field(field) else { continue };
                let (label, by) = (&known.label, by(origin.channel));
                let value = if known.sensitive {
                    "(private)".to_owned()
                } else {
                    value.display(&known.options, &meta.locale).chars().take(LONGEST).collect()
                };
                line(&mut context, &format!("Recorded: {label} = {value}."));
                if asked == Some(field) {
                    message = Some(format!("I have just sent this {by}. {label}: {value}."));
                }
            }
            Event::Completed => line(&mut context, "Nothing is left to ask."),
            Event::Started { .. }
            | Event::Received { .. }
            | Event::FileMissed { .. }
            | Event::Repeated { .. }
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
    Some(SessionNews::Elsewhere { turn: turn.seq, context, message })
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use usher_conversation::flow::Flow;
    use usher_conversation::id::{ContactId, OrgId, SessionId};
    use usher_conversation::session::{Command, Inbound, Origin, decide};
    use usher_conversation::time::Timestamp;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_794_934_800_000);

    fn meta(sensitive: bool) -> SessionMeta {
        let question = serde_json::json!({ "fields": [{
            "id": "pin", "label": "Pin", "prompt": "What is your pin?", "type": "text", "required": true,
            "sensitive": sensitive,
        }] });
        SessionMeta {
            session: SessionId::new(NOW, [7; 16]),
            org: OrgId::new(NOW, [1; 16]),
            org_name: "Bright Agency".to_owned(),
            contact: ContactId::new(NOW, [2; 16]),
            contact_name: String::new(),
            phone: None,
            flow: Arc::new(Flow::from_file_json(&question.to_string()).expect("a flow")),
            locale: "en".to_owned(),
            region: "US".to_owned(),
            zone: None,
            link: None,
            created_at: NOW,
        }
    }

    /// What an agent is told when the contact texts `text` in answer to the one question there is.
    fn told(sensitive: bool, text: &str) -> (String, Option<String>) {
        let meta = meta(sensitive);
        let mut state = SessionState::new();
        let mut happens = |command| {
            let events = decide(&meta, &state, NOW, command);
            let turn = Turn { seq: state.seq() + 1, at: NOW, dedup: None, events };
            let asked = state.pending().cloned();
            state.apply(&meta, &turn);
            of_turn(&meta, &turn, &state, asked.as_ref())
        };
        happens(Command::Start { channel: Some(Channel::Sms) });
        let origin = Origin { channel: Channel::Sms, address: "+14155550142".to_owned(), line: None };
        let text = text.to_owned();
        let texted = Inbound { origin, text, media: Vec::new(), missed: Vec::new(), vendor_keyword: None };
        match happens(Command::Receive(texted)) {
            Some(SessionNews::Elsewhere { context, message, .. }) => (context, message),
            other => panic!("the agent is told, not {other:?}"),
        }
    }

    #[test]
    fn only_consent_that_is_withdrawn_now_ends_a_call() {
        let meta = meta(false);
        let mut state = SessionState::new();
        let mut happens = |text: &str| {
            let address = "+14155550142".to_owned();
            let origin = Origin { channel: Channel::Sms, address, line: None };
            let text = text.to_owned();
            let texted =
                Inbound { origin, text, media: Vec::new(), missed: Vec::new(), vendor_keyword: None };
            let events = decide(&meta, &state, NOW, Command::Receive(texted));
            let turn = Turn { seq: state.seq() + 1, at: NOW, dedup: None, events };
            state.apply(&meta, &turn);
            (of_turn(&meta, &turn, &state, None), state.is_opted_out())
        };
        assert_eq!(happens("STOP"), (Some(SessionNews::Stop), true));
        let (unrelated, opted_out) = happens("I have a question");
        assert!(opted_out && unrelated != Some(SessionNews::Stop), "{unrelated:?}");
    }

    #[test]
    fn an_answer_that_was_texted_is_told_with_its_value() {
        let (context, message) = told(false, "4711");
        assert!(context.contains("4711") && message.is_some_and(|words| words.contains("4711")), "{context}");
    }

    #[test]
    fn a_private_answer_is_told_without_its_value_or_its_words() {
        let (context, message) = told(true, "it is 4711");
        assert!(!context.contains("4711"), "{context}");
        assert!(context.contains("Recorded: Pin"), "{context}");
        assert!(message.is_some_and(|words| !words.contains("4711")));
    }
}
