//! Conditions as one line: `plan == pro`, `size != 'small' and has website`, `budget >= 500`.
//!
//! Comparisons are joined by `and` (`&&`) and `or` (`||`), `and` binding tighter; there are no parentheses. What needs
//! them is clearer as JSON.

use serde_json::Value;

use super::{Condition, FieldId, wire};

/// Reads an expression.
pub(super) fn read(text: &str) -> Result<Condition, String> {
    let tokens = tokens(text)?;
    let any: Vec<Condition> = tokens
        .split(|token| is_word(token, &["or", "||"]))
        .map(|part| {
            let all: Vec<Condition> = part
                .split(|token| is_word(token, &["and", "&&"]))
                .map(comparison)
                .collect::<Result<_, _>>()?;
            Ok(one_or(all, Condition::All))
        })
        .collect::<Result<_, String>>()?;
    Ok(one_or(any, Condition::Any))
}

fn one_or(mut parts: Vec<Condition>, many: impl FnOnce(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() == 1 { parts.remove(0) } else { many(parts) }
}

#[derive(Debug, PartialEq)]
enum Token {
    /// A name, a sign or a bare value.
    Word(String),
    /// A value in quotes.
    Quoted(String),
}

fn is_word(token: &Token, words: &[&str]) -> bool {
    matches!(token, Token::Word(word) if words.contains(&word.as_str()))
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let len = if matches!(first, '\'' | '"') {
            let end = rest[1..].find(first).ok_or_else(|| format!("the quote is not closed: {rest}"))?;
            found.push(Token::Quoted(rest[1..=end].to_owned()));
            end + 2
        } else {
            let sign = |c: char| matches!(c, '=' | '!' | '<' | '>' | '&' | '|');
            let same = |c: &char| !c.is_whitespace() && !matches!(c, '\'' | '"') && sign(*c) == sign(first);
            let len = rest.chars().take_while(same).map(char::len_utf8).sum();
            found.push(Token::Word(rest[..len].to_owned()));
            len
        };
        rest = rest[len..].trim_start();
    }
    Ok(found)
}

fn comparison(tokens: &[Token]) -> Result<Condition, String> {
    match tokens {
        [Token::Word(not), rest @ ..] if not == "not" && !rest.is_empty() => {
            Ok(Condition::Not(Box::new(comparison(rest)?)))
        }
        [Token::Word(has), Token::Word(field)] if has == "has" => {
            Ok(Condition::Answered { field: FieldId::new(field.as_str()) })
        }
        [Token::Word(field), Token::Word(operator), value] => {
            let value = match value {
                Token::Quoted(text) => Value::from(text.as_str()),
                Token::Word(word) => bare(word),
            };
            let known = matches!(operator.as_str(), "==" | "=" | "!=" | ">" | ">=" | "<" | "<=" | "is");
            if !known {
                return Err(format!("unknown comparison `{operator}`"));
            }
            wire::compare(&FieldId::new(field.as_str()), operator, &value).map_err(|problem| problem.message)
        }
        _ => Err("a comparison reads `field == value` or `has field`".to_owned()),
    }
}

/// A value without quotes: a number, `true`, `false`, or text.
fn bare(word: &str) -> Value {
    match word {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => match word.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                serde_json::from_str(word).unwrap_or_else(|_| Value::from(number))
            }
            _ => Value::from(word),
        },
    }
}
