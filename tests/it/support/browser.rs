//! A real browser: Chromium, driven by chromedriver, and axe-core to find what keeps people out of a page.
//!
//! One browser at a time: two would fight for the processor and fail each other's waits. Where the programs are missing the
//! test says "skipped" and passes; under `CI` that is a failure.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use fantoccini::{
    Client, ClientBuilder, Locator,
    elements::Element,
    wd::{Capabilities, WebDriverCompatibleCommand},
};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use super::{
    environment,
    scratch::{self, Guard},
    wait,
};

/// An open browser window with a profile of its own.
pub struct Browser {
    client: Client,
    axe: String,
    _alone: MutexGuard<'static, ()>,
}

/// The running chromedriver.
struct Driver {
    address: String,
    chromium: PathBuf,
    axe: String,
    _guard: Guard,
}

impl Browser {
    /// Opens a window; `None`, said once, where the programs are missing.
    pub async fn open() -> Option<Self> {
        static ALONE: Mutex<()> = Mutex::const_new(());
        let driver = tokio::task::block_in_place(Driver::get)?;
        let alone = ALONE.lock().await;
        let profile = scratch::folder();
        let mut arguments: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        let mut capabilities = Capabilities::new();
        let options = json!({ "binary": driver.chromium, "args": arguments });
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let mut builder = ClientBuilder::rustls().expect("a client for chromedriver");
        let client = builder.capabilities(capabilities).connect(&driver.address).await;
        let client = client.expect("chromedriver opens a window");
        Some(Self { client, axe: driver.axe.clone(), _alone: alone })
    }

    /// Closes the window. A window that is not closed goes with the test process.
    pub async fn close(self) {
        self.client.close().await.expect("the window closes");
    }

    /// Goes to an address and waits until the page is there.
    pub async fn goto(&self, address: &str) {
        self.client.goto(address).await.expect(address);
    }

    /// Goes into the first frame of the page, until it goes somewhere else.
    pub async fn enter_frame(&self) {
        self.element("iframe").await;
        self.client.enter_frame(0).await.expect("the page has a frame");
    }

    /// Shows the HTML of a page that lets no scripts run, so that axe-core can look at it.
    pub async fn show(&self, html: &str) {
        self.goto("about:blank").await;
        let write = "document.open(); document.write(arguments[0]); document.close();";
        self.client.execute(write, vec![json!(html)]).await.expect("the page is written");
    }

    /// The address of the page.
    pub async fn address(&self) -> url::Url {
        self.client.current_url().await.expect("a page has an address")
    }

