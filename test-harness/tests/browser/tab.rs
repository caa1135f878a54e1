//! A window of the browser, and what people do in it.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chromiumoxide::Page;
use chromiumoxide::cdp::browser_protocol::browser::BrowserContextId;
use chromiumoxide::cdp::browser_protocol::emulation::{
    MediaFeature, SetDeviceMetricsOverrideParams, SetEmulatedMediaParams, SetScriptExecutionDisabledParams,
    SetTimezoneOverrideParams,
};
use chromiumoxide::cdp::browser_protocol::input::{DispatchKeyEventParams, DispatchKeyEventType, InsertTextParams};
use chromiumoxide::cdp::browser_protocol::page::{NavigateParams, Viewport};
use chromiumoxide::cdp::browser_protocol::target::{
    CreateBrowserContextParams, CreateTargetParams, DisposeBrowserContextParams,
};
use chromiumoxide::cdp::js_protocol::runtime::EvaluateParams;
use chromiumoxide::layout::Point;
use chromiumoxide::page::ScreenshotParams;
use serde_json::Value;

use crate::chromium::{RUNTIME, browser};
use crate::served::Served;
use crate::watch::Watch;

/// How long a page may take until it shows what is expected.
const PATIENCE: Duration = Duration::from_secs(30);

/// What finds things in a page.
const FINDERS: &str = include_str!("tab.js");

/// How somebody looks at pages.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub width: u32,
    pub height: u32,
    pub is_dark: bool,
    pub has_scripts: bool,
    pub zone: &'static str,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: 1280, height: 800, is_dark: false, has_scripts: true, zone: "UTC" }
    }
}

/// A window with cookies and a history of its own. When it is dropped, the test fails if a page did what none may do.
pub struct Tab {
    page: Page,
    context: BrowserContextId,
    watch: Watch,
    base: String,
    expected: Vec<&'static str>,
}

impl Tab {
    /// Opens a window for a server; `None` where there is no browser.
    pub fn open(served: &Served, look: Look) -> Option<Self> {
        let browser = browser()?;
        RUNTIME.block_on(async {
            let context = browser.create_browser_context(CreateBrowserContextParams::default()).await.unwrap();
            let target = CreateTargetParams::builder().url("about:blank").browser_context_id(context.clone());
            let page = browser.new_page(target.build().unwrap()).await.unwrap();
            let watch = Watch::of(&page).await;
            let tab = Self { page, context, watch, base: served.base.clone(), expected: Vec::new() };
            tab.look(look).await;
            Some(tab)
        })
    }

    /// The same, signed in.
    pub fn signed_in(served: &Served, look: Look) -> Option<Self> {
        let tab = Self::open(served, look)?;
        served.sign_in(|address| tab.go(address));
        tab.shows("Systems");
        Some(tab)
    }

    async fn look(&self, look: Look) {
        let is_phone = look.width < 600;
        let metrics = SetDeviceMetricsOverrideParams::new(look.width, look.height, 1.0, is_phone);
        self.page.execute(metrics).await.unwrap();
        let scheme = MediaFeature::new("prefers-color-scheme", if look.is_dark { "dark" } else { "light" });
        let still = MediaFeature::new("prefers-reduced-motion", "reduce");
        let media = SetEmulatedMediaParams::builder().features([scheme, still]).build();
        self.page.execute(media).await.unwrap();
        self.page.execute(SetTimezoneOverrideParams::new(look.zone)).await.unwrap();
        self.page.execute(SetScriptExecutionDisabledParams::new(!look.has_scripts)).await.unwrap();
    }

    /// Looks at the same page in another way.
    pub fn change_look(&self, look: Look) {
        RUNTIME.block_on(self.look(look));
    }

    /// Takes a fault as right, by a part of its words. Errors of the network have one: that of a page that is not there.
    pub fn expect(&mut self, fault: &'static str) {
        self.expected.push(fault);
    }

    /// Opens an address, or a path of the server, and waits until it is loaded.
    pub fn go(&self, address: &str) {
        let url = if address.starts_with('/') { format!("{}{address}", self.base) } else { address.to_owned() };
        self.leave(|| {
            let gone = RUNTIME.block_on(self.page.execute(NavigateParams::new(&url))).unwrap();
            assert_eq!(gone.error_text, None, "{url}");
        });
    }

    /// Goes back, as the button of the browser does.
    pub fn back(&self) {
        self.leave(|| drop(self.evaluate("history.back()")));
    }

