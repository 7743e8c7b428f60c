//! What the widget sends.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{MAX_KEY_BYTES, MAX_TEXT_CHARS};

/// Body of `POST /api/widget/response`: an answer, a skip, or free words.
///
/// Exactly one of `field` with `value`, `field` with `skip`, and `text` must be there;
/// [`ResponseRequest::input`] checks it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResponseRequest {
    /// The session's id or a resume-link token.
    pub session_id: String,
    /// Which question is answered or skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What was entered: text as typed, or the answer's normalised JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
    /// `true` to leave an optional question out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<bool>,
    /// Free words of the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Chosen by the client, the same for every try; the header `Idempotency-Key` may carry it instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// What a well-formed request asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// An answer to one question.
    Answer {
        /// The question.
        field: String,
        /// Text as typed, or normalised JSON.
        value: serde_json::Value,
    },
    /// An optional question is left out.
    Skip {
        /// The question.
        field: String,
    },
    /// Words of the chat.
    Text {
        /// As typed.
        text: String,
    },
}

/// A request of the wrong shape; the words are for the developer who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedResponse {
    /// Not exactly one of the three forms.
    #[error("send either `field` with `value`, or `field` with `skip: true`, or `text`")]
    Shape,
    /// The key is missing, too long, or not printable ASCII.
    #[error("`idempotencyKey` must be 1 to {MAX_KEY_BYTES} printable ASCII characters")]
    Key,
    /// The words are longer than anyone types.
    #[error("text may have at most {MAX_TEXT_CHARS} characters")]
    TooLong,
}

impl ResponseRequest {
    /// What is asked for, when the request has one of the three forms.
    ///
    /// # Errors
    /// [`MalformedResponse`] says which rule is broken.
    pub fn input(&self) -> Result<Input, MalformedResponse> {
        let words = self.text.as_deref().or(self.value.as_ref().and_then(serde_json::Value::as_str));
        if words.is_some_and(|words| words.chars().count() > MAX_TEXT_CHARS) {
            return Err(MalformedResponse::TooLong);
        }
        match (&self.field, &self.value, self.skip, &self.text) {
            (Some(field), Some(value), None | Some(false), None) => {
                Ok(Input::Answer { field: field.clone(), value: value.clone() })
            }
            (Some(field), None, Some(true), None) => Ok(Input::Skip { field: field.clone() }),
            (None, None, None | Some(false), Some(text)) => Ok(Input::Text { text: text.clone() }),
            _ => Err(MalformedResponse::Shape),
        }
    }

    /// The idempotency key: the body's, else the header's.
    ///
    /// # Errors
    /// [`MalformedResponse::Key`] when there is none, or it is not printable ASCII of the allowed length.
    pub fn key<'a>(&'a self, header: Option<&'a str>) -> Result<&'a str, MalformedResponse> {
        check_key(self.idempotency_key.as_deref().or(header))
    }
}

fn check_key(key: Option<&str>) -> Result<&str, MalformedResponse> {
    key.filter(|key| (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()))
        .ok_or(MalformedResponse::Key)
}

/// Query of `POST /api/widget/upload`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UploadQuery {
    /// The session's id or a resume-link token.
    pub session_id: String,
    /// Which question the file answers.
    pub field: String,
    /// Chosen by the client, the same for every try.
    pub idempotency_key: String,
}

impl UploadQuery {
    /// The idempotency key, checked.
    ///
    /// # Errors
    /// [`MalformedResponse::Key`] when it is not printable ASCII of the allowed length.
    pub fn key(&self) -> Result<&str, MalformedResponse> {
        check_key(Some(&self.idempotency_key))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(body: serde_json::Value) -> ResponseRequest {
        serde_json::from_value(body).expect("a request")
    }

    #[test]
    fn each_of_the_three_forms_is_understood() {
        let answer =
            request(json!({"sessionId": "ses_1", "field": "site", "value": {"a": 1}, "idempotencyKey": "k"}));
        assert_eq!(answer.input(), Ok(Input::Answer { field: "site".into(), value: json!({"a": 1}) }));
        let skip =
            request(json!({"sessionId": "ses_1", "field": "site", "skip": true, "idempotencyKey": "k"}));
        assert_eq!(skip.input(), Ok(Input::Skip { field: "site".into() }));
        let text = request(json!({"sessionId": "ses_1", "text": "hello", "idempotencyKey": "k"}));
        assert_eq!(text.input(), Ok(Input::Text { text: "hello".into() }));
    }

    #[test]
    fn mixtures_and_fragments_of_the_forms_are_refused() {
        for body in [
            json!({"sessionId": "s"}),
            json!({"sessionId": "s", "field": "f"}),
            json!({"sessionId": "s", "value": "v"}),
            json!({"sessionId": "s", "field": "f", "value": "v", "text": "t"}),
            json!({"sessionId": "s", "field": "f", "value": "v", "skip": true}),
            json!({"sessionId": "s", "skip": true}),
        ] {
            assert_eq!(request(body.clone()).input(), Err(MalformedResponse::Shape), "{body}");
        }
    }

    #[test]
    fn an_unknown_member_is_refused_by_name() {
        let body = json!({"sessionId": "s", "fieldKey": "f", "response": "v"});
        let error = serde_json::from_value::<ResponseRequest>(body).expect_err("unknown members");
        assert!(error.to_string().contains("fieldKey"), "{error}");
    }

    #[test]
    fn the_key_comes_from_the_body_before_the_header_and_is_bounded() {
        let with = request(json!({"sessionId": "s", "text": "t", "idempotencyKey": "body"}));
        assert_eq!(with.key(Some("header")), Ok("body"));
        let without = request(json!({"sessionId": "s", "text": "t"}));
        assert_eq!(without.key(Some("header")), Ok("header"));
        assert_eq!(without.key(None), Err(MalformedResponse::Key));
        assert_eq!(without.key(Some(&"x".repeat(MAX_KEY_BYTES + 1))), Err(MalformedResponse::Key));
        assert_eq!(without.key(Some("a b")), Err(MalformedResponse::Key));
    }

    #[test]
    fn words_beyond_the_limit_are_refused_wherever_they_stand() {
        let long = "x".repeat(MAX_TEXT_CHARS + 1);
        for body in
            [json!({"sessionId": "s", "text": long}), json!({"sessionId": "s", "field": "f", "value": long})]
        {
            assert_eq!(request(body).input(), Err(MalformedResponse::TooLong));
        }
    }
}
