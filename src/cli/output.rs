//! The one place that writes to the terminal.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::causes::explain;

/// Standard output for data, standard error for talk.
pub struct Out {
    stdout: io::Stdout,
    colour: bool,
}

/// A few styles; plain when the output is no terminal or `NO_COLOR` is set.
#[derive(Debug, Clone, Copy)]
pub enum Style {
    /// What matters most.
    Bold,
    /// What matters least.
    Dim,
    /// Good news.
    Green,
    /// Look at this.
    Yellow,
    /// Bad news.
    Red,
    /// What the machine says.
    Cyan,
}

impl Out {
    /// Output as the terminal and `NO_COLOR` allow.
    pub fn new() -> Self {
        let stdout = io::stdout();
        let colour =
            stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { stdout, colour }
    }

    /// One line of data.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        let mut stdout = self.stdout.lock();
        stdout.write_all(text.as_bytes())?;
        stdout.write_all(b"\n")?;
        stdout.flush()
    }

    /// One line holding a JSON document, flushed so that a program at the other end of a pipe can answer it.
    pub fn json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        Ok(self.line(&serde_json::to_string(value)?)?)
    }

    /// A JSON document for people.
    pub fn pretty_json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        Ok(self.line(&serde_json::to_string_pretty(value)?)?)
    }

    /// Text as it stands.
    pub fn raw(&mut self, text: &str) -> io::Result<()> {
        let mut stdout = self.stdout.lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }

    /// `text` in a style, when styles are wanted.
    pub fn styled(&self, style: Style, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match style {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Green => "32",
            Style::Yellow => "33",
            Style::Red => "31",
            Style::Cyan => "36",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// Talk, on standard error.
    pub fn talk(&self, text: &str) {
        // Nobody can be told that standard error is gone.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// An error with its causes, on standard error.
    pub fn error(&self, error: &anyhow::Error) {
        self.talk(&format!("error: {}", explain(error)));
    }
}

impl Default for Out {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether the reader of our standard output went away (`usher … | head`), which is no failure of ours.
pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
