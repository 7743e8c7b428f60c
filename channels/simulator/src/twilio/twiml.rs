//! The answer to a webhook: `TwiML`, or plain text.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// A message that the answer asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyMessage {
    /// To whom; the sender of the message that is answered when not said.
    pub to: Option<String>,
    /// From which number; the one that was texted when not said.
    pub from: Option<String>,
    /// The words, trimmed.
    pub body: String,
    /// Addresses of files, as written.
    pub media: Vec<String>,
    /// Where the message's fate is to be reported, as written.
    pub status_callback: Option<String>,
}

/// An answer that cannot be used, by the code the vendor logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwimlError {
    /// 12100.
    Parse,
    /// 12300.
    ContentType,
}

impl TwimlError {
    /// The vendor's number for it.
    pub const fn code(self) -> u32 {
        match self {
            Self::Parse => 12100,
            Self::ContentType => 12300,
        }
    }
}

/// Reads the answer to a message webhook.
///
/// # Errors
/// [`TwimlError`], for which the vendor sends nothing and logs a warning.
pub fn read(content_type: &str, body: &str) -> Result<Vec<ReplyMessage>, TwimlError> {
    if body.trim().is_empty() {
        return Ok(Vec::new());
    }
    match content_type.split(';').next().unwrap_or_default().trim() {
        "text/xml" | "application/xml" => parse(body),
        "text/plain" => Ok(vec![ReplyMessage { body: body.to_owned(), ..ReplyMessage::default() }]),
        _ => Err(TwimlError::ContentType),
    }
}

/// Where the text that is being read belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Response,
    Message,
    Body,
    Media,
    /// Inside a verb that is no message.
    Other,
}

fn parse(xml: &str) -> Result<Vec<ReplyMessage>, TwimlError> {
    let mut reader = Reader::from_str(xml);
    let mut messages: Vec<ReplyMessage> = Vec::new();
    let mut stack = vec![Place::Outside];
    let mut seen_response = false;
    loop {
        let place = stack.last().copied().unwrap_or(Place::Outside);
        match reader.read_event().map_err(|_| TwimlError::Parse)? {
            Event::Start(tag) => {
                let inner = enter(place, &tag, &mut messages)?;
                seen_response |= inner == Place::Response;
                stack.push(inner);
            }
            Event::Empty(tag) => seen_response |= enter(place, &tag, &mut messages)? == Place::Response,
            Event::End(_) => {
                stack.pop();
            }
            Event::Text(text) => add(
                place,
                &text.xml_content(XmlVersion::Implicit1_0).map_err(|_| TwimlError::Parse)?,
                &mut messages,
            )?,
            Event::CData(text) => add(place, &text.decode().map_err(|_| TwimlError::Parse)?, &mut messages)?,
            Event::GeneralRef(name) => {
                let character = name.resolve_char_ref().map_err(|_| TwimlError::Parse)?;
                let resolved = if let Some(character) = character {
                    character.to_string()
                } else {
                    let name = name.decode().map_err(|_| TwimlError::Parse)?;
                    let text = quick_xml::escape::resolve_predefined_entity(&name);
                    text.ok_or(TwimlError::Parse)?.to_owned()
                };
                add(place, &resolved, &mut messages)?;
            }
            Event::DocType(_) => return Err(TwimlError::Parse),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if stack.len() != 1 || !seen_response {
        return Err(TwimlError::Parse);
    }
    for message in &mut messages {
        message.body = message.body.trim().to_owned();
    }
    messages.retain(|message| !message.body.is_empty() || !message.media.is_empty());
    Ok(messages)
}

fn enter(place: Place, tag: &BytesStart<'_>, messages: &mut Vec<ReplyMessage>) -> Result<Place, TwimlError> {
    Ok(match (place, tag.name().as_ref()) {
        (Place::Outside, b"Response") => Place::Response,
        (Place::Outside, _) => return Err(TwimlError::Parse),
        (Place::Response, b"Message") => {
            messages.push(message(tag)?);
            Place::Message
        }
        (Place::Message, b"Body") => Place::Body,
        (Place::Message, b"Media") => {
            if let Some(message) = messages.last_mut() {
                message.media.push(String::new());
            }
            Place::Media
        }
        _ => Place::Other,
    })
}

fn message(tag: &BytesStart<'_>) -> Result<ReplyMessage, TwimlError> {
    let mut message = ReplyMessage::default();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_| TwimlError::Parse)?;
        let raw = std::str::from_utf8(&attribute.value).map_err(|_| TwimlError::Parse)?;
        let value = quick_xml::escape::unescape(raw).map_err(|_| TwimlError::Parse)?.into_owned();
        match attribute.key.as_ref() {
            b"to" => message.to = Some(value),
            b"from" => message.from = Some(value),
            b"action" | b"statusCallback" => message.status_callback = Some(value),
            _ => {}
        }
    }
    Ok(message)
}

fn add(place: Place, text: &str, messages: &mut [ReplyMessage]) -> Result<(), TwimlError> {
    match (place, messages.last_mut()) {
        (Place::Message | Place::Body, Some(message)) => message.body.push_str(text),
        (Place::Media, Some(message)) => {
            if let Some(url) = message.media.last_mut() {
                url.push_str(text.trim());
            }
        }
        (Place::Outside, _) if !text.trim().is_empty() => return Err(TwimlError::Parse),
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(xml: &str) -> Result<Vec<String>, TwimlError> {
        read("text/xml; charset=utf-8", xml).map(|messages| messages.into_iter().map(|m| m.body).collect())
    }

    #[test]
    fn messages_are_read_with_their_attributes_and_children() {
        let xml = r#"<?xml version="1.0" encoding="UTF-8"?>
            <Response>
              <Message to="+14155550100" action="https://a.example/?x=1&amp;y=2">
                <Body>Hi &amp; welcome &#128075;</Body>
                <Media>https://a.example/card.png</Media>
              </Message>
              <Message>plain <![CDATA[<b>]]></Message>
            </Response>"#;
        let messages = read("application/xml", xml).expect("well formed");
        assert_eq!(messages[0].body, "Hi & welcome 👋");
        assert_eq!(messages[0].media, ["https://a.example/card.png"]);
        assert_eq!(messages[0].to.as_deref(), Some("+14155550100"));
        assert_eq!(messages[0].status_callback.as_deref(), Some("https://a.example/?x=1&y=2"));
        assert_eq!(messages[1].body, "plain <b>");
    }

    #[test]
    fn no_reply_and_plain_text_are_understood_and_anything_else_is_an_error() {
        assert_eq!(bodies("<Response/>"), Ok(vec![]));
        assert_eq!(bodies(""), Ok(vec![]));
        assert_eq!(read("text/plain", "hello").map(|m| m.len()), Ok(1));
        assert_eq!(read("application/json", "{}"), Err(TwimlError::ContentType));
        for broken in ["<Response>", "<Message/>", "hello", "<Response></Message>", "<!DOCTYPE x><Response/>"]
        {
            assert_eq!(bodies(broken), Err(TwimlError::Parse), "{broken}");
        }
    }
}
