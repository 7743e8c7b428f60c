//! Twilio's error codes as decisions: what to do about a message that was refused or not delivered.
//!
//! From the error dictionary (one page per code). Twilio gives advice only for some of them (20429, 21610, 30003, 30006);
//! for the others the class is our reading of the page. Codes may change, so an unknown one gets the careful default.

use usher_conversation::ports::Consequence;

/// What a code asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Not processed, or a fault that passes: another try may succeed, not before `after_millis`.
    Retry {
        /// Wait at least this long.
        after_millis: u64,
    },
    /// The recipient opted out: nothing more until they opt in.
    Suppress,
    /// This recipient cannot be reached by text message.
    Unreachable,
    /// Our account, number or request is wrong: a person must look.
    Misconfigured,
}

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

/// The class of a code.
pub const fn classify(code: u32) -> Class {
    match code {
        // Too many requests; "not processed", back off from 100 ms.
        20429 => Class::Retry { after_millis: 100 },
        // The sender's queue holds more than it can send in its validity period.
        21611 | 30001 => Class::Retry { after_millis: 60 * SECOND },
        // Handset off or roaming: Twilio suggests another attempt later. Unknown error: once more.
        30003 | 30008 => Class::Retry { after_millis: 2 * HOUR },
        // The validity period ran out while the message was queued.
        30036 => Class::Retry { after_millis: 0 },
        // "Attempt to send to unsubscribed recipient".
        21610 => Class::Suppress,
        // Not a number; no route for the pair; not a mobile; a landline.
        21211 | 21612 | 21614 | 21635
        // Blocked by the recipient or carrier; unknown handset; landline or unreachable carrier; filtered; no RCS.
        | 30004 | 30005 | 30006 | 30007 | 63036 => Class::Unreachable,
        // Everything else, for instance 20003 authentication, 20404 not found, 21212 and 21606 sender, 21408 geographic
        // permission, 21601 and 21602 request, 21608 trial account, 21617 too long, 21710 and 21714 sender pool, 30002
        // suspended, 30032 and 30034 registration, 63016 outside the WhatsApp window.
        _ => Class::Misconfigured,
    }
}

impl Class {
    /// What a refusal for good means for the person or the organisation.
    pub const fn consequence(self) -> Consequence {
        match self {
            Self::Suppress => Consequence::Suppress,
            Self::Unreachable | Self::Retry { .. } => Consequence::Unreachable,
            Self::Misconfigured => Consequence::Misconfigured,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_with_advice_from_twilio_follow_it() {
        assert_eq!(classify(20429), Class::Retry { after_millis: 100 });
        assert_eq!(classify(21610), Class::Suppress);
        assert!(matches!(classify(30003), Class::Retry { after_millis } if after_millis >= HOUR));
        assert_eq!(classify(30006), Class::Unreachable);
    }

    #[test]
    fn an_unknown_code_asks_for_a_person() {
        assert_eq!(classify(99_999).consequence(), Consequence::Misconfigured);
    }
}
