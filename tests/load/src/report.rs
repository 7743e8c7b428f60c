//! The table people read and the JSON machines read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

/// One measured line of the speed table.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What was measured.
    pub what: &'static str,
    /// `value` against `reference`: more is better, whatever the unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// The product's.
    pub value: f64,
    /// The reference's, measured in the same run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<f64>,
    /// Of value and reference.
    pub unit: &'static str,
    /// The least acceptable ratio (or value, where there is no reference).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// The ratio (or value) to reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<f64>,
    /// Further numbers of the same run.
    #[serde(flatten)]
    pub more: BTreeMap<&'static str, f64>,
}

impl Figure {
    /// More of `value` is better.
    pub fn rate(what: &'static str, value: f64, reference: f64, unit: &'static str) -> Self {
        Self { ratio: Some(value / reference), reference: Some(reference), ..Self::alone(what, value, unit) }
    }

    /// A figure with nothing to compare with.
    pub fn alone(what: &'static str, value: f64, unit: &'static str) -> Self {
        Self {
            what,
            ratio: None,
            value,
            reference: None,
            unit,
            floor: None,
            goal: None,
            more: BTreeMap::new(),
        }
    }

    /// The bounds of the design.
    #[must_use]
    pub fn bounds(mut self, floor: f64, goal: f64) -> Self {
        (self.floor, self.goal) = (Some(floor), Some(goal));
        self
    }

    /// Whether the bounds are reached, in a word. Where the goal lies below the floor, less is better.
    fn reached(&self) -> &'static str {
        let (Some(floor), Some(goal)) = (self.floor, self.goal) else { return "" };
        let figure = self.ratio.unwrap_or(self.value);
        let holds = |bound: f64| if goal > floor { figure >= bound } else { figure <= bound };
        if holds(goal) {
            "goal"
        } else if holds(floor) {
            "floor"
        } else {
            "MISSED"
        }
    }

    /// Another number of the same run.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: f64) -> Self {
        self.more.insert(name, value);
        self
    }
}

/// All figures, by their id in the design.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Report(BTreeMap<String, Figure>);

impl Report {
    /// Adds a figure.
    pub fn add(&mut self, id: impl Into<String>, figure: Figure) {
        self.0.insert(id.into(), figure);
    }

    /// Takes over another report's figures.
    pub fn absorb(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// As a table.
    pub fn table(&self) -> String {
        let mut out = format!(
            "{:<12} {:<52} {:>8} {:>8} {:>8} {:<7} {:>10} {:>10}  {}\n",
            "id", "what", "ratio", "floor", "goal", "reached", "value", "reference", "unit"
        );
        for (id, figure) in &self.0 {
            let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), short);
            let _ = writeln!(
                out,
                "{id:<12} {:<52} {:>8} {:>8} {:>8} {:<7} {:>10} {:>10}  {}",
                figure.what,
                shown(figure.ratio),
                shown(figure.floor),
                shown(figure.goal),
                figure.reached(),
                short(figure.value),
                shown(figure.reference),
                figure.unit
            );
            for (name, value) in &figure.more {
                let _ = writeln!(out, "{:<12}   {name}: {}", "", short(*value));
            }
        }
        out
    }

    /// Writes the JSON.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(path, serde_json::to_vec_pretty(self)?)?)
    }
}

/// About four significant digits.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_in_the_direction_of_the_goal() {
        let more = |ratio| Figure::rate("", ratio, 1.0, "").bounds(2.0, 3.0).reached();
        assert_eq!([more(1.9), more(2.0), more(3.0)], ["MISSED", "floor", "goal"]);
        let less = |value| Figure::alone("", value, "").bounds(5.0, 1.0).reached();
        assert_eq!([less(5.1), less(5.0), less(1.0)], ["MISSED", "floor", "goal"]);
    }
}
