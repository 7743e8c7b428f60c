//! The engine's closed lists as they appear in the widget's JSON.
//!
//! They are written out again so that the contract carries a schema without the engine knowing of one; the
//! conversions are exhaustive, so a new engine variant does not compile until it is named here.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! mirror {
    ($($(#[$doc:meta])* $name:ident = $source:path { $($(#[$variant_doc:meta])* $variant:ident),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl From<$source> for $name {
            fn from(source: $source) -> Self {
                use $source as Source;
                match source { $(Source::$variant => Self::$variant),* }
            }
        }
    )*};
}

mirror! {
    /// The way a line or an answer came in.
    Channel = usher_conversation::channel::Channel {
        /// Text message.
        Sms,
        /// Telephone call.
        Voice,
        /// Electronic mail.
        Email,
        /// This widget.
        Widget,
    }
    /// Where a session stands.
    SessionStatus = usher_conversation::session::SessionStatus {
        /// Questions are open.
        Active,
        /// Every required question is answered.
        Complete,
        /// The contact asked for silence.
        OptedOut,
        /// A person has been asked to look.
        Escalated,
    }
    /// Who said a line.
    Speaker = usher_conversation::session::Speaker {
        /// The contact.
        Client,
        /// The automated side.
        Bot,
        /// A member of the organisation.
        Staff,
    }
    /// How a call ended.
    CallEnd = usher_conversation::voice::CallEnd {
        /// The client hung up.
        ContactHungUp,
        /// The agent said goodbye.
        Finished,
        /// A person took the call over.
        Transferred,
        /// A machine answered.
        Voicemail,
        /// Nobody answered.
        NoAnswer,
        /// The line was busy.
        Busy,
        /// It could not be connected, or broke.
        Failed,
        /// It was called off before it was answered.
        Canceled,
        /// It lasted as long as a call may.
        TooLong,
        /// The office was closed.
        AfterHours,
        /// All lines were taken.
        LinesBusy,
    }
    /// What kind of answer a field takes; decides the control that is shown.
    FieldType = usher_conversation::flow::FieldType {
        /// One line.
        Text,
        /// Several lines.
        LongText,
        /// A person's name.
        PersonName,
        /// Telephone number.
        Phone,
        /// Email address.
        Email,
        /// Web address.
        Url,
        /// Decimal number.
        Number,
        /// Amount of money.
        Currency,
        /// Calendar date.
        Date,
        /// Time of day.
        Time,
        /// Yes or no.
        Boolean,
        /// One of the options.
        Select,
        /// Some of the options.
        MultiSelect,
        /// Postal address.
        Address,
        /// Opening hours by weekday.
        BusinessHours,
        /// A file.
        File,
    }
}
