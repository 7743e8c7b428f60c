//! Rules about the text of the repository.

use std::fs;
use std::path::Path;

/// One file, with its path from the top of the repository.
pub(crate) struct SourceFile {
    path: String,
    text: String,
}

impl SourceFile {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// Lines of code with their numbers; whole-line comments are left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| {
            let line = line.trim_start();
            !line.starts_with("//") && !line.starts_with('#')
                || line.starts_with("#[")
                || line.starts_with("#!")
        })
    }

    /// The lines that are compiled into the product: not tests, which may look further.
    fn production_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.path.contains("tests/") || self.path.ends_with("tests.rs");
        self.code().take_while(move |(_, line)| !is_test && !line.starts_with("#[cfg(test)]"))
    }

    fn is_rust(&self) -> bool {
        in_rust(&self.path)
    }
}

const LONGEST: usize = 600;
const SKIPPED_FOLDERS: &[&str] = &[".git", "target", "node_modules", "dist"];
const ENDINGS: &[&str] = &[".rs", ".ts", ".tsx", ".css", ".sql", ".sh", ".js", ".mjs"];

/// Every source file that is written by hand.
pub(crate) fn repository() -> Vec<SourceFile> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(top, top, &mut files);
    assert!(files.iter().any(|file| file.path == "src/main.rs"), "the repository has a main.rs");
    files
}

fn collect(top: &Path, folder: &Path, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository can be read") {
        let entry = entry.expect("an entry of the repository can be read");
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        if path.is_dir() {
            if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                collect(top, &path, files);
            }
        } else if is_written_by_hand(top, &path, &name) {
            let inside =
                path.strip_prefix(top).expect("the walk stays inside").to_string_lossy().into_owned();
            files.push(SourceFile {
                path: inside,
                text: fs::read_to_string(&path).expect("sources are UTF-8"),
            });
        }
    }
}

fn is_written_by_hand(top: &Path, path: &Path, name: &str) -> bool {
    let is_script = path.parent() == Some(&top.join("scripts")) || name == "Makefile";
    (is_script || ENDINGS.iter().any(|ending| name.ends_with(ending))) && !name.contains(".gen.")
}

/// A name that may not be used in some files.
struct Border {
    /// A crate or path, as written in Rust.
    name: &'static str,
    forbidden: fn(&str) -> bool,
    because: &'static str,
}

fn in_conversation(path: &str) -> bool {
    path.starts_with("actors/conversation/")
}

fn in_actors(path: &str) -> bool {
    path.starts_with("actors/") && !in_conversation(path)
}

fn in_simulator(path: &str) -> bool {
    path.starts_with("channels/simulator/")
}

fn in_channels(path: &str) -> bool {
    path.starts_with("channels/") && !in_simulator(path)
}

fn in_product(path: &str) -> bool {
    path.starts_with("src/") || path.starts_with("actors/") || path.starts_with("channels/")
}

fn is_store(path: &str) -> bool {
    path.starts_with("src/db/") || path.ends_with("/store.rs") || path.contains("/store/")
}

const PURE: &str = "the conversation engine is pure: time, chance and the world come through its ports";
const APART: &str = "actors and channels meet only in the conversation's vocabulary";

const BORDERS: &[Border] = &[
    Border {
        name: "usher_channels",
        forbidden: |path| in_actors(path) || in_conversation(path),
        because: APART,
    },
    Border {
        name: "usher_actors",
        forbidden: |path| in_channels(path) || in_simulator(path) || in_conversation(path),
        because: APART,
    },
    Border {
        name: "usher_simulator",
        forbidden: |path| {
            in_channels(path)
                || in_actors(path)
                || in_conversation(path)
                || (path.starts_with("src/")
                    && !["src/demo", "src/cli"].iter().any(|room| path.starts_with(room)))
        },
        because: "the simulator never starts under serve",
    },
    Border {
        name: "sqlx",
        forbidden: |path| in_product(path) && !is_store(path) && !in_conversation(path),
        because: "only the db room and a slice's store.rs know the database",
    },
    Border {
        name: "tokio_tungstenite",
        forbidden: |path| in_product(path) && !path.starts_with("channels/"),
        because: "sockets to vendors are opened by the channels",
    },
    Border {
        name: "reqwest",
        forbidden: in_actors,
        because: "the runtime reaches vendors through the ports",
    },
    Border { name: "tokio", forbidden: in_conversation, because: PURE },
    Border { name: "actix", forbidden: in_conversation, because: PURE },
    Border { name: "actix_rt", forbidden: in_conversation, because: PURE },
    Border { name: "actix_web", forbidden: in_conversation, because: PURE },
    Border { name: "sqlx", forbidden: in_conversation, because: PURE },
    Border { name: "reqwest", forbidden: in_conversation, because: PURE },
    Border { name: "SystemTime", forbidden: in_conversation, because: PURE },
    Border { name: "Instant", forbidden: in_conversation, because: PURE },
    Border { name: "std::fs", forbidden: in_conversation, because: PURE },
    Border { name: "std::net", forbidden: in_conversation, because: PURE },
    Border { name: "std::env", forbidden: in_conversation, because: PURE },
    Border { name: "std::thread", forbidden: in_conversation, because: PURE },
];

