//! `usher config`, `usher version` and `usher schema`: what this binary is and how it is set.

use serde_json::json;

use super::args::SchemaKind;
use super::output::{Out, Style};
use crate::config::{Settings, env_example, shown};
use crate::web::openapi;

pub(super) fn config(settings: &Settings, as_json: bool, out: &mut Out) -> anyhow::Result<()> {
    let rows = shown(settings);
    if as_json {
        return out.pretty_json(&rows);
    }
    let key_width = rows.iter().map(|row| row.key.len()).max().unwrap_or(0);
    let value_width = rows.iter().map(|row| row.value.len()).max().unwrap_or(0).min(48);
    for row in rows {
        let key = out.styled(Style::Bold, &format!("{:key_width$}", row.key));
        let source = out.styled(Style::Dim, &row.source);
        out.line(&format!("{key}  {:value_width$}  {source}", row.value))?;
    }
    Ok(())
}

pub(super) fn version(as_json: bool, out: &mut Out) -> anyhow::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    if as_json {
        out.json(&json!({"name": "usher", "version": version}))
    } else {
        Ok(out.line(&format!("usher {version}"))?)
    }
}

pub(super) fn schema(what: SchemaKind, out: &mut Out) -> anyhow::Result<()> {
    match what {
        SchemaKind::Openapi => out.pretty_json(&openapi::document()),
        SchemaKind::Widget => Ok(out.raw(&usher_channels::widget::schema::typescript())?),
        SchemaKind::Env => Ok(out.raw(&env_example())?),
    }
}
