//! A profile as an operator writes and reads it. Hours are written as people write them ("9-5 weekdays") or day by day,
//! as in every other form.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use usher_conversation::answer::{AnswerValue, BusinessHours, ParseContext};
use usher_conversation::flow::{FieldType, Validation};
use usher_conversation::time::Timestamp;

use super::{Department, VoiceProfile};
use crate::web::Fault;
use crate::web::form::{Mistakes, Wrong, phone, text, within, zone};

const NAME_CHARS: usize = 80;
/// A script is spoken in less than two minutes.
const SCRIPT_CHARS: usize = 1_000;
const WORD_CHARS: usize = 40;
const MOST_WORDS: usize = 50;
/// As many as there are keys for them.
const MOST_DEPARTMENTS: usize = 9;
/// What Twilio accepts as the time-out of a dialled call.
const RING_SECONDS: RangeInclusive<u32> = 5..=600;
const CALLS: RangeInclusive<u32> = 1..=100_000;
const ATTEMPTS: RangeInclusive<u32> = 1..=10;
/// A minute to a week.
const RETRY_MINUTES: RangeInclusive<u32> = 1..=10_080;

/// Reads a profile; what it does not say has its default.
///
/// # Errors
/// Every member that cannot be used, by its name and why.
pub(in crate::voice) fn read(mut members: Map<String, Value>) -> Result<VoiceProfile, Fault> {
    let mut mistakes = Mistakes::default();
    let known = shape();
    for member in members.keys().filter(|member| !known.contains_key(*member)) {
        mistakes.note(named(member), Err(Wrong::Unknown));
    }
    let hours = match members.remove("hours") {
        None | Some(Value::Null) => None,
        Some(written) => hours_of(&written).map_err(|wrong| mistakes.note(named("hours"), Err(wrong))).ok(),
    };
    // What is unset has its default.
    members.retain(|_, value| !value.is_null());
    let mut profile = match serde_json::from_value::<VoiceProfile>(Value::Object(members)) {
        Ok(profile) => VoiceProfile { hours, ..profile },
        Err(error) => {
            mistakes.note("profile", Err(Wrong::Kind(error.to_string())));
            mistakes.none()?;
            return Ok(VoiceProfile::default());
        }
    };
    profile.emergency_words = profile.emergency_words.iter().map(|word| word.trim().to_lowercase()).collect();
    check(&profile, &mut mistakes);
    mistakes.none()?;
    Ok(profile)
}

/// A profile as [`read`] reads it.
pub(in crate::voice) fn shown(profile: &VoiceProfile) -> Value {
    let mut members = serde_json::to_value(profile).unwrap_or_default();
    if let Some(hours) = &profile.hours {
        members["hours"] = AnswerValue::Hours(hours.clone()).to_json();
    }
    members
}

