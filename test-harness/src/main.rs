//! The `harness` command line: see [`test_harness::cli`].

/// A scan makes and drops small things by the million, on several threads: the system's allocator would take longer for
/// that than for anything else.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    test_harness::cli::main()
}
