//! The auditor: a pure judgement of what a run left behind. It knows the promises, not the implementation.

use std::collections::{BTreeMap, BTreeSet};

use usher_conversation::channel::Channel;
use usher_conversation::id::DeliveryId;
use usher_conversation::journal::Turn;
use usher_conversation::session::{DeliveryStatus, Event};

/// What a run left behind.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    /// The keys of all inputs the server acknowledged: message SIDs and idempotency keys.
    pub(crate) acknowledged: Vec<String>,
    /// Every conversation.
    pub(crate) stories: Vec<Story>,
    /// What the vendor accepted, over all restarts.
    pub(crate) accepted: Vec<Sms>,
}

/// One session's journal, and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) phone: String,
    pub(crate) turns: Vec<Turn>,
}

/// A text the vendor took from us.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sms {
    pub(crate) to: String,
    pub(crate) text: String,
}

/// A broken promise, in words.
pub(crate) type Breach = String;

/// Everything that is wrong with a history; nothing, when the promises were kept.
pub(crate) fn audit(history: &History) -> Vec<Breach> {
    let mut breaches = acknowledgements(history);
    for story in &history.stories {
        let found =
            [gaps(story), questions(story), ending(story).into_iter().collect(), reports(story)].concat();
        breaches.extend(found.into_iter().map(|breach| format!("{}: {breach}", story.phone)));
    }
    breaches.extend(lost_texts(history));
    breaches.extend(double_texts(history));
    breaches
}

/// Every acknowledged input is in the journal, and no input is in it twice.
fn acknowledgements(history: &History) -> Vec<Breach> {
    let keys: Vec<&str> = history
        .stories
        .iter()
        .flat_map(|story| &story.turns)
        .filter_map(|turn| turn.dedup.as_deref())
        .collect();
    let mut breaches = Vec::new();
    for acknowledged in &history.acknowledged {
        if !keys.iter().any(|key| key.ends_with(acknowledged.as_str())) {
            breaches.push(format!("{acknowledged} was acknowledged and is not in the journal"));
        }
    }
    let mut seen = BTreeSet::new();
    for key in keys {
        if !seen.insert(key) {
            breaches.push(format!("{key} took effect twice"));
        }
    }
    breaches
}

fn gaps(story: &Story) -> Vec<Breach> {
    (1_u64..)
        .zip(&story.turns)
        .filter(|(expected, turn)| *expected != turn.seq)
        .map(|(expected, turn)| format!("turn {expected} was due, {} is there", turn.seq))
        .take(1)
        .collect()
}

fn events(story: &Story) -> impl Iterator<Item = (u64, &Event)> {
    story.turns.iter().flat_map(|turn| turn.events.iter().map(move |event| (turn.seq, event)))
}

/// A question whose answer stands is not asked.
fn questions(story: &Story) -> Vec<Breach> {
    let mut standing = BTreeSet::new();
    let mut breaches = Vec::new();
    for (seq, event) in events(story) {
        match event {
            Event::Answered { field, .. } | Event::Skipped { field, .. } => {
                standing.insert(field);
            }
            Event::Invalidated { field } | Event::ConfirmationRefused { field } => {
                standing.remove(field);
            }
            Event::Asked { field: Some(field) } if standing.contains(field) => {
                breaches.push(format!("turn {seq} asks {field:?} again, which was answered"));
            }
            _ => {}
        }
    }
    breaches
}

fn ending(story: &Story) -> Option<Breach> {
    let last = events(story)
        .map(|(_, event)| event)
        .filter(|event| matches!(event, Event::Completed | Event::Reopened));
    (!matches!(last.last(), Some(Event::Completed))).then(|| "the session did not complete".to_owned())
}

/// What is known of a delivery only moves forward.
fn reports(story: &Story) -> Vec<Breach> {
    let mut known: BTreeMap<&DeliveryId, DeliveryStatus> = BTreeMap::new();
    let mut breaches = Vec::new();
    for (seq, event) in events(story) {
        if let Event::Delivered { delivery, status, .. } = event {
            let before = known.insert(delivery, *status);
            if before.is_some_and(|before| before >= *status) {
                breaches.push(format!("turn {seq} moves {delivery} from {before:?} to {status:?}"));
            }
        }
    }
    breaches
}

/// Every text that nothing heard since has made obsolete went out.
fn lost_texts(history: &History) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for story in &history.stories {
        let mut owed = Vec::new();
        for (_, event) in events(story) {
            match event {
                Event::Received { .. } => owed.clear(),
                Event::Said { message } if message.channel == Channel::Sms => owed.push(&message.text),
                _ => {}
            }
        }
        let sent = |text: &str| history.accepted.iter().any(|sms| sms.to == story.phone && sms.text == text);
        let lost = owed.into_iter().filter(|text| !sent(text));
        breaches.extend(lost.map(|text| format!("{}: a text never went out: {text}", story.phone)));
    }
    breaches
}

/// No text went out more often than the bot said it.
fn double_texts(history: &History) -> Vec<Breach> {
    let mut said: BTreeMap<Sms, usize> = BTreeMap::new();
    for story in &history.stories {
        for (_, event) in events(story) {
            if let Event::Said { message } = event
                && message.channel == Channel::Sms
            {
                let sms = Sms { to: story.phone.clone(), text: message.text.clone() };
                *said.entry(sms).or_default() += 1;
            }
        }
    }
    let mut breaches = Vec::new();
    for sms in &history.accepted {
        match said.get_mut(sms) {
            Some(left) if *left > 0 => *left -= 1,
            _ => breaches
                .push(format!("{}: a text went out more often than it was said: {}", sms.to, sms.text)),
        }
    }
    breaches
}
