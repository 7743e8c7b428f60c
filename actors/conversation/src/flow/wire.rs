//! How conditions are written in JSON.
//!
//! The canonical shapes are `{"field":"x","equals":v}`, `{"field","in":[…]}`, `{"field","answered":true}`,
//! `{"field","gt"|"gte"|"lt"|"lte":n}`, `{"all":[…]}`, `{"any":[…]}` and `{"not":{…}}`. Authors may also write
//! `not_equals`, `not_in`, `{"field","op":"==","value":v}`, `{"x":v}`, or an expression such as `"x == yes"`.

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Condition, FieldId, expression};

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Equals { field, value } => comparison(&mut map, field, "equals", value)?,
            Self::In { field, values } => comparison(&mut map, field, "in", values)?,
            Self::Answered { field } => comparison(&mut map, field, "answered", &true)?,
            Self::GreaterThan { field, value } => comparison(&mut map, field, "gt", value)?,
            Self::AtLeast { field, value } => comparison(&mut map, field, "gte", value)?,
            Self::LessThan { field, value } => comparison(&mut map, field, "lt", value)?,
            Self::AtMost { field, value } => comparison(&mut map, field, "lte", value)?,
            Self::All(parts) => map.serialize_entry("all", parts)?,
            Self::Any(parts) => map.serialize_entry("any", parts)?,
            Self::Not(part) => map.serialize_entry("not", part)?,
        }
        map.end()
    }
}

fn comparison<M: SerializeMap>(
    map: &mut M,
    field: &FieldId,
    operator: &str,
    value: &(impl Serialize + ?Sized),
) -> Result<(), M::Error> {
    map.serialize_entry("field", field)?;
    map.serialize_entry(operator, value)
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        read(&value).map_err(|problem| D::Error::custom(format!("{}{}", problem.path, problem.message)))
    }
}

/// What is wrong with a condition and where, as a path that continues the caller's: `.all[1]`.
#[derive(Debug)]
pub(super) struct WireProblem {
    pub(super) path: String,
    pub(super) message: String,
}

fn problem(message: impl Into<String>) -> WireProblem {
    WireProblem { path: String::new(), message: message.into() }
}

/// Reads a condition in any of its shapes.
pub(super) fn read(value: &Value) -> Result<Condition, WireProblem> {
    match value {
        Value::String(text) => expression::read(text).map_err(problem),
        Value::Array(parts) => Ok(Condition::All(read_parts(parts, "")?)),
        Value::Object(map) => read_object(map),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            Err(problem("a condition is an object or an expression"))
        }
    }
}

fn read_object(map: &Map<String, Value>) -> Result<Condition, WireProblem> {
    if let Some(field) = map.get("field") {
        let field = field.as_str().ok_or_else(|| problem("`field` is the id of a field"))?;
        return read_comparison(&FieldId::new(field), map);
    }
    let mut entries = map.iter();
    let (Some((key, value)), None) = (entries.next(), entries.next()) else {
        return Ok(Condition::All(map.iter().map(|(field, value)| shorthand(field, value)).collect()));
    };
    match (key.as_str(), value) {
        ("all" | "and", Value::Array(parts)) => Ok(Condition::All(read_parts(parts, key)?)),
        ("any" | "or", Value::Array(parts)) => Ok(Condition::Any(read_parts(parts, key)?)),
        ("not", part) => match read(part) {
            Ok(part) => Ok(Condition::Not(Box::new(part))),
            Err(inner) => Err(WireProblem { path: format!(".not{}", inner.path), ..inner }),
        },
        // `{"equals": {"field": "x", "value": v}}`: the comparison as the key.
        (operator, Value::Object(inner)) if inner.contains_key("field") => {
            let field = inner
                .get("field")
                .and_then(Value::as_str)
                .ok_or_else(|| problem("`field` is the id of a field"))?;
            let value = inner.get("value").or_else(|| inner.get("values")).unwrap_or(&Value::Bool(true));
            compare(&FieldId::new(field), operator, value)
        }
        (field, value) => Ok(shorthand(field, value)),
    }
}

fn read_parts(parts: &[Value], key: &str) -> Result<Vec<Condition>, WireProblem> {
    let place = |at: usize| if key.is_empty() { format!("[{at}]") } else { format!(".{key}[{at}]") };
    let read_at = |(at, part)| {
        read(part).map_err(|inner| WireProblem { path: format!("{}{}", place(at), inner.path), ..inner })
    };
    parts.iter().enumerate().map(read_at).collect()
}

/// `{"x": v}`; a list means any of its values.
fn shorthand(field: &str, value: &Value) -> Condition {
    let field = FieldId::new(field);
    match value {
        Value::Array(values) => Condition::In { field, values: values.clone() },
        value => Condition::Equals { field, value: value.clone() },
    }
}

fn read_comparison(field: &FieldId, map: &Map<String, Value>) -> Result<Condition, WireProblem> {
    let others: Vec<(&str, &Value)> =
        map.iter().filter(|(key, _)| *key != "field").map(|(key, value)| (key.as_str(), value)).collect();
    match others[..] {
        [] => Ok(Condition::Answered { field: field.clone() }),
        [(operator, value)] if !matches!(operator, "op" | "operator") => compare(field, operator, value),
        _ => {
            let operator = map.get("op").or_else(|| map.get("operator")).and_then(Value::as_str);
            let known = |key: &str| matches!(key, "op" | "operator" | "value" | "values");
            match operator.filter(|_| others.iter().all(|(key, _)| known(key))) {
                Some(operator) => {
                    let value = map.get("value").or_else(|| map.get("values")).unwrap_or(&Value::Bool(true));
                    compare(field, operator, value)
                }
                None => Err(problem("one comparison per condition; combine them with `all` or `any`")),
            }
        }
    }
}

/// One comparison by the name of its operator.
pub(super) fn compare(field: &FieldId, operator: &str, value: &Value) -> Result<Condition, WireProblem> {
    let field = field.clone();
    let number = || value.as_f64().ok_or_else(|| problem(format!("`{operator}` needs a number")));
    let list = || value.as_array().cloned().ok_or_else(|| problem(format!("`{operator}` needs a list")));
    let not = |condition| Condition::Not(Box::new(condition));
    Ok(match operator {
        "equals" | "eq" | "==" | "=" | "is" | "contains" | "includes" | "value" => {
            Condition::Equals { field, value: value.clone() }
        }
        "not_equals" | "neq" | "ne" | "!=" | "is_not" | "not_contains" => {
            not(Condition::Equals { field, value: value.clone() })
        }
        "in" | "one_of" | "any_of" => Condition::In { field, values: list()? },
        "not_in" | "none_of" => not(Condition::In { field, values: list()? }),
        "gt" | ">" | "greater_than" => Condition::GreaterThan { field, value: number()? },
        "gte" | ">=" | "at_least" => Condition::AtLeast { field, value: number()? },
        "lt" | "<" | "less_than" => Condition::LessThan { field, value: number()? },
        "lte" | "<=" | "at_most" => Condition::AtMost { field, value: number()? },
        "answered" | "exists" => match value {
            Value::Bool(true) => Condition::Answered { field },
            Value::Bool(false) => not(Condition::Answered { field }),
            _ => return Err(problem("`answered` is true or false")),
        },
        unknown => return Err(problem(format!("unknown comparison `{unknown}`"))),
    })
}
