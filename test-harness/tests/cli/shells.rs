//! What makes the program at home on a machine: completions, manual pages, its version.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::skip;
use crate::support::{entries, harness, run};

/// The commands and those below them, such as `store prune`, each with its long options, as the help lists them; the
/// program's own under no name.
fn commands() -> BTreeMap<String, Vec<String>> {
    let mut commands = BTreeMap::new();
    add(String::new(), &mut commands);
    let names: Vec<&String> = commands.keys().collect();
    assert!(names.len() >= 9, "{names:?}");
    for name in ["test-connection", "man", "store prune"] {
        assert!(commands.contains_key(name), "{names:?}");
    }
    commands
}

fn add(command: String, commands: &mut BTreeMap<String, Vec<String>>) {
    let help = run(harness(command.split_whitespace()).arg("--help")).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Lines that go on with an explanation are further to the right.
    let names = listed
        .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help");
    for name in names {
        add(format!("{command} {name}").trim().to_owned(), commands);
    }
    commands.insert(command, options(&help));
}

/// The long options that a help explains, without their dashes.
fn options(help: &str) -> Vec<String> {
    // Lines further to the right go on with an explanation, and may begin with another option's name.
    let entries = help.lines().filter_map(|line| Some(line.split_at(line.find(|letter| letter != ' ')?)));
    let explained = entries.filter(|(indent, line)| indent.len() < 10 && line.starts_with('-')).map(|(_, line)| line);
    let long = explained.filter_map(|line| line.split([' ', '=', '[']).find_map(|word| word.strip_prefix("--")));
    long.map(str::to_owned).collect()
}

#[cfg(unix)]
#[test]
fn the_commands_for_each_shell_work_in_a_home_without_folders() {
    let help = run(&mut harness(["completions", "--help"])).stdout;
    let program = Path::new(env!("CARGO_BIN_EXE_harness")).parent().unwrap().to_owned();
    let path = env::join_paths([program, "/bin".into(), "/usr/bin".into()]).unwrap();
    for (shell, file) in [
        ("bash", ".local/share/bash-completion/completions/harness"),
        ("zsh", ".zfunc/_harness"),
        ("fish", ".config/fish/completions/harness.fish"),
        ("elvish", ".config/elvish/lib/harness.elv"),
    ] {
        let lines = help.lines().skip_while(|line| !line.starts_with(&format!("  {shell}"))).skip(1);
        let commands: Vec<&str> = lines.take_while(|line| line.starts_with("    ")).collect();
        let home = tempfile::tempdir().unwrap();
        let mut sh = Command::new("/bin/sh");
        sh.args(["-ec", &commands.join("\n")]).env("HOME", home.path()).env("PATH", &path);
        let ended = run(&mut sh);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{shell}: {commands:?}");
        let script = fs::read_to_string(home.path().join(file)).unwrap();
        assert_eq!(script, run(&mut harness(["completions", shell])).stdout, "{shell}");
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
fn bash_completes_the_commands_and_the_options_of_each() {
    let Some(bash) = skip::optional_program("bash") else { return };
    let script = run(&mut harness(["completions", "bash"])).stdout;
    let completed = |words: &[&str]| {
        let ask = format!(
            "COMP_WORDS=({}); COMP_CWORD={}; _harness harness '{}' ''; echo \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            words.len() - 1,
            words[words.len() - 1],
        );
        let ended = run(Command::new(&bash).args(["--norc", "-c", &format!("{script}\n{ask}")]));
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{words:?}");
        ended.stdout.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(completed(&["harness", "scan", "--check"]), ["--checkpoint"]);
    assert_eq!(completed(&["harness", "te"]), ["test-connection"]);
    let commands = commands();
    assert!(commands["scan"].len() > 15, "{commands:?}");
    for (name, options) in commands.iter().filter(|(name, _)| !name.is_empty()) {
        let words: Vec<&str> = ["harness"].into_iter().chain(name.split(' ')).chain(["--"]).collect();
        let offered: BTreeSet<String> = completed(&words).into_iter().collect();
        let explained: BTreeSet<String> = options.iter().map(|option| format!("--{option}")).collect();
        assert_eq!(offered, explained, "{name}");
    }
}

#[test]
fn every_command_has_a_manual_page_with_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("share/man1");
    let ended = run(harness(["man", "--output"]).arg(&made));
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));
    let commands = commands();
    let file = |name: &str| {
        if name.is_empty() { "harness.1".to_owned() } else { format!("harness-{}.1", name.replace(' ', "-")) }
    };
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
fn the_version_of_a_release_build_names_its_commit() {
    let version = concat!("harness ", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&mut harness(["-V"])).stdout.trim(), version);
    let long = run(&mut harness(["--version"])).stdout;
    let rest = long.trim().strip_prefix(version).unwrap();
    if cfg!(debug_assertions) {
        assert_eq!(rest, " (development build)");
        return;
    }
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
