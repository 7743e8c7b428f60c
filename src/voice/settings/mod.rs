//! Who speaks for an organisation on the telephone, and by which rules.
//!
//! | file | what lives there |
//! |---|---|
//! | `mod.rs` | the types |
//! | [`form`] | a profile as an operator writes and reads it |
//! | [`routes`] | the HTTP |

pub(super) mod form;
pub mod routes;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use usher_conversation::answer::BusinessHours;
use usher_conversation::time::Timestamp;
use usher_conversation::voice::{asks_for_help, department_asked, department_named};

/// Who holds the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The engine's own rules, spoken and heard by the telephone network.
    Rules,
    /// An ElevenLabs agent.
    ElevenLabs,
    /// A Retell agent, which holds the call itself and asks us for the words.
    Retell,
    /// A Vapi assistant, which holds the call itself and asks us for the words or for tools.
    Vapi,
}

impl Provider {
    /// The stable name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::ElevenLabs => "elevenlabs",
            Self::Retell => "retell",
            Self::Vapi => "vapi",
        }
    }

    /// The provider of this stored name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Rules, Self::ElevenLabs, Self::Retell, Self::Vapi];
        all.into_iter().find(|provider| provider.as_str() == name)
    }

    /// Whether we dial the provider's agent, with the organisation's key for it, and carry a call's audio to it.
    pub const fn is_dialled(self) -> bool {
        match self {
            Self::ElevenLabs => true,
            Self::Rules | Self::Retell | Self::Vapi => false,
        }
    }

    /// Whether the provider holds the whole call: then no audio passes through us.
    pub const fn holds_calls(self) -> bool {
        match self {
            Self::Rules | Self::ElevenLabs => false,
            Self::Retell | Self::Vapi => true,
        }
    }
}

/// How an organisation's calls are held.
#[derive(Debug)]
pub struct VoiceSettings {
    /// Who speaks.
    pub provider: Provider,
    /// The provider's agent.
    pub agent_id: Option<String>,
    /// Opens the agent; none for one that anybody may talk to.
    pub api_key: Option<SecretString>,
    /// Names, numbers, hours, scripts and limits.
    pub profile: VoiceProfile,
}

impl Default for VoiceSettings {
    /// Without any agent the rules speak.
    fn default() -> Self {
        Self { provider: Provider::Rules, agent_id: None, api_key: None, profile: VoiceProfile::default() }
    }
}

/// Names, numbers, hours, scripts and limits of an organisation's calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VoiceProfile {
    /// What the agent calls itself.
    pub agent_name: String,
    /// Whether the agent lets us choose its first words and language. One set up otherwise refuses to talk then.
    pub overrides: bool,
    /// Who takes a call that a person should take, E.164.
    pub transfer_to: Option<String>,
    /// Who takes a call that asks for a department; `transfer_to` takes those that name none of them.
    pub departments: Vec<Department>,
    /// Whether that person hears a summary before they are connected.
    pub warm_transfer: bool,
    /// Seconds a transferred call may ring before the contact comes back to the agent.
    pub ring_seconds: u32,
    /// Who takes emergencies, E.164: `#` or one of the words goes there at once.
    pub emergency_to: Option<String>,
    /// Words and phrases that mean an emergency, as [`asks_for_help`] takes them.
    pub emergency_words: Vec<String>,
    /// When calls are answered; none is always.
    pub hours: Option<BusinessHours>,
    /// The time zone of those hours (IANA).
    pub zone: Option<String>,
    /// What callers hear outside of those hours.
    pub after_hours: Option<String>,
    /// What is left on an answering machine.
    pub voicemail: Option<String>,
    /// Whether calls are recorded.
    pub record: bool,
    /// What is said before a call is recorded; none is a sentence of ours. Empty says nothing, for those whose agent says
    /// it in its first sentence.
    pub recording_notice: Option<String>,
    /// Calls at one time, when fewer than the node allows each organisation.
    pub max_calls: Option<u32>,
    /// How often a contact who does not answer is called.
    pub attempts: u32,
    /// Minutes between two such calls.
    pub retry_minutes: u32,
}

/// A part of an organisation that callers can be put through to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Department {
    /// What callers call it.
    pub name: String,
    /// Who takes its calls, E.164.
    pub to: String,
}

impl Default for VoiceProfile {
    fn default() -> Self {
        Self {
            agent_name: "Usher".to_owned(),
            overrides: false,
            transfer_to: None,
            departments: Vec::new(),
            warm_transfer: true,
            ring_seconds: 25,
            emergency_to: None,
            emergency_words: ["emergency", "urgent"].map(str::to_owned).into(),
            hours: None,
            zone: None,
            after_hours: None,
            voicemail: None,
            record: false,
            recording_notice: None,
            max_calls: None,
            attempts: 3,
            retry_minutes: 120,
        }
    }
}

