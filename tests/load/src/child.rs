//! References and in-process measurements run as children of this program, so that each has memory and CPU of its own.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::process;

/// A server of this program's own, killed when dropped.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    _output: Lines<BufReader<ChildStdout>>,
    /// Where it listens, on the loopback interface.
    pub port: u16,
}

impl Serving {
    /// Starts `usher-load reference <name>`, which prints its port first.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn reference(name: &str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["reference", name])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("standard output is piped")?).lines();
        let line = output.next_line().await?.context("a reference prints its port")?;
        Ok(Self { port: line.trim().parse()?, child, _output: output })
    }

    /// The process.
    ///
    /// # Errors
    /// When it has ended.
    pub fn pid(&self) -> Result<u32> {
        self.child.id().context("the reference still runs")
    }

    /// CPU seconds so far.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu_seconds(&self) -> Result<f64> {
        process::cpu_seconds(self.pid()?)
    }
}

/// Runs `usher-load <arguments>` to its end and reads the JSON it prints.
///
/// # Errors
/// When it fails or prints something else.
pub async fn measure<T: DeserializeOwned>(arguments: &[&str]) -> Result<T> {
    let output = Command::new(std::env::current_exe()?)
        .args(arguments)
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    ensure!(output.status.success(), "usher-load {arguments:?} ended with {}", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("usher-load {arguments:?} prints JSON"))
}
