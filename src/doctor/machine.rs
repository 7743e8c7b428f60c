//! The machine: clock, data directory, disk, port.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use usher_conversation::ports::Clock as _;
use usher_conversation::time::Timestamp;

use super::Finding;
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::server;

/// No correct clock shows an earlier time than the year this was written.
const EARLIEST_NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
/// With less than this the disk is full before anybody looks.
const LOW_DISK_BYTES: u64 = 1024 * 1024 * 1024;
/// With less than this a write may fail at any moment.
const NO_DISK_BYTES: u64 = 64 * 1024 * 1024;

pub(super) fn examine(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![clock(), port(settings)];
    findings.push(data_dir(&settings.data_dir));
    findings.extend(disk(&settings.data_dir));
    findings
}

fn clock() -> Finding {
    let now = SystemClock.now();
    if now < EARLIEST_NOW {
        return Finding::broken(
            "clock",
            format!("the machine says it is {}", now.to_jiff()),
            "Quiet hours, reminders and link expiry would all be wrong.",
            "Set the clock, for example with `timedatectl set-ntp true`.",
        );
    }
    Finding::ok("clock", format!("{}", now.to_jiff()))
}

fn port(settings: &Settings) -> Finding {
    let bind = settings.bind;
    match server::bind(bind) {
        Ok(_) => Finding::ok("port", format!("{bind} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::warning(
            "port",
            format!("{bind} is taken"),
            "If that is a running Usher all is well; a second server cannot start there.",
            "Stop the other program, or choose another address with USHER_BIND.",
        ),
        Err(error) => Finding::broken(
            "port",
            format!("{bind} cannot be used: {error}"),
            "The server could not listen.",
            "Choose an address of this machine with USHER_BIND.",
        ),
    }
}

fn data_dir(path: &Path) -> Finding {
    let why = "The embedded database, files and the generated master key are kept there.";
    let fix =
        || format!("Make {} writable for this user, or choose another with USHER_DATA_DIR.", path.display());
    if !path.exists() {
        return match existing_parent(path).map(writable) {
            Some(Ok(())) => Finding::ok("data directory", format!("{} will be made", path.display())),
            _ => Finding::broken("data directory", format!("{} cannot be made", path.display()), why, fix()),
        };
    }
    match writable(path) {
        Ok(()) => Finding::ok("data directory", format!("{} is writable", path.display())),
        Err(error) => Finding::broken(
            "data directory",
            format!("{} is not writable: {error}", path.display()),
            why,
            fix(),
        ),
    }
}

fn existing_parent(path: &Path) -> Option<&Path> {
    path.ancestors()
        .map(|dir| if dir.as_os_str().is_empty() { Path::new(".") } else { dir })
        .find(|dir| dir.exists())
}

fn writable(dir: &Path) -> std::io::Result<()> {
    let probe = dir.join(".usher-doctor");
    fs::write(&probe, b"probe")?;
    fs::remove_file(&probe)
}

fn disk(path: &Path) -> Option<Finding> {
    let dir = existing_parent(path)?;
    let free = free_bytes(dir)?;
    let what = format!("{} MiB free", free / (1024 * 1024));
    Some(match free {
        ..NO_DISK_BYTES => Finding::broken(
            "disk",
            what,
            "Nothing can be recorded on a full disk: every request would be refused.",
            format!("Free space on the disk of {}.", dir.display()),
        ),
        NO_DISK_BYTES..LOW_DISK_BYTES => Finding::warning(
            "disk",
            what,
            "The disk may be full before anybody looks.",
            format!("Free space on the disk of {}.", dir.display()),
        ),
        _ => Finding::ok("disk", what),
    })
}

/// Free space for this user, as `df` reports it; the standard library does not tell.
fn free_bytes(dir: &Path) -> Option<u64> {
    let output = std::process::Command::new("df").args(["-P", "-k"]).arg(dir).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kilobytes: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kilobytes * 1024)
}
