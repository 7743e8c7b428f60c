//! The closed list of sentences, and which one an answer that was refused deserves.

use crate::answer::ParseErrorCause;
use crate::flow::FieldType;

macro_rules! sentences {
    ($($name:ident = $key:literal,)*) => {
        /// A sentence of the catalogue. Its words live in `en.json` and `es.json` under [`Sentence::key`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the English text in en.json is the documentation of each sentence")]
        pub enum Sentence { $($name,)* }

        impl Sentence {
            /// Every sentence, in the order of the enum.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its key in the language files.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }
        }
    };
}

sentences! {
    Hello = "hello", HelloName = "hello_name", Intro = "intro", IntroPlain = "intro_plain",
    IntroLink = "intro_link", StopHint = "stop_hint", ThanksForWriting = "thanks_for_writing",
    WelcomeBack = "welcome_back", Ack = "ack", Noted = "noted", NotedItem = "noted_item",
    Updated = "updated", UpdatedPrivate = "updated_private", Unchanged = "unchanged",
    Invalidated = "invalidated", Confirm = "confirm", ConfirmAgain = "confirm_again", Refused = "refused",
    Skipped = "skipped", SkipRequired = "skip_required", SkipRequiredAgain = "skip_required_again", SkipRequiredHuman = "skip_required_human", Help = "help",
    HelpOptions = "help_options", HelpWords = "help_words", Why = "why", HelpKeyword = "help_keyword", BackNone = "back_none",
    Progress = "progress", ProgressOptional = "progress_optional", Human = "human",
    Emergency = "emergency", HumanComplete = "human_complete", HumanAgain = "human_again", AskAnotherWay = "ask_another_way",
    AskAnotherWayOptions = "ask_another_way_options",
    AskAnotherWayWords = "ask_another_way_words", StuckRequired = "stuck_required",
    StuckOptional = "stuck_optional", StillStuck = "still_stuck", Unsure = "unsure",
    SmallGreeting = "small_greeting", SmallThanks = "small_thanks", SmallReady = "small_ready",
    SmallQuestion = "small_question", Later = "later", LaterUntil = "later_until", WhenToday = "when_today", WhenTomorrow = "when_tomorrow", WhenDay = "when_day", RemarkKept = "remark_kept", Bot = "bot",
    Safe = "safe", Upset = "upset", WrongPerson = "wrong_person", Recalled = "recalled",
    RecalledPrivate = "recalled_private", Summary = "summary", SummaryEmpty = "summary_empty",
    YourAnswer = "your_answer", Link = "link", NoLink = "no_link", Complete = "complete", CompleteAgain = "complete_again",
    NextSteps = "next_steps", AlreadyComplete = "already_complete", OptedOut = "opted_out",
    NudgeFirst = "nudge_first", NudgeSecond = "nudge_second", NudgeLast = "nudge_last",
    NudgeHello = "nudge_hello", NudgeHelloName = "nudge_hello_name", NudgeLink = "nudge_link",
    Revisit = "revisit", Keep = "keep", MediaUnexpected = "media_unexpected", SendFile = "send_file",
    FileUnavailable = "file_unavailable", FileRefused = "file_refused", SendFileLater = "send_file_later",
    CallIntro = "call_intro", CallIntroNamed = "call_intro_named", CallBegins = "call_begins",
    CallGoesOn = "call_goes_on", CallResumes = "call_resumes", AfterCall = "after_call",
    AfterCallLink = "after_call_link", CallClosed = "call_closed", CallLinesBusy = "call_lines_busy",
    CallWithoutAgent = "call_without_agent", CallUnheard = "call_unheard", CallGoodbye = "call_goodbye",
    CallTexted = "call_texted", CallOneMoment = "call_one_moment", CallWhichDepartment = "call_which_department", CallDepartment = "call_department", CallHold = "call_hold", CallNobodyFree = "call_nobody_free", CallVoicemail = "call_voicemail",
    CallTextUs = "call_text_us", CallLeaveMessage = "call_leave_message", CallMessageTaken = "call_message_taken",
    CallRecorded = "call_recorded", MissedCall = "missed_call", MissedCallLink = "missed_call_link",
    WhisperOrg = "whisper_org", WhisperCaller = "whisper_caller", WhisperAccept = "whisper_accept",
    ChoicesAloud = "choices_aloud", SaidAt = "said_at", SaidDot = "said_dot",
    SaidDash = "said_dash", SaidUnderscore = "said_underscore", SaidSlash = "said_slash",
    ListAnd = "list_and", ListOr = "list_or", OrgFallback = "org_fallback",   ExampleText = "example_text", ExampleLongText = "example_long_text",
    ExamplePersonName = "example_person_name", ExamplePhone = "example_phone",
    ExampleEmail = "example_email", ExampleUrl = "example_url", ExampleNumber = "example_number",
    ExampleCurrency = "example_currency", ExampleDate = "example_date", ExampleTime = "example_time",
    ExampleBoolean = "example_boolean", ExampleSelect = "example_select",
    ExampleMultiSelect = "example_multi_select", ExampleAddress = "example_address",
    ExampleBusinessHours = "example_business_hours", ExampleFile = "example_file",
    ErrorEmpty = "error_empty", ErrorText = "error_text", ErrorPersonName = "error_person_name",
    ErrorPhone = "error_phone", ErrorEmail = "error_email", ErrorUrl = "error_url",
    ErrorNumber = "error_number", ErrorCurrency = "error_currency", ErrorDate = "error_date",
    ErrorTime = "error_time", ErrorBoolean = "error_boolean", ErrorSelect = "error_select",
    ErrorMultiSelect = "error_multi_select", ErrorAddress = "error_address",
    ErrorBusinessHours = "error_business_hours", ErrorFile = "error_file",
    ErrorPhoneTooShort = "error_phone_too_short", ErrorPhoneTooLong = "error_phone_too_long",
    ErrorPhoneInvalid = "error_phone_invalid", ErrorEmailNoAt = "error_email_no_at",
    ErrorEmailDomain = "error_email_domain", ErrorAmbiguous = "error_ambiguous",
    ErrorNoSuchDate = "error_no_such_date", ErrorNoSuchTime = "error_no_such_time",
    ErrorNotAnOption = "error_not_an_option", ErrorTooShort = "error_too_short",
    ErrorTooLong = "error_too_long", ErrorTooSmall = "error_too_small", ErrorTooLarge = "error_too_large",
    ErrorNotWhole = "error_not_whole", ErrorFileType = "error_file_type",
}