/// Whether `line` uses `name` as a whole path, not as a part of a longer word.
fn names(line: &str, name: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(name).any(|(at, _)| {
        !line[..at].ends_with(part_of_word) && !line[at + name.len()..].starts_with(part_of_word)
    })
}

/// Production code that uses what its room may not use.
pub(crate) fn trespasses(files: &[SourceFile]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for border in BORDERS.iter().filter(|border| (border.forbidden)(&file.path)) {
            for (number, line) in file.production_code().filter(|(_, line)| names(line, border.name)) {
                let (path, line, because) = (&file.path, line.trim(), border.because);
                findings.push(format!("{path}:{number} `{line}`: {because}"));
            }
        }
    }
    findings
}

/// Modules of the server, after the first, that use `actix-web-actors`. (The simulator is another server, and the
/// load generator measures the bare crate as a reference.)
pub(crate) fn socket_modules_beyond_the_first(files: &[SourceFile]) -> Vec<String> {
    files
        .iter()
        .filter(|file| file.is_rust() && in_product(&file.path) && !in_simulator(&file.path))
        .filter(|file| file.production_code().any(|(_, line)| names(line, "actix_web_actors")))
        .skip(1)
        .map(|file| format!("{} is a second module on actix-web-actors", file.path))
        .collect()
}

pub(crate) fn too_long(files: &[SourceFile]) -> Vec<String> {
    files
        .iter()
        .map(|file| (&file.path, file.text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| format!("{path} has {lines} lines"))
        .collect()
}

fn anywhere(_: &str) -> bool {
    true
}

fn in_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|ending| ending == "rs")
}

fn in_rust_tests(path: &str) -> bool {
    in_rust(path) && (path.starts_with("tests/") || path.contains("/tests/"))
}

fn in_widget(path: &str) -> bool {
    path.starts_with("widget/")
}

fn in_widget_tests(path: &str) -> bool {
    in_widget(path) && (path.contains("e2e/") || path.contains(".test."))
}

/// A mark of unfinished or muted work, and where it may not stand.
struct Leftover {
    mark: &'static str,
    applies: fn(&str) -> bool,
    advice: &'static str,
}

const fn leftover(mark: &'static str, applies: fn(&str) -> bool, advice: &'static str) -> Leftover {
    Leftover { mark, applies, advice }
}

/// Written in two halves so that this file is clean.
const LEFTOVERS: &[Leftover] = &[
    leftover(concat!("#[", "allow("), in_rust, "expect it, with a reason"),
    leftover(concat!("#![", "allow("), in_rust, "expect it, with a reason"),
    leftover(concat!("#[", "ignore"), in_rust, "no test is skipped"),
    leftover(concat!("todo", "!("), in_rust, "finish it"),
    leftover(concat!("unimplemented", "!("), in_rust, "finish it"),
    leftover(concat!("TO", "DO"), anywhere, "finish it or file it"),
    leftover(concat!("FIX", "ME"), anywhere, "finish it or file it"),
    leftover(concat!("HA", "CK"), anywhere, "finish it or file it"),
    leftover(concat!("X", "XX"), anywhere, "finish it or file it"),
    leftover(concat!(".sk", "ip("), in_widget_tests, "no test is skipped"),
    leftover(concat!(".on", "ly("), in_widget_tests, "no test is skipped"),
    leftover(concat!("sle", "ep("), in_rust_tests, "wait for the thing itself"),
    leftover(concat!("waitFor", "Timeout("), in_widget, "wait for the thing itself"),
];

/// A broken file for every mark.
pub(crate) fn leftover_samples() -> impl Iterator<Item = (&'static str, &'static str)> {
    LEFTOVERS.iter().map(|&Leftover { mark, applies, .. }| {
        let path = ["src/lib.rs", "tests/it/front_door.rs", "widget/e2e/form.test.ts"]
            .into_iter()
            .find(|path| applies(path))
            .expect("every mark has a place where it may not stand");
        (path, mark)
    })
}

/// Words in capitals stand alone (`TODOS` is a name); the others are looked for as they are.
fn has_mark(line: &str, mark: &str) -> bool {
    if mark.chars().all(|c| c.is_ascii_uppercase()) { names(line, mark) } else { line.contains(mark) }
}

pub(crate) fn leftovers(files: &[SourceFile]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            let here = |leftover: &&Leftover| (leftover.applies)(&file.path) && has_mark(line, leftover.mark);
            for Leftover { mark, advice, .. } in LEFTOVERS.iter().filter(here) {
                findings.push(format!("{}:{} `{mark}`: {advice}", file.path, number + 1));
            }
        }
    }
    findings
}
