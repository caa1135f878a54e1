//! The browser of this test process.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{LazyLock, OnceLock};

use chromiumoxide::Browser;
use chromiumoxide::handler::HandlerConfig;
use futures_util::StreamExt;
use tokio::runtime::Runtime;

use crate::skip;

/// Runs a program until the standard input closes: so it ends with the test process, however that ends.
const KEEPER: &str = r#"
trap '' INT
"$@" 2>&1 &
program=$!
exec >/dev/null 2>&1
cat
kill $program
wait $program
rm -rf "$REMOVE"
"#;

/// What servers and the browser run on: they outlive the tests that start them.
pub static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// The browser; `None` where there is none, and the current test is skipped.
pub fn browser() -> Option<&'static Browser> {
    static BROWSER: OnceLock<Browser> = OnceLock::new();
    let program = skip::program("chromium")?;
    Some(BROWSER.get_or_init(|| {
        let profile = tempfile::Builder::new().prefix("browser-").tempdir().unwrap().keep();
        let mut command: Vec<OsString> = vec![program.into()];
        command.extend(ARGUMENTS.iter().map(OsString::from));
        command.push(format!("--user-data-dir={}", profile.display()).into());
        let lines = keep(&command, Some(profile.into()));
        let address =
            lines.iter().find_map(|line| Some(line.strip_prefix("DevTools listening on ")?.trim().to_owned()));
        let address = address.expect("Chromium names the address of its protocol");
        RUNTIME.block_on(async {
            let config = HandlerConfig { viewport: None, ..HandlerConfig::default() };
            let (browser, mut handler) = Browser::connect_with_config(address, config).await.unwrap();
            tokio::spawn(async move { while handler.next().await.is_some() {} });
            browser
        })
    }))
}

const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--remote-debugging-port=0",
    // Tests may run as root, in a container: there its own sandbox cannot be set up.
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
];

/// Runs a program until this process ends, then removes a folder. Returns the lines that it prints.
pub fn keep(command: &[OsString], remove: Option<OsString>) -> Receiver<String> {
    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER, "keeper"]).args(command).env("REMOVE", remove.unwrap_or_default());
    let mut keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let output = keeper.stdout.take().unwrap();
    let (send, lines) = channel();
    std::thread::spawn(move || {
        // The standard input is open as long as this is not dropped: to the end of the process.
        let _keeper = keeper;
        for line in BufReader::new(output).lines() {
            // Whoever has heard enough lets the rest pass.
            let _ = line.map(|line| send.send(line));
        }
    });
    lines
}
