//! What stands on a terminal, as wide as that is.
#![cfg(unix)]

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use console::measure_text_width;
use nix::pty::{Winsize, openpty};

use crate::support::{harness, run};

/// What `arguments` write to a terminal of N columns, with `COLUMNS` as said.
fn on_terminal(arguments: &[&str], columns: u16, said: Option<&str>) -> String {
    shown(harness(arguments).env("NO_COLOR", "1"), columns, said)
}

/// What a command writes to a terminal.
fn shown(command: &mut Command, columns: u16, said: Option<&str>) -> String {
    let size = Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).unwrap();
    let screen = File::from(pty.slave);
    command.stdout(Stdio::from(screen.try_clone().unwrap())).stderr(Stdio::from(screen));
    if let Some(said) = said {
        command.env("COLUMNS", said);
    }
    let mut running = command.spawn().unwrap();
    // The terminal ends with the last who has it open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut written = Vec::new();
    let mut from = File::from(pty.master);
    let mut part = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut part) {
        written.extend(&part[..length]);
    }
    running.wait().unwrap();
    String::from_utf8(written).unwrap().replace("\r\n", "\n")
}

fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_error_is_as_wide_as_the_terminal_and_one_line_elsewhere() {
    let arguments = ["scan", "--hostname", "console.jumpcloud.com", "--set", "retryWaitMilliseconds=many"];
    let elsewhere = run(&mut harness(arguments)).stderr;
    assert_eq!(elsewhere.lines().count(), 2, "{elsewhere}");
    for columns in [40, 80] {
        let text = on_terminal(&arguments, columns, None);
        assert!(text.lines().all(|line| measure_text_width(line) <= usize::from(columns)), "{text}");
        assert!(text.lines().any(|line| line.starts_with("help: ")), "{text}");
        let letters = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(letters(&text), letters(&elsewhere));
    }
}

#[test]
fn the_page_of_a_connector_is_as_wide_as_the_terminal() {
    let text = on_terminal(&["describe"], 70, None);
    let too_long: Vec<&str> = text.lines().filter(|line| measure_text_width(line) > 70).collect();
    assert!(too_long.is_empty(), "{too_long:#?}");
    assert_eq!(unwrapped(&text), unwrapped(&run(&mut harness(["describe"])).stdout));
}

#[test]
fn pages_and_help_are_as_wide_as_columns_says() {
    for arguments in [&["describe"][..], &["scan", "--help"]] {
        let printed = |said: &str| run(harness(arguments).env("COLUMNS", said)).stdout;
        let widest = |text: &str| text.lines().map(measure_text_width).max().unwrap_or_default();
        let unset = run(&mut harness(arguments)).stdout;
        for nothing in ["0", "-1", "wide", ""] {
            assert_eq!(printed(nothing), unset, "{arguments:?}, {nothing}");
        }
        assert!(widest(&printed("70")) <= 70, "{arguments:?}");
        assert_eq!(printed("1"), printed("30"), "{arguments:?}");
        assert_eq!(unwrapped(&printed("70")), unwrapped(&unset), "{arguments:?}");
    }
}

#[test]
fn whatever_columns_says_the_summary_has_a_width() {
    for (said, least, most) in [("99999999999", 81, 400), ("1", 20, 30)] {
        let text = on_terminal(&["scan", "--demo", "--quiet"], 80, Some(said));
        let widest = text.lines().map(measure_text_width).max().unwrap_or_default();
        assert!((least..=most).contains(&widest), "{widest} of {said}: {text}");
        assert!(unwrapped(&text).contains("The rows were not saved: --output"), "{text}");
    }
}

#[test]
fn the_summary_of_the_demo_fits_on_a_screen_of_50_lines_with_its_command_and_the_next_prompt() {
    for columns in [80, 140] {
        let text = on_terminal(&["scan", "--demo", "--quiet"], columns, None);
        let lines = text.trim_end().lines().count();
        assert!(lines <= 48, "{lines} lines at {columns}: {text}");
        assert!(unwrapped(&text).contains("--details shows more here."), "{text}");
    }
    let long = on_terminal(&["scan", "--demo", "--quiet", "--details"], 80, None);
    for title in ["Privileged by a setting that you can change", "Evidence by number of accounts", "Found", "Sections"]
    {
        assert!(long.lines().any(|line| line.starts_with(title)), "no {title:?} in {long}");
    }
}

#[test]
fn answers_are_coloured_on_a_terminal_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.ndjson");
    let file = file.to_str().unwrap();
    assert_eq!(run(&mut harness(["scan", "--demo", "--quiet", "--output", file])).code, 0);
    let arguments = ["findings", "--severity", "high", "--from-file", file];
    let coloured = shown(harness(arguments).env("TERM", "xterm"), 80, None);
    let plain = on_terminal(&arguments, 80, None);
    assert!(coloured.contains("\u{1b}[31m") && coloured.contains("CRITICAL"), "{coloured}");
    assert!(!plain.contains('\u{1b}') && plain.contains("CRITICAL"), "{plain}");
    assert_eq!(console::strip_ansi_codes(&coloured), plain);
    assert!(!run(&mut harness(arguments)).stdout.contains('\u{1b}'));
}
