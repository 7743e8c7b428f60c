//! Flow files: the questions as authors write them, with defaults for what they leave out.

use serde_json::{Map, Value};

use super::{Called, Choice, Condition, Field, FieldId, FieldType, Flow, FlowProblem, Validation, wire};
use crate::id::FlowId;

/// A flow file that cannot be used, with every problem found in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct FlowFileError {
    /// What is wrong and where.
    pub problems: Vec<FlowProblem>,
}

/// The id of a flow whose file does not say one.
const FILE_ID: &str = "flw_file";
const FLOW_KEYS: [&str; 5] = ["id", "version", "name", "fields", "next_steps"];
const FIELD_KEYS: [&str; 11] = [
    "id",
    "label",
    "prompt",
    "help",
    "type",
    "required",
    "options",
    "validation",
    "when",
    "confirm",
    "sensitive",
];

impl Flow {
    /// Reads and validates a flow file: `{"fields":[{"id","type",…}]}` or a whole flow.
    ///
    /// # Errors
    /// Every problem with its path, e.g. `fields[2].options[0].id`.
    pub fn from_file_json(text: &str) -> Result<Self, FlowFileError> {
        let mut reader = Reader::default();
        // Editors on Windows put a mark before the text.
        let flow = match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
            Ok(Value::Object(map)) => reader.flow(&map),
            Ok(_) => {
                reader.report("", "a flow is an object with `fields`");
                None
            }
            Err(error) => {
                reader.report("", format!("not JSON: {error}"));
                None
            }
        };
        let Some(flow) = flow.filter(|_| reader.problems.is_empty()) else {
            return Err(FlowFileError { problems: reader.problems });
        };
        flow.validate().map_err(|problems| FlowFileError { problems })?;
        Ok(flow)
    }
}

#[derive(Default)]
struct Reader {
    problems: Vec<FlowProblem>,
}

impl Reader {
    fn report(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(FlowProblem { path: path.to_owned(), message: message.into() });
    }

    fn known_keys(&mut self, path: &str, map: &Map<String, Value>, known: &[&str]) {
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            self.report(&member(path, key), format!("unknown member; known are {}", known.join(", ")));
        }
    }

    /// A member of the expected kind; a wrong kind is reported and taken as absent.
    fn member<T>(
        &mut self,
        path: &str,
        map: &Map<String, Value>,
        key: &str,
        what: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = map.get(key).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            self.report(&member(path, key), format!("must be {what}"));
        }
        read
    }

    fn text(&mut self, path: &str, map: &Map<String, Value>, key: &str) -> Option<String> {
        self.member(path, map, key, "text", |value| value.as_str().map(str::to_owned))
    }

    fn flag(&mut self, path: &str, map: &Map<String, Value>, key: &str) -> Option<bool> {
        self.member(path, map, key, "true or false", Value::as_bool)
    }

    fn flow(&mut self, map: &Map<String, Value>) -> Option<Flow> {
        self.known_keys("", map, &FLOW_KEYS);
        let id = self.text("", map, "id").unwrap_or_else(|| FILE_ID.to_owned());
        let id: Option<FlowId> = id.parse().ok();
        if id.is_none() {
            self.report("id", "must be a flow id, e.g. flw_file");
        }
        let version =
            self.member("", map, "version", "a whole number", |value| u32::try_from(value.as_u64()?).ok());
        let name = self.text("", map, "name").unwrap_or_else(|| "Flow".to_owned());
        let next_steps = self.member("", map, "next_steps", "a list of texts", |value| {
            value.as_array()?.iter().map(|step| step.as_str().map(str::to_owned)).collect()
        });
        let Some(entries) = map.get("fields").and_then(Value::as_array) else {
            self.report("fields", "must be a list of fields");
            return None;
        };
        let mut fields: Vec<Field> =
            entries.iter().enumerate().filter_map(|(at, entry)| self.field(at, entry)).collect();
        settle_values(&mut fields);
        Some(Flow {
            id: id?,
            version: version.unwrap_or(1),
            name,
            fields,
            next_steps: next_steps.unwrap_or_default(),
        })
    }

    fn field(&mut self, at: usize, entry: &Value) -> Option<Field> {
        let path = format!("fields[{at}]");
        let Value::Object(map) = entry else {
            self.report(&path, "must be an object");
            return None;
        };
        self.known_keys(&path, map, &FIELD_KEYS);
        let id = self.text(&path, map, "id");
        if id.is_none() && !map.contains_key("id") {
            self.report(&member(&path, "id"), "is missing");
        }
        let kind =
            self.text(&path, map, "type").map_or(Some(FieldType::Text), |name| self.kind(&path, &name));
        let label = self.text(&path, map, "label");
        let prompt = self.text(&path, map, "prompt");
        let help = self.text(&path, map, "help");
        let required = self.flag(&path, map, "required").unwrap_or(true);
        let confirm = self.flag(&path, map, "confirm").unwrap_or(false);
        let sensitive = self.flag(&path, map, "sensitive").unwrap_or(false);
        let options = self.options(&path, map);
        let validation = self.validation(&path, map);
        let when = self.when(&path, map);
        let (id, kind) = (id?, kind?);
        let label = label.unwrap_or_else(|| humanised(&id));
        let prompt = prompt.unwrap_or_else(|| default_prompt(kind, &label));
        Some(Field {
            id: FieldId::new(id),
            label,
            prompt,
            help,
            kind,
            required,
            options,
            validation,
            when,
            confirm,
            sensitive,
            called: Called::default(),
        })
    }

    fn kind(&mut self, path: &str, name: &str) -> Option<FieldType> {
        let kind = serde_json::from_value(Value::from(name.replace('-', "_"))).ok();
        if kind.is_none() {
            self.report(&member(path, "type"), format!("`{name}` is no type; known are {}", type_names()));
        }
        kind
    }

    /// Options as objects, or as texts whose ids are made from them.
    fn options(&mut self, path: &str, map: &Map<String, Value>) -> Vec<Choice> {
        let list = self
            .member(path, map, "options", "a list", |value| value.as_array().cloned())
            .unwrap_or_default();
        let mut options = Vec::with_capacity(list.len());
        for (at, entry) in list.iter().enumerate() {
            let place = format!("{path}.options[{at}]");
            let choice = match entry {
                Value::String(label) => Some(Choice { id: slug(label), label: label.clone() }),
                Value::Object(entry) => {
                    self.known_keys(&place, entry, &["id", "label"]);
                    let (id, label) = (self.text(&place, entry, "id"), self.text(&place, entry, "label"));
                    match (id, label) {
                        (Some(id), Some(label)) => Some(Choice { id, label }),
                        (Some(id), None) => Some(Choice { label: humanised(&id), id }),
                        (None, Some(label)) => Some(Choice { id: slug(&label), label }),
                        (None, None) => None,
                    }
                }
                _ => None,
            };
            match choice {
                Some(choice) => options.push(choice),
                None => self.report(&place, "must be an object with `id` and `label`, or a text"),
            }
        }
        options
    }

    fn validation(&mut self, path: &str, map: &Map<String, Value>) -> Validation {
        let Some(value) = map.get("validation").filter(|value| !value.is_null()) else {
            return Validation::default();
        };
        serde_json::from_value(value.clone()).unwrap_or_else(|error| {
            self.report(&member(path, "validation"), error.to_string());
            Validation::default()
        })
    }

    fn when(&mut self, path: &str, map: &Map<String, Value>) -> Option<Condition> {
        let value = map.get("when").filter(|value| !value.is_null())?;
        match wire::read(value) {
            Ok(condition) => Some(condition),
            Err(problem) => {
                self.report(&format!("{path}.when{}", problem.path), problem.message);
                None
            }
        }
    }
}

