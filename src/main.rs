//! The `sockspec` binary: see the library.

fn main() -> std::process::ExitCode {
    sockspec::cli::main()
}
