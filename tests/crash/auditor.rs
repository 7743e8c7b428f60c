//! The auditor is itself tested: it accepts an honest history and flags every way of breaking it.

use usher_conversation::answer::AnswerValue;
use usher_conversation::channel::Channel;
use usher_conversation::flow::FieldId;
use usher_conversation::id::{DeliveryId, SessionId};
use usher_conversation::journal::Turn;
use usher_conversation::session::{DeliveryStatus, Event, MessageKind, Origin, OutboundMessage};
use usher_conversation::time::Timestamp;

use crate::audit::{History, Sms, Story, audit};

const PHONE: &str = "+14155550100";

fn session() -> SessionId {
    SessionId::new(Timestamp::from_millis(1), [1; 16])
}

fn field(id: &str) -> FieldId {
    FieldId::new(id)
}

fn answered(id: &str) -> Event {
    let origin = Origin { channel: Channel::Sms, address: PHONE.into(), line: None };
    Event::Answered { field: field(id), value: AnswerValue::Text("so".into()), raw: "so".into(), origin }
}

fn received(text: &str) -> Event {
    let origin = Origin { channel: Channel::Sms, address: PHONE.into(), line: None };
    Event::Received { origin, text: text.into(), media: Vec::new() }
}

fn said(seq: u64, text: &str) -> Event {
    let message = OutboundMessage {
        delivery: DeliveryId::derive(&session(), seq, 0),
        channel: Channel::Sms,
        kind: MessageKind::Reply,
        text: text.into(),
        not_before: None,
        epoch: 0,
        line: None,
    };
    Event::Said { message }
}

fn delivered(seq: u64, status: DeliveryStatus) -> Event {
    Event::Delivered { delivery: DeliveryId::derive(&session(), seq, 0), status, error_code: None }
}

fn turn(seq: u64, dedup: Option<&str>, events: Vec<Event>) -> Turn {
    Turn { seq, at: Timestamp::from_millis(1), dedup: dedup.map(Into::into), events }
}

fn sms(text: &str) -> Sms {
    Sms { to: PHONE.into(), text: text.into() }
}

/// Two questions, asked, answered and told, with nothing wrong.
fn honest() -> History {
    let turns = vec![
        turn(1, None, vec![Event::Asked { field: Some(field("name")) }, said(1, "Your name?")]),
        turn(2, None, vec![delivered(1, DeliveryStatus::Queued)]),
        turn(3, None, vec![delivered(1, DeliveryStatus::Delivered)]),
        turn(
            4,
            Some("twilio:SM1"),
            vec![
                received("so"),
                answered("name"),
                Event::Asked { field: Some(field("site")) },
                said(4, "Your website?"),
            ],
        ),
        turn(
            5,
            Some("widget:k1"),
            vec![received("so"), answered("site"), Event::Completed, said(5, "Thank you!")],
        ),
    ];
    History {
        acknowledged: vec!["SM1".into(), "k1".into()],
        stories: vec![Story { phone: PHONE.into(), turns }],
        accepted: vec![sms("Your name?"), sms("Your website?"), sms("Thank you!")],
    }
}

/// The one breach of a history broken on purpose.
#[track_caller]
fn only_breach(breaks: impl FnOnce(&mut History)) -> String {
    let mut history = honest();
    breaks(&mut history);
    let mut breaches = audit(&history);
    assert_eq!(breaches.len(), 1, "{breaches:#?}");
    breaches.remove(0)
}

#[test]
fn an_honest_history_passes() {
    assert_eq!(audit(&honest()), Vec::<String>::new());
}

#[test]
fn a_text_that_was_said_and_never_sent_is_flagged() {
    let breach = only_breach(|history| {
        history.accepted.pop();
    });
    assert!(breach.contains("a text never went out: Thank you!"), "{breach}");
}

#[test]
fn a_text_that_newer_words_made_obsolete_need_not_go_out() {
    let mut history = honest();
    history.accepted.remove(1);
    assert_eq!(audit(&history), Vec::<String>::new());
}

#[test]
fn a_lost_acknowledgement_is_flagged() {
    let breach = only_breach(|history| history.acknowledged.push("SM2".into()));
    assert!(breach.contains("SM2 was acknowledged and is not in the journal"), "{breach}");
}

#[test]
fn an_input_that_took_effect_twice_is_flagged() {
    let breach = only_breach(|history| {
        history.stories[0].turns.push(turn(6, Some("twilio:SM1"), vec![answered("name")]));
    });
    assert!(breach.contains("twilio:SM1 took effect twice"), "{breach}");
}

#[test]
fn a_gap_in_the_journal_is_flagged() {
    let breach = only_breach(|history| {
        history.stories[0].turns.remove(1);
    });
    assert!(breach.contains("turn 2 was due, 3 is there"), "{breach}");
}

#[test]
fn a_question_asked_again_after_its_answer_is_flagged() {
    let breach = only_breach(|history| {
        history.stories[0].turns.push(turn(6, None, vec![Event::Asked { field: Some(field("name")) }]));
    });
    assert!(breach.contains("again, which was answered"), "{breach}");
}

#[test]
fn a_question_asked_again_because_its_answer_fell_passes() {
    let mut history = honest();
    let again = vec![
        Event::Invalidated { field: field("site") },
        Event::Asked { field: Some(field("site")) },
        answered("site"),
    ];
    history.stories[0].turns.push(turn(6, None, again));
    assert_eq!(audit(&history), Vec::<String>::new());
}

#[test]
fn a_session_left_unfinished_is_flagged() {
    let breach = only_breach(|history| {
        history.stories[0].turns.push(turn(6, None, vec![Event::Reopened]));
    });
    assert!(breach.contains("did not complete"), "{breach}");
}

#[test]
fn a_text_sent_twice_is_flagged() {
    let breach = only_breach(|history| history.accepted.push(sms("Your website?")));
    assert!(breach.contains("went out more often than it was said"), "{breach}");
}

#[test]
fn a_delivery_that_moves_backwards_is_flagged() {
    let breach = only_breach(|history| {
        history.stories[0].turns.push(turn(6, None, vec![delivered(1, DeliveryStatus::Sent)]));
    });
    assert!(breach.contains("from Some(Delivered) to Sent"), "{breach}");
}