fn member(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn type_names() -> String {
    const ALL: [FieldType; 16] = [
        FieldType::Text,
        FieldType::LongText,
        FieldType::PersonName,
        FieldType::Phone,
        FieldType::Email,
        FieldType::Url,
        FieldType::Number,
        FieldType::Currency,
        FieldType::Date,
        FieldType::Time,
        FieldType::Boolean,
        FieldType::Select,
        FieldType::MultiSelect,
        FieldType::Address,
        FieldType::BusinessHours,
        FieldType::File,
    ];
    let name =
        |kind: &FieldType| serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned));
    ALL.iter().filter_map(name).collect::<Vec<_>>().join(", ")
}

/// `business_name` as `Business name`.
fn humanised(id: &str) -> String {
    let spaced = id.replace(['_', '-'], " ");
    let mut chars = spaced.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// `Website redesign` as `website_redesign`.
fn slug(label: &str) -> String {
    let mut out = String::with_capacity(label.len());
    for c in label.chars() {
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    out.trim_end_matches('_').to_owned()
}

fn default_prompt(kind: FieldType, label: &str) -> String {
    let label = label.trim_end_matches(['?', '.']);
    match kind {
        FieldType::Boolean => format!("{label}?"),
        FieldType::File => format!("Please send a file: {label}."),
        FieldType::BusinessHours => format!("When are you open? ({label})"),
        _ => format!("What is your {}?", lower_first(label)),
    }
}

/// `Website` as `website`, but `SEO budget` as it stands.
fn lower_first(label: &str) -> String {
    let mut chars = label.chars();
    match (chars.next(), label.chars().nth(1)) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => label.to_owned(),
    }
}

/// Brings the values that conditions compare with to the normal form of the field they read: `yes` of a boolean is
/// `true`, a label of a choice is its id, `"3"` of a number is 3.
fn settle_values(fields: &mut [Field]) {
    let known: Vec<(FieldId, FieldType, Vec<Choice>)> =
        fields.iter().map(|field| (field.id.clone(), field.kind, field.options.clone())).collect();
    for condition in fields.iter_mut().filter_map(|field| field.when.as_mut()) {
        for (field, value) in condition.values_mut() {
            if let Some((_, kind, options)) = known.iter().find(|(id, _, _)| id == field) {
                settle_value(*kind, options, value);
            }
        }
    }
}

fn settle_value(kind: FieldType, options: &[Choice], value: &mut Value) {
    let Some(text) = value.as_str() else { return };
    let settled = match kind {
        FieldType::Boolean => match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "y" => Some(Value::Bool(true)),
            "no" | "false" | "n" => Some(Value::Bool(false)),
            _ => None,
        },
        FieldType::Number => text.parse::<f64>().ok().map(Value::from),
        FieldType::Select | FieldType::MultiSelect if !options.iter().any(|option| option.id == text) => {
            let same = |option: &&Choice| {
                option.label.eq_ignore_ascii_case(text) || option.id.eq_ignore_ascii_case(text)
            };
            options.iter().find(same).map(|option| Value::from(option.id.as_str()))
        }
        _ => None,
    };
    if let Some(settled) = settled {
        *value = settled;
    }
}
