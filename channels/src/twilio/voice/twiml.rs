//! The documents that tell Twilio what to do with a call.
//!
//! Verbs run in order; when the document ends, the call is hung up. Attributes left at `None` have Twilio's defaults, and every
//! callback is a POST. Outside text is escaped here and nowhere else.

/// What a document is served as.
pub const CONTENT_TYPE: &str = "text/xml";
/// The largest document Twilio takes, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// The longest document that may stand in a request to the Calls API, in characters.
pub const MAX_INLINE_CHARS: usize = 4_000;
/// A parameter's name and value together stay below this many characters.
const MAX_PARAMETER_CHARS: usize = 500;

/// A document that Twilio would not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TwimlError {
    /// Larger than [`MAX_BYTES`].
    #[error("the document is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// A `<Parameter>` of 500 characters or more.
    #[error("a stream parameter has 500 characters or more")]
    ParameterTooLong,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb<'a> {
    /// Something to hear.
    Prompt(Prompt<'a>),
    /// Collect keys or speech. Without a result the next verb runs, unless `action_on_empty_result`.
    Gather(Gather<'a>),
    /// Hand the call's audio to a socket until it closes.
    Connect(Connect<'a>),
    /// Call others and connect the first who answers.
    Dial(Dial<'a>),
    /// Go on with the document at this URL.
    Redirect(&'a str),
    /// Record the caller.
    Record(Record<'a>),
    /// Record both sides from here to the end of the call, beside whatever else happens on it.
    StartRecording(Recording<'a>),
    /// End the call.
    Hangup,
}

/// Something to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt<'a> {
    /// Speak a text.
    Say(Say<'a>),
    /// Be silent for this many seconds.
    Pause(u32),
}

/// A text to speak.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Say<'a> {
    /// The words.
    pub text: &'a str,
    /// `Polly.Joanna-Neural`.
    pub voice: Option<&'a str>,
    /// `en-US`.
    pub language: Option<&'a str>,
}

impl<'a> Verb<'a> {
    /// A text in Twilio's usual voice.
    pub fn say(text: &'a str) -> Self {
        Self::Prompt(Prompt::Say(Say { text, ..Say::default() }))
    }

    /// Silence, in seconds.
    pub const fn pause(seconds: u32) -> Self {
        Self::Prompt(Prompt::Pause(seconds))
    }
}

/// What a [`Gather`] listens for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Input {
    /// Keys.
    #[default]
    Keys,
    /// Speech.
    Speech,
    /// Whichever comes first.
    Both,
}

/// How long a pause ends speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeechTimeout {
    /// As Twilio judges.
    Auto,
    /// Seconds.
    Seconds(u32),
}

/// Collect keys or speech.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gather<'a> {
    /// What to listen for.
    pub input: Input,
    /// Where the result goes; the document that answers it replaces this one.
    pub action: Option<&'a str>,
    /// Seconds to wait for a first, or a further, key; 5.
    pub timeout_seconds: Option<u32>,
    /// When speech is over.
    pub speech_timeout: Option<SpeechTimeout>,
    /// Ends after this many keys.
    pub digits: Option<u32>,
    /// Ends at this key, `#`; empty for none.
    pub finish_on_key: Option<&'a str>,
    /// `en-US`.
    pub language: Option<&'a str>,
    /// Words to expect, comma-separated.
    pub hints: Option<&'a str>,
    /// `phone_call`, `numbers_and_commands`, ….
    pub speech_model: Option<&'a str>,
    /// Call `action` even without a result.
    pub action_on_empty_result: bool,
    /// What is said meanwhile; speaking or pressing a key stops it.
    pub prompts: &'a [Prompt<'a>],
}

/// Hand the call's audio to a socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connect<'a> {
    /// Asked for a document when the stream is over; otherwise the next verb runs.
    pub action: Option<&'a str>,
    /// `wss://…`, without a query: Twilio strips it.
    pub url: &'a str,
    /// Told when the stream begins, ends or fails.
    pub status_callback: Option<&'a str>,
    /// Handed over in the stream's `start`.
    pub parameters: &'a [(&'a str, &'a str)],
}

