//! The `harness` command line: see [`test_harness::cli`].

fn main() -> std::process::ExitCode {
    test_harness::cli::main()
}
