//! Voice TwiML: reading a document and refusing what the vendor refuses.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Larger answers are not read.
const MAX_BYTES: usize = 64 * 1024;
const MAX_DEPTH: usize = 8;

/// An element with its attributes, elements and words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    pub(crate) text: String,
}

impl Element {
    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A number attribute; one that is no number counts as absent, as at the vendor.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.attribute(name)?.trim().parse().ok()
    }

    /// Whether an attribute says yes.
    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.attribute(name).map_or(default, |value| value.eq_ignore_ascii_case("true"))
    }

    /// The method an `action` or `url` is asked with.
    pub(crate) fn method(&self) -> String {
        self.attribute("method").unwrap_or("POST").to_ascii_uppercase()
    }
}

/// Why a document cannot be followed: the code and the words the vendor logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentError {
    pub(crate) code: u32,
    pub(crate) message: String,
}

fn error(code: u32, message: impl Into<String>) -> DocumentError {
    DocumentError { code, message: message.into() }
}

/// Reads the answer to a voice webhook.
pub(crate) fn read(content_type: &str, body: &str) -> Result<Vec<Element>, DocumentError> {
    match content_type.split(';').next().unwrap_or_default().trim() {
        "text/xml" | "application/xml" | "text/html" => parse(body),
        "text/plain" => Ok(vec![Element { name: "Say".into(), text: body.into(), ..Element::default() }]),
        other => Err(error(12_300, format!("Invalid Content-Type: {other}"))),
    }
}

/// Reads a document.
pub(crate) fn parse(xml: &str) -> Result<Vec<Element>, DocumentError> {
    if xml.len() > MAX_BYTES {
        return Err(error(11_750, "TwiML response body too large"));
    }
    let root = tree(xml)?;
    if root.name != "Response" {
        return Err(error(12_100, format!("Document must start with <Response>, not <{}>", root.name)));
    }
    root.children.iter().try_for_each(|verb| check(verb, "Response"))?;
    Ok(root.children)
}

fn broken() -> DocumentError {
    error(12_100, "Document parse failure")
}

fn tree(xml: &str) -> Result<Element, DocumentError> {
    let mut reader = Reader::from_str(xml);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        let text = match reader.read_event().map_err(|_| broken())? {
            Event::Start(tag) => {
                if open.len() == MAX_DEPTH || root.is_some() {
                    return Err(broken());
                }
                open.push(element(&tag)?);
                continue;
            }
            Event::Empty(tag) => {
                let element = element(&tag)?;
                close(element, &mut open, &mut root)?;
                continue;
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(broken)?;
                close(element, &mut open, &mut root)?;
                continue;
            }
            Event::Text(text) => {
                text.xml_content(XmlVersion::Implicit1_0).map_err(|_| broken())?.into_owned()
            }
            Event::CData(text) => text.decode().map_err(|_| broken())?.into_owned(),
            Event::GeneralRef(name) => {
                if let Some(character) = name.resolve_char_ref().map_err(|_| broken())? {
                    character.to_string()
                } else {
                    let name = name.decode().map_err(|_| broken())?;
                    quick_xml::escape::resolve_predefined_entity(&name).ok_or_else(broken)?.to_owned()
                }
            }
            Event::DocType(_) => return Err(broken()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
            Event::Eof => break,
        };
        match open.last_mut() {
            Some(element) => element.text.push_str(&text),
            None if text.trim().is_empty() => {}
            None => return Err(broken()),
        }
    }
    if open.is_empty() { root.ok_or_else(broken) } else { Err(broken()) }
}

fn close(
    mut element: Element,
    open: &mut [Element],
    root: &mut Option<Element>,
) -> Result<(), DocumentError> {
    let text = element.text.trim().to_owned();
    element.text = text;
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_none() => *root = Some(element),
        None => return Err(broken()),
    }
    Ok(())
}

fn element(tag: &BytesStart<'_>) -> Result<Element, DocumentError> {
    let name = String::from_utf8(tag.name().as_ref().to_vec()).map_err(|_| broken())?;
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_| broken())?;
        let name = std::str::from_utf8(attribute.key.as_ref()).map_err(|_| broken())?;
        let raw = std::str::from_utf8(&attribute.value).map_err(|_| broken())?;
        let value = quick_xml::escape::unescape(raw).map_err(|_| broken())?;
        attributes.push((name.to_owned(), value.into_owned()));
    }
    Ok(Element { name, attributes, ..Element::default() })
}