/// Call others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dial<'a> {
    /// Told how it went, and answers with what to do next; otherwise the next verb runs.
    pub action: Option<&'a str>,
    /// Seconds of ringing; 30.
    pub timeout_seconds: Option<u32>,
    /// Seconds the connected call may last; 14400.
    pub limit_seconds: Option<u32>,
    /// The number shown to the callee.
    pub caller_id: Option<&'a str>,
    /// The caller hears ringing and the call counts as answered only once the callee has answered.
    pub answer_on_bridge: bool,
    /// The caller ends the other leg with `*`.
    pub hangup_on_star: bool,
    /// Whom; all at the same time.
    pub numbers: &'a [Number<'a>],
}

/// Somebody to call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Number<'a> {
    /// In E.164 form.
    pub number: &'a str,
    /// A document run for the callee alone, before the two are connected.
    pub url: Option<&'a str>,
    /// Told about the leg's four stages.
    pub status_callback: Option<&'a str>,
}

/// Record the caller.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record<'a> {
    /// Told when the caller is done; the document that answers it replaces this one.
    pub action: Option<&'a str>,
    /// Ends after this many seconds of silence; 5.
    pub timeout_seconds: Option<u32>,
    /// Longest recording in seconds; 3600.
    pub max_seconds: Option<u32>,
    /// Ends at one of these keys.
    pub finish_on_key: Option<&'a str>,
    /// Whether a beep comes first; it does.
    pub beep: Option<bool>,
    /// Told when the file is there.
    pub status_callback: Option<&'a str>,
}

/// How a call is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recording<'a> {
    /// One track for each side instead of a mixture.
    pub dual: bool,
    /// Told when the file is there, or not to be had.
    pub status_callback: Option<&'a str>,
}

