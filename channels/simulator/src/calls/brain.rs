//! The agent's brain: rules in place of a model. It asks what the client's tools tell it to ask.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// What the agent does next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    /// Says something.
    Speak(String),
    /// Has a tool of the client run.
    Call {
        /// Its name.
        tool: &'static str,
        /// Its parameters.
        parameters: Value,
    },
    /// Ends the conversation when everything was said.
    End,
}

/// Why a question was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// The conversation begins: the first message may hold the question.
    First,
    /// Something happened that these words answer.
    After(&'static str),
}

/// What a note in the contact's place asks of the agent. A model would read it; rules go by its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// It was broken off for nothing.
    GoOn,
    /// Nobody has said anything for long.
    AskWhetherThere,
    /// The call has to end.
    SayGoodbye,
    /// A transfer came to nothing.
    SayNobodyIsFree,
    /// Something arrived by another way.
    Note,
}

impl Direction {
    fn of(text: &str) -> Self {
        let words = text.to_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
        if !words.starts_with('(') {
            Self::Note
        } else if has(&["say goodbye"]) {
            Self::SayGoodbye
        } else if has(&["still there"]) {
            Self::AskWhetherThere
        } else if has(&["nobody could be connected"]) {
            Self::SayNobodyIsFree
        } else if has(&["go on", "continue", "finish your sentence", "again"]) {
            Self::GoOn
        } else {
            Self::Note
        }
    }
}

/// What a conversation has come to.
pub(crate) struct Brain {
    tools: BTreeSet<String>,
    first_message: String,
    /// The field that was asked for, and the one before.
    pending: Option<String>,
    answered: Option<String>,
    asking: Asking,
    last_said: String,
    ending: bool,
    /// The contact has said something: their words come before any question of ours.
    addressed: bool,
    silences: u32,
}

impl Brain {
    pub(crate) fn new(tools: impl IntoIterator<Item = String>, first_message: String) -> Self {
        Self {
            tools: tools.into_iter().collect(),
            first_message,
            pending: None,
            answered: None,
            asking: Asking::First,
            last_said: String::new(),
            ending: false,
            addressed: false,
            silences: 0,
        }
    }

    fn call(&self, tool: &'static str, parameters: Value) -> Option<Act> {
        self.tools.contains(tool).then_some(Act::Call { tool, parameters })
    }

    fn say(&mut self, text: impl Into<String>) -> Act {
        let text = text.into();
        self.last_said.clone_from(&text);
        Act::Speak(text)
    }

    /// The conversation begins.
    pub(crate) fn begin(&mut self) -> Vec<Act> {
        let mut acts = Vec::new();
        if !self.first_message.is_empty() {
            acts.push(self.say(self.first_message.clone()));
        }
        acts.extend(self.call("get_next_question", json!({})));
        acts
    }

    /// The contact has said something.
    pub(crate) fn heard(&mut self, text: &str) -> Vec<Act> {
        self.silences = 0;
        self.addressed = true;
        let words = text.to_lowercase();
        let words = words.trim_matches(|c: char| !c.is_alphanumeric() && c != '?');
        let has = |part: &[&str]| part.iter().any(|part| words.contains(part));
        if matches!(words, "bye" | "goodbye" | "good bye" | "hang up" | "that is all" | "that's all") {
            return self.end("the contact said goodbye");
        }
        let act = if has(&["transfer me", "put me through", "connect me"]) {
            self.call("transfer", whom(words))
        } else if has(&[
            "emergency",
            "human",
            "real person",
            "a person",
            "representative",
            "speak to someone",
        ]) {
            self.call("escalate", json!({ "reason": text }))
        } else if let Some(value) = correction(text) {
            let field = self.answered.clone().or_else(|| self.pending.clone());
            field.and_then(|field| self.call("correct_answer", json!({ "field": field, "value": value })))
        } else if is_question(words) {
            self.call("answer_question", json!({ "question": text }))
        } else {
            let parameters = match &self.pending {
                Some(field) => json!({ "field": field, "value": text }),
                None => json!({ "value": text }),
            };
            self.call("record_answer", parameters)
        };
        act.map_or_else(|| vec![self.say("Thank you.")], |act| vec![act])
    }

