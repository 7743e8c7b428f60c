//! The contract as TypeScript, rendered from the same schema the OpenAPI document uses.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayItems, Object, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};

use super::{
    ClientFrame, ProblemBody, ResponseReply, ResponseRequest, ServerFrame, SessionResponse, UploadQuery,
    VoiceClientFrame, VoiceServerFrame,
};

const HEADER: &str = "// Generated from the server's types by `usher schema`. Do not edit: change the Rust and run it again.\n";

/// Who writes a type decides what an optional member looks like: a browser may leave it out, the server always
/// sends it and says `null`.
#[derive(Clone, Copy)]
enum Writer {
    Browser,
    Server,
}

type Schemas = Vec<(String, RefOr<Schema>)>;

fn collect<T: ToSchema>(schemas: &mut Schemas) {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
}

/// Every type of the widget's contract as one TypeScript module.
pub fn typescript() -> String {
    let (mut requests, mut replies) = (Schemas::new(), Schemas::new());
    collect::<ResponseRequest>(&mut requests);
    collect::<UploadQuery>(&mut requests);
    collect::<ClientFrame>(&mut requests);
    collect::<VoiceClientFrame>(&mut requests);
    collect::<SessionResponse>(&mut replies);
    collect::<ResponseReply>(&mut replies);
    collect::<ServerFrame>(&mut replies);
    collect::<VoiceServerFrame>(&mut replies);
    collect::<ProblemBody>(&mut replies);

    let sides = [(Writer::Browser, requests), (Writer::Server, replies)];
    let types: BTreeMap<String, String> = sides
        .into_iter()
        .flat_map(|(writer, schemas)| schemas.into_iter().map(move |named| (writer, named)))
        .map(|(writer, (name, schema))| {
            let text = declaration(&name, &schema, writer);
            (name, text)
        })
        .collect();
    types.values().fold(HEADER.to_owned(), |module, text| module + "\n" + text)
}

fn declaration(name: &str, schema: &RefOr<Schema>, writer: Writer) -> String {
    let doc = description(schema).map(|text| doc_comment(text, "")).unwrap_or_default();
    match schema {
        RefOr::T(Schema::Object(object)) if !object.properties.is_empty() => {
            format!("{doc}export interface {name} {}\n", members(object, writer, ""))
        }
        _ => format!("{doc}export type {name} = {};\n", expression(schema, writer, "")),
    }
}

fn description(schema: &RefOr<Schema>) -> Option<&str> {
    match schema {
        RefOr::Ref(Ref { description, .. }) => Some(description.as_str()),
        RefOr::T(Schema::Object(object)) => object.description.as_deref(),
        RefOr::T(Schema::Array(array)) => array.description.as_deref(),
        RefOr::T(Schema::OneOf(one)) => {
            one.description.as_deref().or_else(|| one.items.iter().find_map(description))
        }
        RefOr::T(Schema::AllOf(all)) => all.description.as_deref(),
        RefOr::T(_) => None,
    }
    .filter(|text| !text.is_empty())
}

/// The first paragraph: what follows it speaks to Rust readers.
fn doc_comment(text: &str, indent: &str) -> String {
    let first = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    format!("{indent}/** {first} */\n")
}

fn members(object: &Object, writer: Writer, indent: &str) -> String {
    let inner = format!("{indent}  ");
    let mut out = String::from("{\n");
    for (name, schema) in &object.properties {
        if let Some(text) = description(schema) {
            out += &doc_comment(text, &inner);
        }
        let optional = matches!(writer, Writer::Browser) && !object.required.contains(name);
        let mark = if optional { "?" } else { "" };
        let mut value = expression(schema, writer, &inner);
        if optional && let Some(present) = value.strip_suffix(" | null") {
            value = present.to_owned();
        }
        let _ = writeln!(out, "{inner}{name}{mark}: {value};");
    }
    out + indent + "}"
}

fn expression(schema: &RefOr<Schema>, writer: Writer, indent: &str) -> String {
    let union = |items: &[RefOr<Schema>], separator: &str| {
        let mut parts: Vec<String> = items.iter().map(|item| expression(item, writer, indent)).collect();
        // `null` comes first in utoipa's `oneOf`; people write it last.
        parts.sort_by_key(|part| part == "null");
        parts.join(separator)
    };
    match schema {
        RefOr::Ref(reference) => reference.ref_location.rsplit('/').next().unwrap_or_default().to_owned(),
        RefOr::T(Schema::Array(array)) => match &array.items {
            ArrayItems::RefOrSchema(item) => format!("{}[]", expression(item, writer, indent)),
            ArrayItems::False => "[]".to_owned(),
        },
        RefOr::T(Schema::OneOf(one)) => union(&one.items, " | "),
        RefOr::T(Schema::AllOf(all)) => union(&all.items, " & "),
        RefOr::T(Schema::AnyOf(any)) => union(&any.items, " | "),
        RefOr::T(Schema::Object(object)) => object_expression(object, writer, indent),
        RefOr::T(_) => "unknown".to_owned(),
    }
}

fn object_expression(object: &Object, writer: Writer, indent: &str) -> String {
    if let Some(values) = &object.enum_values {
        return values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
    }
    match &object.schema_type {
        SchemaType::Type(Type::Object) if !object.properties.is_empty() => members(object, writer, indent),
        SchemaType::Type(kind) => primitive(kind).to_owned(),
        SchemaType::Array(kinds) => kinds.iter().map(primitive).collect::<Vec<_>>().join(" | "),
        SchemaType::AnyValue => "unknown".to_owned(),
    }
}

const fn primitive(kind: &Type) -> &'static str {
    match kind {
        Type::String => "string",
        Type::Integer | Type::Number => "number",
        Type::Boolean => "boolean",
        Type::Null => "null",
        Type::Array => "unknown[]",
        Type::Object => "Record<string, unknown>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_typescript_is_what_the_types_render_to() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../widget/packages/protocol/src/wire.gen.ts");
        let committed = std::fs::read_to_string(path).expect("the committed module");
        assert_eq!(committed, typescript(), "run `usher schema > widget/packages/protocol/src/wire.gen.ts`");
    }

    #[test]
    fn a_browser_may_leave_members_out_and_the_server_says_null() {
        let module = typescript();
        assert!(module.contains("  skip?: boolean;"), "{module}");
        assert!(module.contains("  help: string | null;"), "{module}");
    }

    #[test]
    fn a_tagged_frame_becomes_a_union_that_typescript_can_narrow() {
        let module = typescript();
        assert!(module.contains("export type ServerFrame ="), "{module}");
        assert!(module.contains(r#"type: "turn";"#), "{module}");
    }
}