    /// The words on the page.
    pub async fn text(&self) -> String {
        let text =
            self.client.execute("return document.body ? document.body.innerText : ''", Vec::new()).await;
        text.ok().as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Whether the page says that now.
    pub async fn sees(&self, words: &str) -> bool {
        self.text().await.contains(words)
    }

    /// Waits until the page says that.
    pub async fn wait_for_text(&self, words: &str) {
        let seen = wait::at_most(PATIENCE, async || self.sees(words).await.then_some(())).await;
        if seen.is_none() {
            panic!("{} never said {words:?}; it says:\n{}", self.address().await, self.text().await);
        }
    }

    /// Waits until the path of the address begins so.
    pub async fn wait_for_path(&self, start: &str) {
        let there =
            wait::at_most(PATIENCE, async || self.address().await.path().starts_with(start).then_some(()));
        if there.await.is_none() {
            panic!("never came to {start}; {} says:\n{}", self.address().await, self.text().await);
        }
    }

    /// Clicks the link, button or summary with these words, as soon as it is there.
    pub async fn click(&self, words: &str) {
        let element = self.wait_for(FIND_CLICKABLE, words, "nothing to click says").await;
        element.click().await.expect(words);
    }

    /// Writes into the field with this label, in place of what it held.
    pub async fn fill(&self, label: &str, value: &str) {
        let field = self.wait_for(FIND_FIELD, label, "no field is labelled").await;
        field.clear().await.expect(label);
        field.send_keys(value).await.expect(label);
    }

    /// Sets the value of the field with this label directly: for dates and other fields that keys cannot fill everywhere.
    pub async fn set(&self, label: &str, value: &str) {
        self.wait_for(FIND_FIELD, label, "no field is labelled").await;
        let script = format!("const find = (words) => {{ {FIND_FIELD} }}; const field = find(arguments[0]); field.value = arguments[1];
            field.dispatchEvent(new Event('input', {{bubbles: true}})); field.dispatchEvent(new Event('change', {{bubbles: true}}));");
        self.client.execute(&script, vec![json!(label), json!(value)]).await.expect(label);
    }

    /// Chooses an option of the list with this label.
    pub async fn choose(&self, label: &str, option: &str) {
        let list = self.wait_for(FIND_FIELD, label, "no list is labelled").await;
        list.select_by_label(option).await.expect(option);
    }

    /// Ticks the box, or presses the radio button, with this label.
    pub async fn tick(&self, label: &str) {
        let field = self.wait_for(FIND_FIELD, label, "no box is labelled").await;
        if !field.is_selected().await.expect(label) {
            field.click().await.expect(label);
        }
    }

    /// The first element for a CSS selector, as soon as it is there.
    pub async fn element(&self, selector: &str) -> Element {
        let found =
            wait::at_most(PATIENCE, async || self.client.find(Locator::Css(selector)).await.ok()).await;
        match found {
            Some(element) => element,
            None => panic!("{} has no {selector}", self.address().await),
        }
    }

    /// Runs a script in the page.
    pub async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect(script)
    }

    /// Makes the page so large, to the pixel; a window has frames and a least width.
    pub async fn resize(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// What somebody sees who asked for dark pages, or for light ones, and for nothing that moves.
    pub async fn prefer(&self, scheme: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// As it comes out of a printer, or on the screen again.
    pub async fn on_paper(&self, yes: bool) {
        self.devtools("Emulation.setEmulatedMedia", json!({ "media": if yes { "print" } else { "" } })).await;
    }

    /// What somebody sees whose machine is set to this time zone.
    pub async fn live_in(&self, zone: &str) {
        self.devtools("Emulation.setTimezoneOverride", json!({ "timezoneId": zone })).await;
    }

    /// Loads nothing any more whose address holds this.
    pub async fn without(&self, part: &str) {
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.setBlockedURLs", json!({ "urls": [format!("*{part}*")] })).await;
    }

    async fn devtools(&self, cmd: &'static str, params: Value) {
        self.client.issue_cmd(DevTools { cmd, params }).await.expect(cmd);
    }

    /// Saves a picture of the page below `target/`; where it went.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        fs::create_dir_all(&folder).expect("the target folder can be written");
        let file = folder.join(format!("{name}.png"));
        fs::write(&file, self.client.screenshot().await.expect("a picture")).expect("a file");
        file
    }

    /// Fails if axe-core finds a serious or critical problem on the page, in light or dark colours.
    pub async fn axe(&self) {
        let problems = self.problems().await;
        assert!(problems.is_empty(), "{}:\n{}", self.address().await, problems.join("\n"));
    }

    /// Fails unless the page is for everybody: nothing serious or critical for axe-core and nothing wider than the page, on a
    /// desk and on a phone, in light and in dark colours. Saves a picture of each.
    pub async fn sound(&self, name: &str) {
        let mut problems = Vec::new();
        for width in [1280, 360] {
            self.resize(width, 900).await;
            let over = self.script("return document.documentElement.scrollWidth - window.innerWidth").await;
            if over.as_i64().is_none_or(|pixels| pixels > 0) {
                problems.push(format!("{width}: {over} pixels too wide"));
            }
            problems.extend(self.problems().await.into_iter().map(|problem| format!("{width}: {problem}")));
            let unseen = "const told = document.querySelector('.mistakes'); return told && !location.hash && told !== document.activeElement";
            if self.script(unseen).await == true {
                problems.push(format!("{width}: who made a mistake is not led to where it is told"));
            }
            for scheme in ["dark", "light"] {
                self.prefer(scheme).await;
                self.screenshot(&format!("{name}-{width}-{scheme}")).await;
            }
        }
        self.resize(1280, 900).await;
        assert!(problems.is_empty(), "{name}, {}:\n{}", self.address().await, problems.join("\n"));
    }

    /// The serious and critical problems that axe-core finds on the page, in light and in dark colours.
    pub async fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for scheme in ["dark", "light"] {
            self.prefer(scheme).await;
            self.client.execute(&self.axe, Vec::new()).await.expect("axe-core loads");
            let found = self.client.execute_async(RUN_AXE, Vec::new()).await.expect("axe-core runs");
            let found = found.as_array().into_iter().flatten().filter_map(Value::as_str);
            problems.extend(found.map(|problem| format!("{scheme}: {problem}")));
        }
        problems
    }

    /// Answers the question that the page asks before it goes on; what it asks.
    pub async fn answer(&self, yes: bool) -> String {
        let asked = wait::at_most(PATIENCE, async || self.client.get_alert_text().await.ok()).await;
        let asked = asked.expect("the page asks something");
        if yes { self.client.accept_alert().await } else { self.client.dismiss_alert().await }
            .expect("an answer");
        asked
    }

    /// The element that a script finds for some words.
    async fn wait_for(&self, find: &str, words: &str, complaint: &str) -> Element {
        // In the middle, as a person would scroll it, so that nothing that sticks to an edge lies over it.
        let script = format!(
            "const find = (words) => {{ {find} }}; const found = find(arguments[0]) || null;
             found?.scrollIntoView({{ block: 'center' }}); return found;"
        );
        let found = wait::at_most(PATIENCE, async || {
            let found = self.client.execute(&script, vec![json!(words)]).await.ok()?;
            let id = found.as_object()?.values().next()?.as_str()?.to_owned();
            Some(Element::from_element_id(self.client.clone(), id.into()))
        });
        match found.await {
            Some(element) => element,
            None => panic!("{complaint} {words:?} on {}:\n{}", self.address().await, self.text().await),
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Nothing may hide below a scrollbar when the width of a page is measured.
    "--hide-scrollbars",
    "--window-size=1280,900",
];

/// Without frames: those of previews and mails run no scripts, so axe-core would wait for them in vain.
const RUN_AXE: &str = "const done = arguments[arguments.length - 1];
    const tell = (one) => `${one.impact} ${one.id}: ${one.help}` + one.nodes.map(node =>
        `\\n  ${node.target.join(' ')}: ${node.failureSummary.replaceAll('\\n', ' ')}`).join('');
    axe.run(document, { resultTypes: ['violations'], iframes: false }).then(
        found => done(found.violations.filter(one => ['serious', 'critical'].includes(one.impact)).map(tell)),
        error => done([String(error)]));";

/// Words that are exactly the element's name, or its label for those who cannot see it.
const FIND_CLICKABLE: &str = "
    const name = (e) => (e.getAttribute('aria-label') || e.innerText || e.value || '').trim().replace(/\\s+/g, ' ');
    return [...document.querySelectorAll('a, button, input[type=submit], summary, [role=button]')]
        .find(e => name(e) === words && e.checkVisibility() && !e.disabled && e.ariaHidden !== 'true');";

/// The label's own words, or what it begins with where a hint stands inside it.
const FIND_FIELD: &str = "
    const name = (e) => e.innerText.trim().replace(/\\s+/g, ' ');
    const labels = [...document.querySelectorAll('label')].filter(e => e.control && e.control.type !== 'hidden');
    const label = labels.find(e => name(e) === words) || labels.find(e => name(e).startsWith(words));
    return label ? label.control
        : [...document.querySelectorAll('input, textarea, select')].find(e => e.getAttribute('aria-label') === words);";

impl Driver {
    fn get() -> Option<&'static Self> {
        static DRIVER: OnceLock<Option<Driver>> = OnceLock::new();
        let driver = DRIVER.get_or_init(|| match Self::start() {
            Ok(driver) => Some(driver),
            Err(because) => {
                environment::skip("the tests in a browser", &because);
                None
            }
        });
        driver.as_ref()
    }

    fn start() -> Result<Self, String> {
        let axe = axe()?;
        let chromium = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
        let chromium =
            chromium.iter().find_map(|name| environment::program(name)).ok_or("Chromium was not found")?;
        let driver = environment::program("chromedriver").ok_or("chromedriver was not found")?;
        let folder = scratch::folder();
        let mut guard = scratch::guard(SCRIPT, &folder, &[&driver], None);
        let started = BufReader::new(&mut guard.output).lines().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = started.ok_or("chromedriver did not start")?;
        Ok(Self { address: format!("http://127.0.0.1:{port}"), chromium, axe, _guard: guard })
    }
}

/// `$1` is a folder, `$2` the program. Windows that are still open are children of chromedriver, and close first.
const SCRIPT: &str = r#"
    cd "$1"
    "$2" --port=0 2>/dev/null </dev/null &
    driver=$!
    exec >/dev/null
    cat
    for child in $(cat "/proc/$driver/task/$driver/children"); do kill "$child"; done
    kill "$driver"
"#;

/// The text of axe-core, installed by `npm ci` in `tests/it`, or named by `AXE_JS`.
fn axe() -> Result<String, String> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/node_modules/axe-core/axe.min.js");
    let file = environment::variable("AXE_JS").map_or(installed, PathBuf::from);
    fs::read_to_string(&file)
        .map_err(|_| format!("axe-core is not at {}: run npm ci in tests/it", file.display()))
}

/// A command of Chromium's own protocol.
#[derive(Debug)]
struct DevTools {
    cmd: &'static str,
    params: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (reqwest::Method, Option<String>) {
        let body = json!({ "cmd": self.cmd, "params": self.params });
        (reqwest::Method::POST, Some(body.to_string()))
    }
}