    /// The client wrote in the contact's place: what the contact typed, or a note about what happens.
    pub(crate) fn told(&mut self, text: &str) -> Vec<Act> {
        if !is_note(text) {
            return self.heard(text);
        }
        self.silences = 0;
        match Direction::of(text) {
            Direction::GoOn => vec![self.say(self.last_said.clone())],
            // Not kept as its last words: who goes on afterwards does not ask this again.
            Direction::AskWhetherThere => vec![Act::Speak("Are you still there?".to_owned())],
            // Whoever asked for it ends the call.
            Direction::SayGoodbye => vec![Act::Speak("Thank you for your time. Goodbye!".to_owned())],
            Direction::SayNobodyIsFree => self.look_again("Sorry, nobody can take your call just now."),
            Direction::Note => self.look_again("Got it, thanks."),
        }
    }

    /// Says something and goes on with what is to be asked now.
    fn look_again(&mut self, words: &'static str) -> Vec<Act> {
        self.asking = Asking::After(words);
        let act = self.call("get_next_question", json!({}));
        act.map_or_else(|| vec![self.say(words)], |act| vec![act])
    }

    /// Nobody has said anything for a while.
    pub(crate) fn silent(&mut self) -> Vec<Act> {
        self.silences += 1;
        match self.silences {
            1 => vec![Act::Speak("Are you still there?".to_owned())],
            2 => vec![Act::Speak(self.last_said.clone())],
            _ => Vec::new(),
        }
    }

    /// A tool of the client has answered, or failed.
    pub(crate) fn result(&mut self, tool: &str, result: &str, is_error: bool) -> Vec<Act> {
        let answer: Value = serde_json::from_str(result).unwrap_or(Value::Null);
        let said = answer["say"].as_str().unwrap_or_default().trim().to_owned();
        let question = &answer["next_question"];
        let asked = question["question"].as_str().unwrap_or_default().to_owned();
        let ok = !is_error && answer["ok"] != false;
        if ok && matches!(tool, "record_answer" | "correct_answer") {
            self.answered = self.pending.take();
        }
        if let Some(field) = question["field"].as_str() {
            self.pending = Some(field.to_owned());
        }
        if tool == "end_call" {
            return vec![Act::End];
        }
        let mut text = joined(&said, &asked);
        match self.asking {
            Asking::First if tool == "get_next_question" && !asked.is_empty() => {
                self.asking = Asking::After("Got it, thanks.");
                if self.addressed || self.first_message.contains(&asked) {
                    return Vec::new();
                }
            }
            Asking::After(words) if tool == "get_next_question" => text = joined(words, &text),
            Asking::First | Asking::After(_) if text.is_empty() => {
                text = if ok {
                    "Thank you.".to_owned()
                } else {
                    format!("Sorry, I did not get that. {}", self.last_said)
                };
            }
            Asking::First | Asking::After(_) => {}
        }
        let mut acts = vec![self.say(text)];
        if answer["complete"] == true && tool != "transfer" && tool != "escalate" {
            acts.extend(self.end("every question is answered"));
        }
        acts
    }

    fn end(&mut self, reason: &str) -> Vec<Act> {
        if std::mem::replace(&mut self.ending, true) {
            return Vec::new();
        }
        let goodbye = Act::Speak("Thank you for your time. Goodbye!".to_owned());
        let end = self.call("end_call", json!({ "reason": reason })).unwrap_or(Act::End);
        vec![goodbye, end]
    }
}

/// What was said, and the question unless it was part of it.
fn joined(said: &str, question: &str) -> String {
    if said.is_empty() || said.contains(question) && !said.is_empty() && question.is_empty() {
        return if said.is_empty() { question.to_owned() } else { said.to_owned() };
    }
    if said.contains(question) { said.to_owned() } else { format!("{said} {question}") }
}

/// The new value, when the words take something back.
fn correction(text: &str) -> Option<&str> {
    let openings = [
        "actually,",
        "actually",
        "correction:",
        "correction",
        "no, it is",
        "no, it's",
        "i meant",
        "sorry, it is",
    ];
    let lower = text.to_lowercase();
    let opening = openings.iter().find(|opening| lower.starts_with(**opening))?;
    // The openings are ASCII, so they are as long in the original.
    let rest = text.get(opening.len()..)?.trim();
    let rest = rest.strip_prefix("it is ").or_else(|| rest.strip_prefix("it's ")).unwrap_or(rest);
    (!rest.is_empty()).then_some(rest)
}

/// Whether words tell of something instead of answering. A model would know; rules go by how such notes begin.
fn is_note(text: &str) -> bool {
    ["(", "I have just sent ", "I have typed ", "I pressed "].iter().any(|opening| text.starts_with(opening))
}

fn is_question(words: &str) -> bool {
    let first = words.split_whitespace().next().unwrap_or_default();
    words.ends_with('?')
        || matches!(first, "what" | "why" | "how" | "when" | "who" | "where" | "do" | "does" | "can" | "is")
}