/// The document that has these verbs.
pub fn document(verbs: &[Verb<'_>]) -> Result<String, TwimlError> {
    let mut xml = Writer(r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#.to_owned());
    for verb in verbs {
        xml.verb(verb)?;
    }
    let Writer(mut document) = xml;
    document.push_str("</Response>");
    if document.len() > MAX_BYTES { Err(TwimlError::TooLarge) } else { Ok(document) }
}

struct Writer(String);

impl Writer {
    fn verb(&mut self, verb: &Verb<'_>) -> Result<(), TwimlError> {
        match verb {
            Verb::Prompt(prompt) => self.prompt(prompt),
            Verb::Gather(gather) => self.gather(gather),
            Verb::Connect(connect) => self.connect(connect)?,
            Verb::Dial(dial) => self.dial(dial),
            Verb::Redirect(url) => self.element("Redirect", |_| {}, url),
            Verb::Record(record) => self.record(record),
            Verb::StartRecording(recording) => self.start_recording(recording),
            Verb::Hangup => self.0.push_str("<Hangup/>"),
        }
        Ok(())
    }

    fn prompt(&mut self, prompt: &Prompt<'_>) {
        match prompt {
            Prompt::Say(say) => self.element(
                "Say",
                |xml| {
                    xml.attribute("voice", say.voice);
                    xml.attribute("language", say.language);
                },
                say.text,
            ),
            Prompt::Pause(seconds) => self.empty("Pause", |xml| xml.number("length", Some(*seconds))),
        }
    }

    fn gather(&mut self, gather: &Gather<'_>) {
        let input = match gather.input {
            Input::Keys => "dtmf",
            Input::Speech => "speech",
            Input::Both => "dtmf speech",
        };
        self.open("Gather", |xml| {
            xml.attribute("input", Some(input));
            xml.attribute("action", gather.action);
            xml.number("timeout", gather.timeout_seconds);
            match gather.speech_timeout {
                None => {}
                Some(SpeechTimeout::Auto) => xml.attribute("speechTimeout", Some("auto")),
                Some(SpeechTimeout::Seconds(seconds)) => xml.number("speechTimeout", Some(seconds)),
            }
            xml.number("numDigits", gather.digits);
            xml.attribute("finishOnKey", gather.finish_on_key);
            xml.attribute("language", gather.language);
            xml.attribute("hints", gather.hints);
            xml.attribute("speechModel", gather.speech_model);
            xml.flag("actionOnEmptyResult", gather.action_on_empty_result.then_some(true));
        });
        for prompt in gather.prompts {
            self.prompt(prompt);
        }
        self.close("Gather");
    }

    fn connect(&mut self, connect: &Connect<'_>) -> Result<(), TwimlError> {
        self.open("Connect", |xml| xml.attribute("action", connect.action));
        self.open("Stream", |xml| {
            xml.attribute("url", Some(connect.url));
            xml.attribute("statusCallback", connect.status_callback);
        });
        for (name, value) in connect.parameters {
            if name.chars().count() + value.chars().count() >= MAX_PARAMETER_CHARS {
                return Err(TwimlError::ParameterTooLong);
            }
            self.empty("Parameter", |xml| {
                xml.attribute("name", Some(name));
                xml.attribute("value", Some(value));
            });
        }
        self.close("Stream");
        self.close("Connect");
        Ok(())
    }

    fn dial(&mut self, dial: &Dial<'_>) {
        self.open("Dial", |xml| {
            xml.attribute("action", dial.action);
            xml.number("timeout", dial.timeout_seconds);
            xml.number("timeLimit", dial.limit_seconds);
            xml.attribute("callerId", dial.caller_id);
            xml.flag("answerOnBridge", dial.answer_on_bridge.then_some(true));
            xml.flag("hangupOnStar", dial.hangup_on_star.then_some(true));
        });
        for number in dial.numbers {
            self.element(
                "Number",
                |xml| {
                    xml.attribute("url", number.url);
                    if number.status_callback.is_some() {
                        let stages = "initiated ringing answered completed";
                        xml.attribute("statusCallbackEvent", Some(stages));
                        xml.attribute("statusCallback", number.status_callback);
                    }
                },
                number.number,
            );
        }
        self.close("Dial");
    }

    fn record(&mut self, record: &Record<'_>) {
        self.empty("Record", |xml| {
            xml.attribute("action", record.action);
            xml.number("timeout", record.timeout_seconds);
            xml.number("maxLength", record.max_seconds);
            xml.attribute("finishOnKey", record.finish_on_key);
            xml.flag("playBeep", record.beep);
            xml.attribute("recordingStatusCallback", record.status_callback);
        });
    }

    fn start_recording(&mut self, recording: &Recording<'_>) {
        self.open("Start", |_| {});
        self.empty("Recording", |xml| {
            xml.attribute("channels", Some(if recording.dual { "dual" } else { "mono" }));
            xml.attribute("track", Some("both"));
            if recording.status_callback.is_some() {
                xml.attribute("recordingStatusCallback", recording.status_callback);
                xml.attribute("recordingStatusCallbackEvent", Some("completed absent"));
            }
        });
        self.close("Start");
    }

    fn element(&mut self, name: &str, attributes: impl FnOnce(&mut Self), text: &str) {
        self.open(name, attributes);
        self.text(text);
        self.close(name);
    }

    fn empty(&mut self, name: &str, attributes: impl FnOnce(&mut Self)) {
        self.0.extend(["<", name]);
        attributes(self);
        self.0.push_str("/>");
    }

    fn open(&mut self, name: &str, attributes: impl FnOnce(&mut Self)) {
        self.0.extend(["<", name]);
        attributes(self);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        self.0.extend(["</", name, ">"]);
    }

    fn attribute(&mut self, name: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        self.0.extend([" ", name, "=\""]);
        self.text(value);
        self.0.push('"');
    }

    fn number(&mut self, name: &str, value: Option<u32>) {
        self.attribute(name, value.map(|value| value.to_string()).as_deref());
    }

    fn flag(&mut self, name: &str, value: Option<bool>) {
        self.attribute(name, value.map(|value| if value { "true" } else { "false" }));
    }

    /// Text for an element or an attribute. What XML 1.0 cannot hold at all is left out.
    fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                // A parser makes spaces of these in an attribute.
                '\t' => self.0.push_str("&#9;"),
                '\n' => self.0.push_str("&#10;"),
                '\r' => self.0.push_str("&#13;"),
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
                other => self.0.push(other),
            }
        }
    }
}

#[cfg(test)]
#[path = "twiml_tests.rs"]
mod tests;