    /// Does what leads to another page, and waits for that.
    fn leave(&self, act: impl FnOnce()) {
        // A page that the browser kept for the back button has an earlier mark.
        static MARKS: AtomicU64 = AtomicU64::new(0);
        let mark = MARKS.fetch_add(1, Ordering::Relaxed);
        self.evaluate(&format!("window.mark = {mark}"));
        act();
        self.until("another page", &format!("window.mark !== {mark} && document.readyState === 'complete'"));
    }

    /// Clicks on what is called so, and waits for the page that it leads to.
    #[track_caller]
    pub fn follow(&self, name: &str) {
        self.leave(|| self.click(name));
    }

    /// Follows a link again and again until the page shows a text, as somebody without scripts does.
    #[track_caller]
    pub fn follow_until(&self, name: &str, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.text().contains(text) {
            assert!(Instant::now() < end, "{text:?} is not there after {PATIENCE:?}:\n{}", self.text());
            self.follow(name);
        }
    }

    /// Clicks on what is called so: the middle of it, if nothing covers that.
    #[track_caller]
    pub fn click(&self, name: &str) {
        let script = format!("(() => {{ const it = target({}); return it && point(it); }})()", quoted(name));
        let place = self.evaluate(&script);
        let Some((x, y)) = place["x"].as_f64().zip(place["y"].as_f64()) else {
            panic!("nothing called {name:?} can be clicked: {place}\n{}", self.text());
        };
        RUNTIME.block_on(self.page.click(Point::new(x, y))).unwrap();
    }

    /// Replaces what is in a field.
    #[track_caller]
    pub fn fill(&self, label: &str, text: &str) {
        let found = self.evaluate(&format!(
            "(() => {{ const it = field({}); it?.focus(); it?.select?.(); return Boolean(it); }})()",
            quoted(label)
        ));
        assert_eq!(found, true, "there is no field {label:?}\n{}", self.text());
        self.type_text(text);
    }