/// Which elements may stand in which.
const CHILDREN: &[(&str, &[&str])] = &[
    (
        "Response",
        &[
            "Say", "Play", "Pause", "Gather", "Connect", "Start", "Stop", "Dial", "Redirect", "Record",
            "Reject", "Hangup",
        ],
    ),
    ("Gather", &["Say", "Play", "Pause"]),
    ("Connect", &["Stream"]),
    ("Start", &["Stream", "Recording"]),
    ("Stop", &["Stream", "Recording"]),
    ("Stream", &["Parameter"]),
    ("Dial", &["Number"]),
];

/// Words that SSML allows inside `<Say>`.
const SSML: &[&str] =
    &["break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w", "amazon:effect"];

fn check(element: &Element, parent: &str) -> Result<(), DocumentError> {
    let allowed = CHILDREN.iter().find(|(name, _)| *name == parent).map_or(&[][..], |(_, children)| children);
    let known = allowed.contains(&element.name.as_str())
        || (matches!(parent, "Say" | "prosody" | "p" | "s" | "lang")
            && SSML.contains(&element.name.as_str()));
    if !known {
        return Err(error(12_200, format!("Schema validation: <{}> in <{parent}>", element.name)));
    }
    for child in &element.children {
        check(child, &element.name)?;
    }
    let missing =
        |what: &str| Err(error(12_200, format!("Schema validation: <{}> needs {what}", element.name)));
    match element.name.as_str() {
        "Connect" if element.children.len() != 1 => missing("exactly one noun"),
        "Stream" if parent != "Stop" && element.attribute("url").is_none() => missing("a url"),
        "Redirect" if element.text.is_empty() => missing("a URL"),
        "Dial" if element.text.is_empty() && element.children.is_empty() => missing("a number"),
        "Parameter" => check_parameter(element),
        _ => Ok(()),
    }
}

fn check_parameter(element: &Element) -> Result<(), DocumentError> {
    let name = element.attribute("name").unwrap_or_default();
    let length = name.len() + element.attribute("value").unwrap_or_default().len();
    if name.is_empty() || length >= 500 {
        return Err(error(
            12_200,
            "Schema validation: <Parameter> needs a name, and less than 500 characters",
        ));
    }
    Ok(())
}

/// Everything said inside an element, SSML included.
pub(crate) fn words(element: &Element) -> String {
    let inner = element.children.iter().map(words);
    std::iter::once(element.text.clone())
        .chain(inner)
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(xml: &str) -> u32 {
        parse(xml).expect_err(xml).code
    }

    #[test]
    fn a_document_is_read_with_its_attributes_and_nouns() {
        let verbs = parse(
            r#"<?xml version="1.0" encoding="UTF-8"?>
            <Response><!-- first --><Say voice="a">One &amp; <break/>two&#33;</Say>
            <Connect action="https://a.example/?x=1&amp;y=2"><Stream url="wss://a.example/s">
              <Parameter name="token" value="&quot;"/></Stream></Connect><Hangup/></Response>"#,
        )
        .expect("well formed");
        assert_eq!(
            verbs.iter().map(|verb| verb.name.as_str()).collect::<Vec<_>>(),
            ["Say", "Connect", "Hangup"]
        );
        assert_eq!(verbs[0].text, "One & two!");
        assert_eq!(verbs[1].attribute("action"), Some("https://a.example/?x=1&y=2"));
        assert_eq!(verbs[1].children[0].children[0].attribute("value"), Some("\""));
        assert_eq!(parse("<Response/>").map(|verbs| verbs.len()), Ok(0));
    }

    #[test]
    fn what_the_vendor_does_not_know_is_an_error() {
        for schema in [
            "<Response><Message>hi</Message></Response>",
            "<Response><say>hi</say></Response>",
            "<Response><Connect/></Response>",
            "<Response><Connect><Stream/></Connect></Response>",
            "<Response><Gather><Dial>+1</Dial></Gather></Response>",
            "<Response><Redirect/></Response>",
            r#"<Response><Connect><Stream url="wss://a"><Parameter value="x"/></Stream></Connect></Response>"#,
        ] {
            assert_eq!(code(schema), 12_200, "{schema}");
        }
        for broken in
            ["", "hi", "<Response>", "<Say>hi</Say>", "<!DOCTYPE x><Response/>", "<Response/><Response/>"]
        {
            assert_eq!(code(broken), 12_100, "{broken}");
        }
        assert_eq!(code(&format!("<Response><Say>{}</Say></Response>", "x".repeat(65_536))), 11_750);
        assert_eq!(read("application/json", "{}").expect_err("no XML").code, 12_300);
    }
}
