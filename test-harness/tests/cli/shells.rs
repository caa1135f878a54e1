//! What makes the program at home on a machine: completions, manual pages, its version.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::skip;
use crate::support::{entries, harness, run};

/// The commands, each with its long options, as the help lists them; the program's own under no name.
fn commands() -> BTreeMap<String, Vec<String>> {
    let help = run(&mut harness(["--help"])).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Lines that go on with an explanation are further to the right.
    let names: Vec<&str> = listed
        .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() >= 9 && names.contains(&"test-connection") && names.contains(&"man"), "{names:?}");
    let mut commands = BTreeMap::from([(String::new(), options(&help))]);
    for name in names {
        commands.insert(name.to_owned(), options(&run(&mut harness([name, "--help"])).stdout));
    }
    commands
}

/// The long options that a help explains, without their dashes.
fn options(help: &str) -> Vec<String> {
    let explained = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let long = explained.filter_map(|line| line.split([' ', '=', '[']).find_map(|word| word.strip_prefix("--")));
    long.map(str::to_owned).collect()
}

#[test]
fn completions_know_every_command_and_option() {
    let commands = commands();
    assert!(commands["scan"].len() > 15, "{commands:?}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&mut harness(["completions", shell])).stdout;
        for (name, options) in &commands {
            assert!(script.contains(name.as_str()), "{shell} does not know {name}");
            for option in options {
                let form = if shell == "fish" { format!("-l {option}") } else { format!("--{option}") };
                assert!(script.contains(&form), "{shell} does not know {option} of {name}");
            }
        }
    }
}

#[test]
fn each_shell_that_is_here_accepts_its_script() {
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let Some(program) = skip::optional_program(shell) else { continue };
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        fs::write(&script, run(&mut harness(["completions", shell])).stdout).unwrap();
        let checked = run(Command::new(program).arg(check).arg(script));
        assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{shell}");
    }
}

#[test]
fn bash_completes_what_was_begun() {
    let Some(bash) = skip::optional_program("bash") else { return };
    let script = run(&mut harness(["completions", "bash"])).stdout;
    let ask =
        "COMP_WORDS=(harness scan --check); COMP_CWORD=2; _harness harness --check scan; echo \"${COMPREPLY[@]}\"";
    let completed = run(Command::new(bash).args(["--norc", "-c", &format!("{script}\n{ask}")]));
    assert_eq!((completed.stdout.trim(), completed.stderr.as_str()), ("--checkpoint", ""));
}

#[test]
fn every_command_has_a_manual_page_with_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("share/man1");
    let ended = run(harness(["man", "--output"]).arg(&made));
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));
    let commands = commands();
    let file = |name: &str| if name.is_empty() { "harness.1".to_owned() } else { format!("harness-{name}.1") };
    let mut expected: Vec<String> = commands.keys().map(|name| file(name)).collect();
    expected.sort();
    assert_eq!(entries(&made), expected);
    for (name, options) in &commands {
        let page = fs::read_to_string(made.join(file(name))).unwrap().replace('\\', "");
        for option in options {
            assert!(page.contains(&format!("--{option}")), "the page of {name} has no --{option}");
        }
    }
    assert_eq!(run(&mut harness(["man"])).stdout, fs::read_to_string(made.join("harness.1")).unwrap());

    let Some(groff) = skip::optional_program("groff") else { return };
    for page in expected {
        let formatted = run(Command::new(&groff).args(["-man", "-Tutf8", "-Kutf8", "-ww", "-z"]).arg(made.join(&page)));
        assert_eq!((formatted.code, formatted.stderr.as_str()), (0, ""), "{page}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let ended = run(harness(["man", "--output"]).arg(file.path().join("man1")));
    ended.assert_error(1, "sink", "check the path");
    assert!(ended.stderr.contains(file.path().to_str().unwrap()), "{ended:?}");
}

#[test]
fn a_page_that_cannot_be_written_is_named_and_none_is_left_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let obstacle = folder.path().join("harness-scan.1");
    fs::create_dir(&obstacle).unwrap();
    let ended = run(harness(["man", "--output"]).arg(folder.path()));
    ended.assert_error(1, "sink", "check the path");
    assert!(ended.stderr.contains(obstacle.to_str().unwrap()), "{ended:?}");
    for name in entries(folder.path()) {
        let path = folder.path().join(&name);
        assert!(name.starts_with("harness"), "{name}");
        assert!(path == obstacle || fs::read_to_string(path).unwrap().contains(".SH"), "{name}");
    }
}

#[test]
fn a_dash_prints_the_main_page() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(harness(["man", "--output", "-"]).current_dir(folder.path()));
    assert_eq!((ended.code, ended.stdout), (0, run(&mut harness(["man"])).stdout));
    assert!(entries(folder.path()).is_empty());
}

/// Commands that only print.
const PRINTING: [&[&str]; 8] = [
    &["--help"],
    &["scan", "--help"],
    &["--version"],
    &["man"],
    &["schema", "--rows"],
    &["completions", "bash"],
    &["describe"],
    &["connectors"],
];

#[test]
fn a_reader_that_stops_is_not_a_failure() {
    for arguments in PRINTING {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = run(harness(arguments).stdout(writer));
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_a_failure_with_advice_about_the_output() {
    for arguments in PRINTING {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = run(harness(arguments).stdout(full));
        ended.assert_error(1, "sink", "free space, or redirect the output elsewhere");
    }
}

#[test]
fn the_version_names_the_commit_that_it_was_built_from() {
    let version = concat!("harness ", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&mut harness(["-V"])).stdout.trim(), version);
    let long = run(&mut harness(["--version"])).stdout;
    let rest = long.trim().strip_prefix(version).unwrap();
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    if git(&["ls-files", "--error-unmatch", "build.rs"]).is_none() {
        // Not a working copy of this project.
        assert_eq!(rest, "");
        return;
    }
    // The commit may be an earlier one by now: the binary is as old as its build.
    let (commit, date) = rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')')?.split_once(", ")).unwrap();
    let commit = commit.strip_suffix("-modified").unwrap_or(commit);
    assert_eq!(git(&["show", "--no-patch", "--format=%cs", commit]).as_deref(), Some(date), "{rest}");
}
