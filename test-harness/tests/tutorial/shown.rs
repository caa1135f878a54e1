//! The tutorial shows the code that is tested here, and no other.

const TUTORIAL: &str = include_str!("../../../connector-api/docs/tutorial.md");

/// The blocks of Rust in the steps whose numbers begin with one of `steps`, as a reader puts them together.
fn shown(steps: &[char]) -> String {
    let parts = TUTORIAL.split("\n## ").filter(|part| part.starts_with(steps));
    let blocks = parts.flat_map(|part| part.split("\n```rust\n").skip(1));
    let blocks = blocks.map(|rest| rest.split_once("\n```\n").map_or(rest, |(block, _)| block));
    blocks.collect::<Vec<_>>().join("\n\n")
}

#[test]
fn the_connector_is_that_of_the_tutorial() {
    equal("src/lib.rs", &shown(&['1', '2', '3', '4', '5', '6']), include_str!("connector_roster.rs"));
}

#[test]
fn its_tests_are_those_of_the_tutorial() {
    let here = include_str!("main.rs").replace("mod connector_roster;\nmod shown;\n\n", "");
    equal("tests/conformance.rs", &shown(&['7']), &here);
}

#[track_caller]
fn equal(file: &str, shown: &str, here: &str) {
    let (shown, here): (Vec<_>, Vec<_>) = (shown.trim().lines().collect(), here.trim().lines().collect());
    let differs = shown.iter().zip(&here).position(|(shown, here)| shown != here);
    let at = differs.unwrap_or(shown.len().min(here.len()));
    assert_eq!(shown.get(at), here.get(at), "line {} of {file}: the tutorial and what is tested differ", at + 1);
}
