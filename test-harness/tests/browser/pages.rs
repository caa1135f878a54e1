//! What is true of every page: it fits, weighs little, and can be used by everybody.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::served::demo;
use crate::skip;
use crate::tab::{Look, Tab};
use crate::tour::tour;

/// The most that a page weighs with everything that it loads, in bytes, before compression.
const WEIGHT: u64 = 150_000;

/// The most that the picture in the README weighs.
const PICTURE: u64 = 150_000;

/// The folder of what is built.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

#[test]
fn every_page_fits_the_window_and_weighs_little_and_there_is_a_picture_of_it() {
    let folder = target().join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    let mut faults = Vec::new();
    tour(&mut |tab, name, look| {
        let wide = tab.evaluate("document.documentElement.scrollWidth").as_u64().unwrap();
        if wide > u64::from(look.width) {
            faults.push(format!("{name} is {wide} wide at {}: {}", look.width, too_wide(tab, look.width)));
        }
        let loaded = "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]\
                      .reduce((sum, entry) => sum + entry.decodedBodySize, 0)";
        let weight = tab.evaluate(loaded).as_u64().unwrap();
        if name != "report" && weight > WEIGHT {
            faults.push(format!("{name} weighs {weight} bytes"));
        }
        let scheme = if look.is_dark { "dark" } else { "light" };
        let file = folder.join(format!("{name}-{}-{scheme}.png", look.width));
        std::fs::write(file, tab.picture()).unwrap();
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The element that makes a page too wide.
fn too_wide(tab: &Tab, width: u32) -> Value {
    tab.evaluate(&format!(
        "[...document.querySelectorAll('body *')].filter((it) => it.getBoundingClientRect().right > {width}
          && !it.closest('.scroll')).map((it) => it.outerHTML.slice(0, 200)).at(-1)"
    ))
}

#[test]
fn axe_finds_nothing_serious_on_any_page() {
    let Some(axe) = skip::program("axe.min.js") else { return };
    let axe = std::fs::read_to_string(axe).unwrap();
    let mut faults = Vec::new();
    tour(&mut |tab, name, look| {
        if tab.evaluate("window.axe === undefined") == true {
            tab.inject(&axe);
        }
        let found = tab.evaluate(
            "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations
               .filter(({ impact }) => impact === 'serious' || impact === 'critical')
               .map(({ id, nodes }) => `${id}: ${nodes.length} × ${nodes[0].html.slice(0, 300)}: ${nodes[0].failureSummary}`))",
        );
        let found: Vec<String> = serde_json::from_value(found).unwrap();
        faults.extend(found.iter().map(|fault| format!("{name}, {look:?}: {fault}")));
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_picture_in_the_readme_is_there_and_weighs_little() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let file = root.join("docs/console.png");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let look = Look { height: 720, ..Look::default() };
        let Some(tab) = Tab::signed_in(demo(), look) else { return };
        tab.go("/privileged");
        tab.follow("skovacevic12");
        tab.evaluate("document.getElementById('why').scrollIntoView()");
        std::fs::write(&file, tab.picture_of_window()).unwrap();
    }
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.contains("(docs/console.png)"));
    let picture = std::fs::read(&file).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    assert!(picture.len() as u64 <= PICTURE, "{} bytes", picture.len());
}
