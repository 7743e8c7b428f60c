//! A form-encoded body as Twilio signs it: decoded pairs, sorted by name and value, without repetitions.

use std::borrow::Cow;

/// The largest form body taken from outside, in bytes. Twilio's own are below 8 KiB (1600 characters, percent-encoded,
/// and ten media URLs).
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// The most parameters taken from outside.
pub const MAX_PARAMS: usize = 200;

/// A body that is not looked at any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// More than [`MAX_BODY_BYTES`].
    #[error("the form is larger than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    /// More than [`MAX_PARAMS`].
    #[error("the form has more than {MAX_PARAMS} parameters")]
    TooManyParams,
}

/// Decoded, untrimmed form parameters in the order in which they are signed.
///
/// Values without `+` or `%` are borrowed from the body, so the usual webhook is parsed with a handful of allocations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form<'b> {
    pairs: Vec<(Cow<'b, str>, Cow<'b, str>)>,
}

impl<'b> Form<'b> {
    /// Parses a body. Bytes that are not UTF-8 are replaced, so that a signature over them fails.
    pub fn parse(body: &'b [u8]) -> Result<Self, FormError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(FormError::TooLarge);
        }
        // Room for the 20 to 25 parameters of an ordinary webhook.
        let mut pairs = Vec::with_capacity(28);
        for pair in form_urlencoded::parse(body) {
            if pairs.len() == MAX_PARAMS {
                return Err(FormError::TooManyParams);
            }
            pairs.push(pair);
        }
        Ok(Self::sorted(pairs))
    }

    /// A form from pairs in any order.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<Cow<'b, str>>,
        V: Into<Cow<'b, str>>,
    {
        Self::sorted(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    fn sorted(mut pairs: Vec<(Cow<'b, str>, Cow<'b, str>)>) -> Self {
        // `str` compares bytewise, which is the order Twilio signs in.
        pairs.sort_unstable();
        pairs.dedup();
        Self { pairs }
    }

    /// The pairs in signing order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// Every distinct value of a parameter, sorted.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let start = self.pairs.partition_point(|(other, _)| other.as_ref() < name);
        self.pairs[start..]
            .iter()
            .take_while(move |(other, _)| other == name)
            .map(|(_, value)| value.as_ref())
    }

    /// The body that carries these parameters.
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.pairs()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_never_trimmed() {
        let form = Form::parse(b"Body=+two%20words%0A+&Empty=").expect("small");
        assert_eq!(form.values("Body").collect::<Vec<_>>(), [" two words\n "]);
        assert_eq!(form.values("Empty").collect::<Vec<_>>(), [""]);
        assert_eq!(form.values("Absent").count(), 0);
    }

    #[test]
    fn repeated_pairs_collapse_and_distinct_values_stay() {
        let form = Form::parse(b"D=5678&D=1234&D=1234").expect("small");
        assert_eq!(form.values("D").collect::<Vec<_>>(), ["1234", "5678"]);
    }

    #[test]
    fn oversize_forms_are_refused_before_they_are_decoded() {
        assert_eq!(Form::parse(&vec![b'a'; MAX_BODY_BYTES + 1]), Err(FormError::TooLarge));
        let many = "a=1&".repeat(MAX_PARAMS + 1);
        assert_eq!(Form::parse(many.as_bytes()), Err(FormError::TooManyParams));
    }
}
