//! A seeded mutation fuzzer on the stable toolchain: good inputs from the corpus, broken in ways that break parsers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rand::Rng;
use rand::rngs::StdRng;
use usher_testkit::Seed;
use usher_testkit::seed::{choose, rounds};

/// No parser is handed more; the edge limits bodies long before that.
const LARGEST: usize = 16 * 1024;
/// Inputs per target in an ordinary run; `USHER_FUZZ_INPUTS` for more.
const INPUTS: usize = 2_000;

/// What breaks parsers: numbers at the edge, delimiters, scripts, text that changes its length when its case changes.
const NASTY: &[&str] = &[
    "\0",
    "\u{feff}",
    "\u{202e}",
    "İ",
    "ß",
    "ﬃ",
    "👩\u{200d}👧",
    "e\u{301}",
    "٣",
    "½",
    "²",
    "%",
    "%%",
    "%zz",
    "%00",
    "+",
    "&",
    "=",
    "=&=",
    ";",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[[[[[[[[",
    "]",
    "null",
    "true",
    "-",
    "--1",
    "1e999",
    "-0",
    "0.0000001",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999",
    "NaN",
    "{{",
    "}}",
    "${",
    "<",
    "</",
    "<!--",
    "]]>",
    "&amp;",
    "&#x110000;",
    "\r\n\r\n",
    "\t",
    " ",
    "  ",
    "@",
    "@@",
    "..",
    "://",
    "#",
    "tomorrow",
    "february 30",
    "25:00",
    "12:60",
    "midnight",
    "noon",
    "-1",
    "a.m.",
    "half past",
    "$",
    "€",
    "k",
    "mm",
];

/// The good inputs a target starts from: one per file, or one per line of a `.txt`.
pub(crate) fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the corpus can be listed").path())
        .collect();
    files.sort();
    let mut inputs = Vec::new();
    for path in files {
        let bytes = std::fs::read(&path).expect("the corpus can be read");
        if path.extension().is_some_and(|ending| ending == "txt") {
            inputs.extend(bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec));
        } else {
            inputs.push(bytes);
        }
    }
    assert!(!inputs.is_empty(), "{target} has a corpus");
    inputs
}

/// Hands the target every good input, then mutations of them. The first input that panics, if any.
pub(crate) fn fuzz(seed: Seed, inputs: &[Vec<u8>], target: impl Fn(&[u8])) -> Option<Vec<u8>> {
    let survives = |input: &[u8]| catch_unwind(AssertUnwindSafe(|| target(input))).is_ok();
    if let Some(input) = inputs.iter().find(|input| !survives(input)) {
        return Some(input.clone());
    }
    let mut rng = seed.rng(1);
    for _ in 0..rounds("USHER_FUZZ_INPUTS", INPUTS) {
        let mut input = choose(&mut rng, inputs).clone();
        for _ in 0..rng.random_range(1..=6) {
            mutate(&mut input, inputs, &mut rng);
        }
        input.truncate(LARGEST);
        if !survives(&input) {
            return Some(input);
        }
    }
    None
}

fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], rng: &mut StdRng) {
    let at = rng.random_range(0..=input.len());
    let end = (at + rng.random_range(1..=16)).min(input.len());
    match rng.random_range(0..9) {
        0 => input.insert(at, rng.random()),
        1 => drop(input.drain(at..end)),
        2 if at < input.len() => input[at] ^= 1 << rng.random_range(0..8),
        3 => drop(input.splice(at..at, choose(rng, NASTY).bytes())),
        4 => drop(input.splice(at..end, choose(rng, NASTY).bytes())),
        5 => input.truncate(at),
        6 => {
            let piece = input[at..end].repeat(rng.random_range(2..200));
            input.splice(at..at, piece);
        }
        7 => {
            let other = choose(rng, corpus);
            let from = rng.random_range(0..=other.len());
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        _ => input.make_ascii_uppercase(),
    }
}

/// Fuzzes a target and fails with the input that made it panic.
#[track_caller]
pub(crate) fn survives(name: &str, target: impl Fn(&[u8])) {
    let found = fuzz(Seed::from_env(0x05ee_d0f0), &corpus(name), target);
    if let Some(input) = found {
        panic!("{name} panics on \"{}\" (the panic itself is above)", input.escape_ascii());
    }
}