fn shape() -> Map<String, Value> {
    match shown(&VoiceProfile::default()) {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn named(member: &str) -> String {
    format!("profile.{member}")
}

fn hours_of(written: &Value) -> Result<BusinessHours, Wrong> {
    let context = ParseContext {
        now: Timestamp::from_millis(0),
        zone: "UTC",
        region: "US",
        options: &[],
        validation: &Validation::default(),
    };
    match AnswerValue::from_json(FieldType::BusinessHours, written, &context) {
        Ok(AnswerValue::Hours(hours)) => Ok(hours),
        Ok(_) | Err(_) => Err(Wrong::Hours),
    }
}

fn check(profile: &VoiceProfile, mistakes: &mut Mistakes) {
    mistakes.note(named("agent_name"), text(&profile.agent_name, NAME_CHARS));
    for (member, number) in [("transfer_to", &profile.transfer_to), ("emergency_to", &profile.emergency_to)] {
        mistakes.note(named(member), number.as_deref().map_or(Ok(()), phone));
    }
    let departments = &profile.departments;
    let many =
        if departments.len() > MOST_DEPARTMENTS { Err(Wrong::TooMany(MOST_DEPARTMENTS)) } else { Ok(()) };
    let each =
        |department: &Department| text(&department.name, WORD_CHARS).and_then(|()| phone(&department.to));
    mistakes.note(named("departments"), many.and_then(|()| departments.iter().try_for_each(each)));
    if !departments.is_empty() && profile.transfer_to.is_none() {
        // Somebody must take the calls that name none.
        mistakes.note(named("transfer_to"), Err(Wrong::Missing));
    }
    // An empty notice is none at all: somebody else tells callers.
    let notice = profile.recording_notice.as_deref().filter(|notice| !notice.is_empty());
    let scripts = [
        ("after_hours", profile.after_hours.as_deref()),
        ("voicemail", profile.voicemail.as_deref()),
        ("recording_notice", notice),
    ];
    for (member, script) in scripts {
        mistakes.note(named(member), script.map_or(Ok(()), |script| text(script, SCRIPT_CHARS)));
    }
    let words = &profile.emergency_words;
    let many = if words.len() > MOST_WORDS { Err(Wrong::TooMany(MOST_WORDS)) } else { Ok(()) };
    mistakes
        .note(named("emergency_words"), many.and(words.iter().try_for_each(|word| text(word, WORD_CHARS))));
    mistakes.note(
        named("zone"),
        match (&profile.zone, &profile.hours) {
            (Some(name), _) => zone(name),
            // Nine o'clock is another instant in every zone.
            (None, Some(_)) => Err(Wrong::Missing),
            (None, None) => Ok(()),
        },
    );
    for (member, value, limits) in [
        ("ring_seconds", Some(profile.ring_seconds), RING_SECONDS),
        ("max_calls", profile.max_calls, CALLS),
        ("attempts", Some(profile.attempts), ATTEMPTS),
        ("retry_minutes", Some(profile.retry_minutes), RETRY_MINUTES),
    ] {
        mistakes.note(named(member), value.map_or(Ok(()), |value| within(value, &limits)));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    fn refused(value: &Value) -> String {
        read(members(value)).expect_err("refused").members().join(", ")
    }

    #[test]
    fn a_profile_is_read_as_it_is_shown() {
        let written = json!({ "agent_name": "Ava", "hours": "9-5 weekdays", "zone": "America/New_York",
            "transfer_to": "+14155550111", "emergency_words": ["Gas leak"], "record": true });
        let profile = read(members(&written)).expect("a profile");
        assert_eq!(profile.emergency_words, ["gas leak"]);
        assert_eq!(
            profile.hours.as_ref().expect("hours").days[0],
            [("09:00".to_owned(), "17:00".to_owned())]
        );
        assert_eq!(read(members(&shown(&profile))).expect("read again"), profile);
    }

    #[test]
    fn every_member_that_is_wrong_is_named() {
        assert_eq!(refused(&json!({ "transfer_to": "office" })), "profile.transfer_to");
        assert_eq!(refused(&json!({ "transferto": "+14155550111" })), "profile.transferto");
        assert_eq!(refused(&json!({ "record": "yes" })), "profile");
        assert_eq!(
            refused(&json!({ "hours": "whenever", "zone": "Mars/Base" })),
            "profile.hours, profile.zone"
        );
        assert_eq!(refused(&json!({ "hours": "9-5 weekdays" })), "profile.zone");
        assert_eq!(
            refused(&json!({ "ring_seconds": 0, "attempts": 11, "retry_minutes": 0, "max_calls": 0 })),
            "profile.ring_seconds, profile.max_calls, profile.attempts, profile.retry_minutes"
        );
        assert_eq!(
            refused(&json!({ "emergency_words": [" "], "agent_name": "" })),
            "profile.agent_name, profile.emergency_words"
        );
        assert_eq!(refused(&json!({ "voicemail": "x".repeat(1_001) })), "profile.voicemail");
        let sales = json!({ "name": "sales", "to": "+14155550113" });
        assert_eq!(refused(&json!({ "departments": [sales] })), "profile.transfer_to");
        let office = "+14155550111";
        for wrong in [json!([{ "name": "sales", "to": "office" }]), json!([{ "name": "", "to": office }])] {
            assert_eq!(
                refused(&json!({ "transfer_to": office, "departments": wrong })),
                "profile.departments"
            );
        }
        let ten = vec![sales.clone(); 10];
        assert_eq!(refused(&json!({ "transfer_to": office, "departments": ten })), "profile.departments");
        assert_eq!(refused(&json!({ "departments": { "sales": office } })), "profile");
    }
}
