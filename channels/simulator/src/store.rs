//! The state file: one JSON record per line, appended before the change is answered.
//!
//! A killed process loses nothing it had written (the page cache outlives it); a line that was cut in the middle is the last
//! one and is dropped. On start the file is rewritten without history, under another name, and renamed over the old one; so
//! a lock beside it keeps a second simulator away, which would leave the first one writing to a file without a name.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::Path;

use crate::StartError;
use crate::world::{Record, World};

pub(crate) struct StateFile {
    records: File,
    /// The operating system frees it when the process ends, however it ends.
    _lock: File,
}

impl StateFile {
    /// Reads the file into `world`, compacts it, and opens it for appending.
    pub(crate) fn open(path: &Path, world: &mut World) -> Result<Self, StartError> {
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.with_added_extension("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StartError::InUse(path.to_owned()),
            TryLockError::Error(error) => error.into(),
        })?;
        match File::open(path) {
            Ok(file) => read(BufReader::new(file), world)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let compact = path.with_extension("tmp");
        let mut writer = BufWriter::new(File::create(&compact)?);
        for record in world.records() {
            writer.write_all(&line(&record)?)?;
        }
        writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&compact, path)?;
        Ok(Self { records: OpenOptions::new().append(true).open(path)?, _lock: lock })
    }

    /// Appends one record. A full disk must not stop the vendor's stand-in: it goes on in memory.
    pub(crate) fn append(&mut self, record: &Record) {
        if let Err(error) = line(record).and_then(|line| self.records.write_all(&line)) {
            tracing::warn!(%error, "the simulator's state file cannot be written");
        }
    }
}

fn line(record: &Record) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    Ok(line)
}

fn read(reader: impl io::BufRead, world: &mut World) -> io::Result<()> {
    let mut lines = reader.lines().peekable();
    while let Some(line) = lines.next() {
        match serde_json::from_str(&line?) {
            Ok(record) => world.apply(record),
            Err(_) if lines.peek().is_none() => {
                tracing::warn!("dropped a cut line at the end of the state file");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_last_line_is_dropped_and_a_broken_middle_is_an_error() {
        let good = r#"{"record":"opt_out","scope":"+14155550101","phone":"+14155550100","out":true}"#;
        let mut world = World::default();
        read(format!("{good}\n{{\"record\":\"opt").as_bytes(), &mut world).expect("the first line stands");
        assert!(world.opted_out("+14155550101", "+14155550100"));
        assert!(read(format!("nonsense\n{good}\n").as_bytes(), &mut world).is_err());
    }
}
