//! Free text: tidied, and held to its limits.

use super::{AnswerValue, ParseContext, ParseErrorCause as Cause};

/// One line: every run of white space is one space.
pub(super) fn line(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let line = single_line(text);
    check(&line, ctx)?;
    Ok(AnswerValue::Text(line))
}

/// Several lines: white space at line ends goes, no more than one empty line in a row stays.
pub(super) fn lines(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let mut out = String::with_capacity(text.len());
    for line in text.lines().map(single_line) {
        if !(line.is_empty() && (out.is_empty() || out.ends_with("\n\n"))) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    let tidy = out.trim_end();
    check(tidy, ctx)?;
    Ok(AnswerValue::Text(tidy.to_owned()))
}

/// `text` with every run of white space as one space and control characters gone.
pub(super) fn single_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Applies the limits on length; something of meaning must be left.
pub(super) fn check(text: &str, ctx: &ParseContext<'_>) -> Result<(), Cause> {
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Cause::NotRecognised);
    }
    let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    if let Some(min) = ctx.validation.min_length.filter(|min| length < *min) {
        return Err(Cause::TooShort { min });
    }
    match ctx.validation.max_length.filter(|max| length > *max) {
        Some(max) => Err(Cause::TooLong { max }),
        None => Ok(()),
    }
}