impl VoiceProfile {
    /// Whether one of the words for an emergency was said, and not denied.
    pub fn is_emergency(&self, speech: &str) -> bool {
        asks_for_help(speech, &self.emergency_words)
    }

    fn department_names(&self) -> impl Iterator<Item = &str> {
        self.departments.iter().map(|department| department.name.as_str())
    }

    /// The department that is named in `wish`.
    pub fn department(&self, wish: &str) -> Option<&Department> {
        department_named(wish, self.department_names()).map(|place| &self.departments[place])
    }

    /// Whether the contact asks to be put through to a department.
    pub fn is_department_asked(&self, speech: &str) -> bool {
        department_asked(speech, self.department_names()).is_some()
    }

    /// The number of whoever takes a call that asks for `wish`; `None` when nobody takes calls.
    pub fn person(&self, wish: &str) -> Option<&str> {
        self.department(wish).map(|department| department.to.as_str()).or(self.transfer_to.as_deref())
    }

    /// Whether calls are answered at `now`. Hours without a zone that is known, or written wrongly, are always open:
    /// a caller must not be sent away by a spelling mistake.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let zone = self.zone.as_deref().and_then(|zone| TimeZone::get(zone).ok());
        let (Some(hours), Some(zone)) = (&self.hours, zone) else { return true };
        let local = now.to_jiff().to_zoned(zone);
        let today = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
        let minute = minutes(local.time());
        hours.days[today].iter().any(|(open, close)| match (time_of_day(open), time_of_day(close)) {
            (Some(open), Some(close)) => (open..close).contains(&minute),
            _ => true,
        })
    }
}

fn minutes(time: Time) -> i32 {
    i32::from(time.hour()) * 60 + i32::from(time.minute())
}

/// Minutes since midnight of `HH:MM`; `24:00` is the end of the day.
fn time_of_day(text: &str) -> Option<i32> {
    let (hour, minute) = text.split_once(':')?;
    Some(hour.parse::<i32>().ok()? * 60 + minute.parse::<i32>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from(text.parse::<jiff::Timestamp>().expect("a time"))
    }

    fn office() -> VoiceProfile {
        let nine_to_five = || vec![("09:00".to_owned(), "17:00".to_owned())];
        let mut days: [Vec<(String, String)>; 7] = Default::default();
        for day in &mut days[..5] {
            *day = nine_to_five();
        }
        days[5] = vec![("20:00".to_owned(), "24:00".to_owned())];
        let zone = Some("America/Los_Angeles".to_owned());
        VoiceProfile { hours: Some(BusinessHours { days }), zone, ..VoiceProfile::default() }
    }

    #[test]
    fn calls_are_answered_in_the_hours_of_the_office_where_it_is() {
        let office = office();
        // A Friday in November: Los Angeles is eight hours behind.
        assert!(!office.is_open(at("2026-11-20T16:59:59Z")));
        assert!(office.is_open(at("2026-11-20T17:00:00Z")));
        assert!(office.is_open(at("2026-11-21T00:59:59Z")));
        assert!(!office.is_open(at("2026-11-21T01:00:00Z")));
        assert!(office.is_open(at("2026-11-22T07:59:00Z")), "Saturday until midnight");
        assert!(!office.is_open(at("2026-11-22T20:00:00Z")), "Sunday");
    }

    #[test]
    fn an_office_without_hours_or_with_a_zone_nobody_knows_is_always_open() {
        let sunday = at("2026-11-22T12:00:00Z");
        assert!(VoiceProfile::default().is_open(sunday));
        assert!(VoiceProfile { zone: Some("Mars/Base".to_owned()), ..office() }.is_open(sunday));
    }

    #[test]
    fn an_emergency_is_a_phrase_as_it_was_saved_and_not_its_denial() {
        let emergency_words = ["Gas Leak", "urgent"].map(str::to_owned).into();
        let office = VoiceProfile { emergency_words, ..VoiceProfile::default() };
        assert!(office.is_emergency("we have a gas leak in the kitchen"));
        assert!(!office.is_emergency("it's not urgent"));
    }

    #[test]
    fn a_stored_profile_of_an_older_version_keeps_its_defaults() {
        let profile: VoiceProfile = serde_json::from_str(r#"{"agent_name":"Ada"}"#).expect("a profile");
        assert_eq!(profile, VoiceProfile { agent_name: "Ada".to_owned(), ..VoiceProfile::default() });
    }
}