/// Whom the contact asked for.
fn whom(words: &str) -> Value {
    words.split_once(" to ").map_or_else(|| json!({}), |(_, to)| json!({ "to": to }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brain(first_message: &str) -> Brain {
        let tools = [
            "get_next_question",
            "record_answer",
            "correct_answer",
            "answer_question",
            "escalate",
            "end_call",
        ];
        Brain::new(tools.map(str::to_owned), first_message.to_owned())
    }

    fn next(question: &str) -> String {
        json!({ "ok": true, "say": question, "next_question": { "field": "website", "question": question } })
            .to_string()
    }

    #[test]
    fn it_asks_what_the_tools_say_and_records_what_it_hears() {
        let mut brain = brain("Hi Dana.");
        assert_eq!(brain.begin().len(), 2);
        let asked = brain.result("get_next_question", &next("What is your website?"), false);
        assert_eq!(asked, [Act::Speak("What is your website?".into())]);
        let parameters = json!({ "field": "website", "value": "acme.com" });
        assert_eq!(brain.heard("acme.com"), [Act::Call { tool: "record_answer", parameters }]);
        let done = json!({ "ok": true, "say": "That is all.", "complete": true }).to_string();
        let acts = brain.result("record_answer", &done, false);
        assert_eq!(acts[0], Act::Speak("That is all.".into()));
        assert!(matches!(&acts[2], Act::Call { tool: "end_call", .. }));
        assert_eq!(brain.result("end_call", "{}", false), [Act::End]);
    }

    #[test]
    fn a_question_in_the_first_message_is_not_asked_twice() {
        let mut brain = brain("Hi Dana. What is your website?");
        brain.begin();
        assert_eq!(brain.result("get_next_question", &next("What is your website?"), false), []);
    }

    #[test]
    fn what_the_contact_has_said_comes_before_the_first_question() {
        let mut brain = brain("");
        brain.begin();
        let parameters = json!({ "value": "acme.com" });
        assert_eq!(brain.told("acme.com"), [Act::Call { tool: "record_answer", parameters }]);
        assert_eq!(brain.result("get_next_question", &next("What is your website?"), false), []);
        let acts = brain.result("record_answer", &next("How old is it?"), false);
        assert_eq!(acts, [Act::Speak("How old is it?".into())]);
    }

    #[test]
    fn stage_directions_are_followed() {
        let mut brain = brain("");
        brain.result("get_next_question", &next("What is your website?"), false);
        let say = |words: &str| vec![Act::Speak(words.to_owned())];
        let silent = "(The contact has been silent for a while. Ask briefly whether they are still there.)";
        assert_eq!(brain.told(silent), say("Are you still there?"));
        let late = "(The call has lasted as long as it may. Say goodbye now, in one sentence.)";
        assert_eq!(brain.told(late), say("Thank you for your time. Goodbye!"));
        let noise = "(Nobody said anything; it was only noise. Say your last sentence again.)";
        assert_eq!(brain.told(noise), say("What is your website?"));
        brain.told("(Nobody could be connected. Say so, and offer that somebody calls back.)");
        let acts = brain.result("get_next_question", &next("What is your website?"), false);
        assert_eq!(acts, say("Sorry, nobody can take your call just now. What is your website?"));
    }

    #[test]
    fn words_are_told_apart() {
        let mut brain = brain("");
        brain.result("get_next_question", &next("What is your website?"), false);
        let tool = |acts: Vec<Act>| match acts.into_iter().find(|act| matches!(act, Act::Call { .. })) {
            Some(Act::Call { tool, .. }) => tool,
            _ => "none",
        };
        assert_eq!(tool(brain.heard("Why do you need that?")), "answer_question");
        assert_eq!(tool(brain.heard("I want to talk to a human")), "escalate");
        assert_eq!(tool(brain.heard("Actually, it is beta.com")), "correct_answer");
        assert_eq!(tool(brain.heard("Goodbye!")), "end_call");
        assert_eq!(tool(brain.told("I have just sent my email")), "get_next_question");
        let acts = brain.result("get_next_question", &next("How old is it?"), false);
        assert_eq!(acts, [Act::Speak("Got it, thanks. How old is it?".into())]);
        assert_eq!(brain.told("(It was only noise. Go on after these words of yours: \"Got it\")"), acts);
        assert_eq!(
            tool(brain.told("Rivera Dental")),
            "record_answer",
            "typed words answer as spoken ones do"
        );
    }
}