    /// Chooses from a list by the words of the choice.
    #[track_caller]
    pub fn choose(&self, label: &str, choice: &str) {
        let script = format!(
            "(() => {{ const it = field({}); const at = [...(it?.options ?? [])].find((of) => read(of.text).startsWith({}));
                if (at) {{ it.value = at.value; }} return Boolean(at); }})()",
            quoted(label),
            quoted(choice)
        );
        assert_eq!(self.evaluate(&script), true, "{label:?} has no choice {choice:?}\n{}", self.text());
    }

    /// Chooses a day, such as 2027-03-31.
    #[track_caller]
    pub fn choose_day(&self, label: &str, day: &str) {
        let set = self.evaluate(&format!("(field({}).value = {})", quoted(label), quoted(day)));
        assert_eq!(set, day);
    }

    /// What is in a field.
    #[track_caller]
    pub fn value(&self, label: &str) -> String {
        let value = self.evaluate(&format!("field({})?.value", quoted(label)));
        value.as_str().unwrap_or_else(|| panic!("there is no field {label:?}\n{}", self.text())).to_owned()
    }

    /// Types where the focus is.
    pub fn type_text(&self, text: &str) {
        RUNTIME.block_on(async {
            if text.is_empty() {
                self.key("Delete", 46, None).await;
            } else {
                self.page.execute(InsertTextParams::new(text)).await.unwrap();
            }
        });
    }

    /// Presses a key.
    pub fn press(&self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, None),
            "Enter" => (13, Some("\r")),
            "ArrowDown" => (40, None),
            _ => panic!("a key {key:?} is not known here"),
        };
        RUNTIME.block_on(self.key(key, code, text));
    }

    async fn key(&self, key: &str, code: i64, text: Option<&str>) {
        let kinds = [DispatchKeyEventType::KeyDown, DispatchKeyEventType::KeyUp];
        for kind in kinds {
            let mut event = DispatchKeyEventParams::builder().key(key).windows_virtual_key_code(code);
            event = event.code(key);
            if let Some(text) = text.filter(|_| kind == DispatchKeyEventType::KeyDown) {
                event = event.text(text);
            }
            self.page.execute(event.r#type(kind).build().unwrap()).await.unwrap();
        }
    }

    /// Moves the focus with the tabulator until it is on what is called so.
    #[track_caller]
    pub fn tab_to(&self, name: &str) {
        let focused = format!(
            "[...(document.activeElement?.labels ?? []), document.activeElement].some((it) => name(it).startsWith({}))",
            quoted(name)
        );
        for _ in 0..200 {
            self.press("Tab");
            if self.evaluate(&focused) == true {
                return;
            }
        }
        panic!("the focus does not come to {name:?}\n{}", self.text());
    }

    /// Does something with the keyboard that leads to another page.
    pub fn enter(&self) {
        self.leave(|| self.press("Enter"));
    }

    /// Waits until the page shows a text.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        self.until(&format!("{text:?}"), &format!("read(document.body.innerText).includes({})", quoted(text)));
    }

    /// Asserts that the page does not show a text.
    #[track_caller]
    pub fn hides(&self, text: &str) {
        assert!(!self.text().contains(text), "{text:?} is in\n{}", self.text());
    }

    /// What the page shows, with white space as one space.
    pub fn text(&self) -> String {
        self.evaluate("read(document.body.innerText)").as_str().unwrap_or_default().to_owned()
    }

    /// The address of the page, without that of the server.
    pub fn address(&self) -> String {
        let address = self.evaluate("location.href");
        address.as_str().unwrap_or_default().trim_start_matches(&self.base).to_owned()
    }

    /// Waits until an expression is true in the page.
    #[track_caller]
    pub fn until(&self, what: &str, expression: &str) {
        let end = Instant::now() + PATIENCE;
        // Between two pages there is none to ask.
        while !self.try_evaluate(expression).is_ok_and(|value| value == true) {
            if Instant::now() > end {
                panic!("{what} is not there after {PATIENCE:?}, at {}:\n{}", self.address(), self.text());
            }
            RUNTIME.block_on(async { tokio::time::sleep(Duration::from_millis(10)).await });
        }
    }

    /// The value of an expression in the page; a promise is awaited.
    #[track_caller]
    pub fn evaluate(&self, expression: &str) -> Value {
        self.try_evaluate(expression).unwrap_or_else(|error| panic!("{error}\n{expression}"))
    }

    fn try_evaluate(&self, expression: &str) -> Result<Value, String> {
        let script = format!("(() => {{ {FINDERS}\n return ({expression}); }})()");
        let call = EvaluateParams::builder().expression(script).return_by_value(true).await_promise(true);
        let done = RUNTIME.block_on(self.page.execute(call.build()?)).map_err(|error| error.to_string())?;
        match &done.exception_details {
            Some(details) => Err(format!("{details:?}")),
            None => Ok(done.result.result.value.unwrap_or_default()),
        }
    }

    /// Runs a script as part of the page's environment, not of the page: no policy of the page applies.
    pub fn inject(&self, script: &str) {
        let call = EvaluateParams::builder().expression(script).build().unwrap();
        let done = RUNTIME.block_on(self.page.execute(call)).unwrap();
        assert!(done.exception_details.is_none(), "{:?}", done.exception_details);
    }

    /// A picture of what the window shows, as PNG.
    pub fn picture_of_window(&self) -> Vec<u8> {
        RUNTIME.block_on(self.page.screenshot(ScreenshotParams::default())).unwrap()
    }

    /// A picture of the whole page, as PNG.
    pub fn picture(&self) -> Vec<u8> {
        let size = self.evaluate("({ width: innerWidth, height: document.documentElement.scrollHeight })");
        let (width, height) = (size["width"].as_f64().unwrap(), size["height"].as_f64().unwrap());
        let whole = Viewport { x: 0.0, y: 0.0, width, height, scale: 1.0 };
        let picture = ScreenshotParams::builder().clip(whole).capture_beyond_viewport(true).build();
        RUNTIME.block_on(self.page.screenshot(picture)).unwrap()
    }

    /// Opens a file of the machine.
    pub fn go_to_file(&mut self, path: &Path) {
        self.base = "file://".to_owned();
        self.go(&format!("file://{}", path.display()));
    }

    /// What was requested since the last call.
    pub fn requests(&mut self) -> Vec<String> {
        self.watch.requests()
    }

    /// Looks at what has happened until now. Returns what no page may do.
    pub fn faults(&mut self) -> Vec<String> {
        // What happened before has been reported when this is answered.
        let _ = self.try_evaluate("0");
        let foreign = self.watch.requests().into_iter().filter(|url| {
            // What the browser itself draws, such as the sign of a field for a day, comes as data.
            ![self.base.as_str(), "about:", "data:"].iter().any(|known| url.starts_with(known))
        });
        let foreign: Vec<String> = foreign.map(|url| format!("request to {url}")).collect();
        let mut faults = self.watch.faults();
        faults.extend(foreign);
        faults.retain(|fault| !self.expected.iter().any(|expected| fault.contains(expected)));
        faults
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        let faults = self.faults();
        let closed = DisposeBrowserContextParams::new(self.context.clone());
        let _ = browser().map(|browser| RUNTIME.block_on(browser.execute(closed)));
        if std::thread::panicking() {
            eprintln!("what pages did until then that none may do: {faults:?}");
        } else {
            assert!(faults.is_empty(), "pages did what none may do: {faults:#?}");
        }
    }
}

/// A text as JavaScript has it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