impl Sentence {
    /// An answer of this type, as a person would write it.
    pub const fn example(kind: FieldType) -> Self {
        match kind {
            FieldType::Text => Self::ExampleText,
            FieldType::LongText => Self::ExampleLongText,
            FieldType::PersonName => Self::ExamplePersonName,
            FieldType::Phone => Self::ExamplePhone,
            FieldType::Email => Self::ExampleEmail,
            FieldType::Url => Self::ExampleUrl,
            FieldType::Number => Self::ExampleNumber,
            FieldType::Currency => Self::ExampleCurrency,
            FieldType::Date => Self::ExampleDate,
            FieldType::Time => Self::ExampleTime,
            FieldType::Boolean => Self::ExampleBoolean,
            FieldType::Select => Self::ExampleSelect,
            FieldType::MultiSelect => Self::ExampleMultiSelect,
            FieldType::Address => Self::ExampleAddress,
            FieldType::BusinessHours => Self::ExampleBusinessHours,
            FieldType::File => Self::ExampleFile,
        }
    }

    /// What is said when an answer of this type is refused for this cause.
    pub const fn refusal(cause: &ParseErrorCause, kind: FieldType) -> Self {
        match cause {
            ParseErrorCause::Empty => Self::ErrorEmpty,
            ParseErrorCause::NotRecognised => Self::not_recognised(kind),
            ParseErrorCause::PhoneTooShort => Self::ErrorPhoneTooShort,
            ParseErrorCause::PhoneTooLong => Self::ErrorPhoneTooLong,
            ParseErrorCause::PhoneInvalid => Self::ErrorPhoneInvalid,
            ParseErrorCause::EmailNoAt => Self::ErrorEmailNoAt,
            ParseErrorCause::EmailDomain => Self::ErrorEmailDomain,
            ParseErrorCause::Ambiguous { .. } => Self::ErrorAmbiguous,
            ParseErrorCause::NoSuchDate => Self::ErrorNoSuchDate,
            ParseErrorCause::NoSuchTime => Self::ErrorNoSuchTime,
            ParseErrorCause::NotAnOption => Self::ErrorNotAnOption,
            ParseErrorCause::TooShort { .. } => Self::ErrorTooShort,
            ParseErrorCause::TooLong { .. } => Self::ErrorTooLong,
            ParseErrorCause::TooSmall { .. } => Self::ErrorTooSmall,
            ParseErrorCause::TooLarge { .. } => Self::ErrorTooLarge,
            ParseErrorCause::NotWhole => Self::ErrorNotWhole,
            ParseErrorCause::FileExpected => Self::ErrorFile,
            ParseErrorCause::FileType => Self::ErrorFileType,
        }
    }

    const fn not_recognised(kind: FieldType) -> Self {
        match kind {
            FieldType::Text | FieldType::LongText => Self::ErrorText,
            FieldType::PersonName => Self::ErrorPersonName,
            FieldType::Phone => Self::ErrorPhone,
            FieldType::Email => Self::ErrorEmail,
            FieldType::Url => Self::ErrorUrl,
            FieldType::Number => Self::ErrorNumber,
            FieldType::Currency => Self::ErrorCurrency,
            FieldType::Date => Self::ErrorDate,
            FieldType::Time => Self::ErrorTime,
            FieldType::Boolean => Self::ErrorBoolean,
            FieldType::Select => Self::ErrorSelect,
            FieldType::MultiSelect => Self::ErrorMultiSelect,
            FieldType::Address => Self::ErrorAddress,
            FieldType::BusinessHours => Self::ErrorBusinessHours,
            FieldType::File => Self::ErrorFile,
        }
    }
}
