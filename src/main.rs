//! The `usher` command.

fn main() -> std::process::ExitCode {
    usher::cli::run()
}
