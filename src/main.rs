//! The `usher` command.

/// Requests begin on one thread, are decided on a second and sealed and written on a third; the system's allocator pays
/// for that with locks, and keeps what it frees in pieces (see docs/adr/0007-allocator.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    usher::cli::run()
}
