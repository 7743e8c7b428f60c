//! `usher-load`: measures Usher beside its references and writes the speed table.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use usher_load::bench::{self, Size};
use usher_load::{reference, worker};

/// Measures Usher beside its references, in real processes, and writes the speed table.
#[derive(Debug, Parser)]
#[command(name = "usher-load")]
struct Arguments {
    /// Where the JSON goes.
    #[arg(long, default_value = "target/bench.json")]
    out: PathBuf,
    /// Only these benches, by id (P1, P2, P6, P7, P8, P11 with P10, P12, P13, widget).
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Short runs: to try the harness, not to quote.
    #[arg(long)]
    quick: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

/// The parts that run in processes of their own.
#[derive(Debug, Subcommand)]
enum Part {
    /// A raw server to compare with; prints its port.
    Reference {
        /// `hello`, `echo` or `relay`.
        name: String,
    },
    /// Raw durable inserts into SQLite; prints what was written as JSON.
    Rows {
        /// For how long.
        #[arg(long)]
        seconds: u64,
        /// Rows per commit.
        #[arg(long)]
        batch: u64,
    },
    /// Durable appends through the product's store; prints what was written as JSON.
    Append {
        /// For how long.
        #[arg(long)]
        seconds: u64,
        /// Conversations at once.
        #[arg(long)]
        sessions: u64,
        /// A PostgreSQL database; a new SQLite file without.
        #[arg(long)]
        database_url: Option<String>,
    },
    /// Cold activations through the product's store; prints their speed as JSON.
    Activate {
        /// How many.
        #[arg(long)]
        sessions: u64,
        /// The length of each one's journal.
        #[arg(long)]
        turns: u64,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.part {
        Some(Part::Reference { name }) => match name.as_str() {
            "hello" => reference::hello::serve(),
            "echo" => reference::echo::serve(),
            "relay" => reference::relay::serve(),
            _ => anyhow::bail!("there is no reference {name:?}"),
        },
        Some(Part::Rows { seconds, batch }) => runtime()?.block_on(async {
            let folder = tempfile::tempdir()?;
            print(&reference::rows::sqlite(folder.path(), seconds, batch).await?)
        }),
        Some(Part::Append { seconds, sessions, database_url }) => runtime()?.block_on(async {
            let folder = tempfile::tempdir()?;
            let url = database_url
                .unwrap_or_else(|| format!("sqlite:{}", folder.path().join("usher.db").display()));
            print(&worker::append(&url, folder.path(), sessions, seconds).await?)
        }),
        Some(Part::Activate { sessions, turns }) => runtime()?.block_on(async {
            let folder = tempfile::tempdir()?;
            print(&worker::activate(folder.path(), sessions, turns).await?)
        }),
        None => {
            let size = if arguments.quick { Size::quick() } else { Size::full() };
            let (report, failed) = runtime()?.block_on(bench::run(size, &arguments.only));
            report.write(&arguments.out).with_context(|| format!("writing {}", arguments.out.display()))?;
            show(&report.table());
            anyhow::ensure!(failed.is_empty(), "not measured: {}", failed.join(", "));
            Ok(())
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

fn print(value: &impl serde::Serialize) -> Result<()> {
    show(&serde_json::to_string(value)?);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command talks on standard output")]
fn show(text: &str) {
    println!("{text}");
}
