//! Whoever watches the program: `/health` and `/metrics` on an address of their own, and what is drawn and rung from them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use broadside::{clock::Stopwatch, db::Engine};
use reqwest::{Method, StatusCode, header};
use serde_json::Value;

use crate::support::{
    Fixture as _, Program, TestApp, TestDb, both_engines, postgres::Cluster, program::address_of_its_own,
    visitor::Visitor, wait,
};

/// Far longer than either takes, and far shorter than anybody waits for a database.
const AT_ONCE: Duration = Duration::from_secs(2);

/// The processes' own address, and who asks there.
struct Watcher(Visitor);

impl Watcher {
    fn at(address: SocketAddr) -> Self {
        Self(Visitor::new(&format!("http://{address}/").parse().expect("an address")))
    }

    async fn health(&self) -> (StatusCode, Value) {
        let clock = Stopwatch::start();
        let page = self.0.open("/health").await;
        assert!(clock.elapsed() < AT_ONCE, "it took {:?}", clock.elapsed());
        (page.status, serde_json::from_str(&page.body).expect("JSON"))
    }

    async fn scrape(&self) -> Scrape {
        let page = self.0.open("/metrics").await;
        assert_eq!(page.status, StatusCode::OK);
        let kind = page.headers[header::CONTENT_TYPE].to_str().expect("ASCII");
        assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        Scrape::read(&page.body)
    }

    async fn until_it_answers(&self) {
        wait::until("an answer", async || self.0.try_open("/health").await.map(drop)).await;
    }
}

type Labels = BTreeMap<String, String>;

/// What was handed out: each series with its number.
#[derive(Debug)]
struct Scrape(BTreeMap<(String, Labels), f64>);

impl Scrape {
    /// Reads the text as OpenMetrics 1.0 has it; whatever is not so is a mistake.
    fn read(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("its end");
        let (mut all, mut families) = (BTreeMap::new(), BTreeSet::new());
        let (mut family, mut kind) = (String::new(), String::new());
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help");
                assert!(is_name(name) && !help.is_empty() && families.insert(name.to_owned()), "{line}");
                family = name.to_owned();
                kind.clear();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, of) = rest.split_once(' ').expect("a type");
                assert!(name == family && kind.is_empty(), "{line} behind {family}");
                kind = of.to_owned();
            } else {
                let (name, labels, value) = sample(line);
                let suffix =
                    name.strip_prefix(family.as_str()).unwrap_or_else(|| panic!("{line} in {family}"));
                let suffixes: &[&str] = match kind.as_str() {
                    "gauge" => &[""],
                    "counter" => &["_total"],
                    "histogram" => &["_bucket", "_sum", "_count"],
                    _ => panic!("{family} is of the kind {kind}"),
                };
                assert!(suffixes.contains(&suffix), "{line} in a {kind}");
                assert_eq!(suffix == "_bucket", labels.contains_key("le"), "{line}");
                assert!(kind == "gauge" || value >= 0.0, "{line}");
                assert!(all.insert((name, labels), value).is_none(), "{line} stands twice");
            }
        }
        let scrape = Self(all);
        scrape.check_histograms();
        scrape
    }

    /// Each bucket holds those below it, and the last one all of them.
    fn check_histograms(&self) {
        let mut buckets: BTreeMap<(String, Labels), Vec<(f64, f64)>> = BTreeMap::new();
        for ((name, labels), count) in self.0.iter().filter(|((name, _), _)| name.ends_with("_bucket")) {
            let mut labels = labels.clone();
            let le = labels.remove("le").expect("a bucket has one").replace("+Inf", "inf");
            let name = name.replace("_bucket", "_count");
            buckets.entry((name, labels)).or_default().push((le.parse().expect("a number"), *count));
        }
        for (series, mut all) in buckets {
            all.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(all.is_sorted_by(|one, other| one.1 <= other.1), "{series:?}: {all:?}");
            let last = all.last().expect("a bucket");
            assert_eq!((last.0, Some(last.1)), (f64::INFINITY, self.0.get(&series).copied()), "{series:?}");
        }
    }

    fn number(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.0.get(&(name.to_owned(), labels)).copied()
    }

    fn names(&self) -> BTreeSet<&str> {
        self.0.keys().map(|(name, _)| name.as_str()).collect()
    }

    fn values_of(&self, label: &str) -> BTreeSet<&str> {
        self.0.keys().filter_map(|(_, labels)| Some(labels.get(label)?.as_str())).collect()
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `name{label="value",…} number`
fn sample(line: &str) -> (String, Labels, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line} has no number"));
    let mut labels = Labels::new();
    let name = match series.split_once('{') {
        None => series,
        Some((name, rest)) => {
            let mut rest = rest.strip_suffix('}').expect("labels end");
            while !rest.is_empty() {
                let (label, value) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}: no value"));
                let (value, after) = value.split_once('"').unwrap_or_else(|| panic!("{line}: no end"));
                // Nothing of ours needs an escape.
                assert!(is_name(label) && !value.contains('\\'), "{line}");
                assert!(labels.insert(label.to_owned(), value.to_owned()).is_none(), "{line}: {label} twice");
                rest = after.strip_prefix(',').unwrap_or(after);
                assert!(!rest.is_empty() || !after.ends_with(','), "{line}: a comma at the end");
            }
            name
        }
    };
    assert!(is_name(name), "{line}");
    (name.to_owned(), labels, value.parse().unwrap_or_else(|_| panic!("{line} has no number")))
}

both_engines! {
    /// Everything that is counted is there under its name, and is what happened; strangers make no lines of their own, and reach
    /// none of it.
    async fn whoever_watches_reads_what_happened(app: TestApp) {
        app.import_readers(30).await;
        app.give("grace@example.org", "5", "once").await;
        app.seal_edition("Under watch").await;
        let (listen, watched) = (address_of_its_own(), address_of_its_own());
        let smtp = format!("smtp://{}?tls=none&per_hour=100000", app.sandbox.smtp_addr());
        let settings = [
            ("LISTEN", &*listen.to_string()),
            ("METRICS_LISTEN", &*watched.to_string()),
            ("SMTP_URL", &*smtp),
        ];
        let program = Program::serve(&app, &settings);
        let (watcher, visitor) = (Watcher::at(watched), Visitor::new(&format!("http://{listen}/").parse().expect("an address")));
        watcher.until_it_answers().await;
        wait::until("every copy", async || {
            let scrape = watcher.scrape().await;
            (scrape.number("broadside_copies", &[("state", "accepted")]) == Some(30.0)).then_some(())
        })
        .await;
        for path in ["/subscribe", "/archive/ann@example.org", "/ann@example.org", "/metrics", "/health"] {
            let page = visitor.open(path).await;
            assert_eq!(page.status == StatusCode::OK, path == "/subscribe", "{path}: {}", page.status);
        }
        visitor.send(visitor.request(Method::from_bytes(b"ANN").expect("a method"), "/")).await;

        let scrape = watcher.scrape().await;
        let relay = app.sandbox.smtp_addr().to_string();
        for (name, labels, least, most) in [
            ("broadside_messages_total", &[("kind", "copy"), ("outcome", "accepted")][..], 30.0, 30.0),
            ("broadside_messages_total", &[("kind", "copy"), ("outcome", "failed")], 0.0, 0.0),
            ("broadside_pages_total", &[("method", "GET"), ("route", "/subscribe"), ("status", "200")], 1.0, 1.0),
            ("broadside_pages_total", &[("method", "GET"), ("route", "/archive/{id}"), ("status", "404")], 1.0, 1.0),
            ("broadside_pages_total", &[("method", "GET"), ("route", "(no route)"), ("status", "404")], 3.0, 3.0),
            ("broadside_page_seconds_count", &[("method", "GET"), ("route", "/subscribe")], 1.0, 1.0),
            ("broadside_relay_trouble", &[("relay", &relay)], 0.0, 0.0),
            ("broadside_relay_limit_left", &[("relay", &relay), ("span", "hour")], 1.0, 99_999.0),
            ("broadside_payment_events_waiting", &[], 0.0, 0.0),
            ("broadside_payment_webhook_timestamp_seconds", &[], 1e9, 1e11),
            ("broadside_job_trouble", &[("name", "seal editions")], 0.0, 0.0),
            ("broadside_job_last_success_timestamp_seconds", &[("name", "seal editions")], 1e9, 1e11),
            ("broadside_connections_limit", &[], 16.0, 4_096.0),
            ("broadside_engine_lives", &[], 1.0, 1.0),
            ("broadside_engine_silent_seconds", &[], 0.0, 30.0),
            ("broadside_database_away", &[], 0.0, 0.0),
            ("process_open_fds", &[], 10.0, 1e4),
            ("process_resident_memory_bytes", &[], 1e6, 1e10),
            ("process_cpu_seconds_total", &[], 0.0, 1e4),
            ("process_start_time_seconds", &[], 1e9, 1e11),
            ("broadside_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0, 1.0),
        ] {
            let number = scrape.number(name, labels).unwrap_or_else(|| panic!("no {name} {labels:?}: {scrape:#?}"));
            assert!((least..=most).contains(&number), "{name} {labels:?} is {number}");
        }
        assert!(scrape.values_of("method").is_subset(&["GET", "HEAD", "POST", "other"].into()), "{scrape:?}");
        let all = format!("{scrape:?}");
        assert!(!all.contains("ann@") && !all.contains("ANN"), "{all}");
        for label in ["job", "instance"] {
            assert!(scrape.values_of(label).is_empty(), "{label} is what Prometheus calls whoever it asks");
        }
        every_name_is_handed_out(&scrape);

        let (status, health) = watcher.health().await;
        assert_eq!((status, &health["status"]), (StatusCode::OK, &Value::from("ok")), "{health}");
        assert_eq!((&health["engine"]["alive"], &health["engine"]["lives"]), (&Value::from(true), &Value::from(1)));
        assert_eq!(health["engine"]["waits_for"], "work: none is due");
        assert_eq!(health["database"]["away"], false);
        for path in ["/", "/desk", "/subscribe", "/metrics/x"] {
            assert_eq!(watcher.0.open(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        drop(program);
    }
}

/// Nobody draws, or is rung up by, a number that is not there.
fn every_name_is_handed_out(scrape: &Scrape) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring");
    let names = scrape.names();
    for file in ["dashboard.json", "alerts.yml"] {
        let text = fs::read_to_string(folder.join(file)).expect("our own file");
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let used: BTreeSet<&str> =
            words.filter(|word| word.starts_with("broadside_") || word.starts_with("process_")).collect();
        assert!(used.len() >= 5, "{file} names {used:?}");
        let unknown: Vec<_> = used.difference(&names).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?} are not among {names:#?}");
    }
    let dashboard = fs::read_to_string(folder.join("dashboard.json")).expect("our own file");
    let _: Value = serde_json::from_str(&dashboard).expect("JSON");
}

/// Neither of them waits for a database that is away, and both say so; when it is back, so are its numbers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_told_to_whoever_watches() {
    let Some(cluster) = tokio::task::block_in_place(Cluster::get)
        .and_then(|_| tokio::task::block_in_place(Cluster::of_its_own))
    else {
        return;
    };
    let app = TestApp::start(TestDb::on(&cluster).await).await;
    let address = address_of_its_own();
    let mut program = Program::serve(&app, &[("METRICS_LISTEN", &address.to_string())]);
    let watcher = Watcher::at(address);
    watcher.until_it_answers().await;
    let is_ok = async || (watcher.health().await.0 == StatusCode::OK).then_some(());
    wait::until("good health", is_ok).await;
    assert!(watcher.scrape().await.names().contains("broadside_notices_waiting"));
    // Whoever watches is answered before all else stands.
    wait::until("the whole of it", async || program.log().contains("STRIPE_SECRET_KEY").then_some(())).await;
    wait::until("a sign of work", async || {
        (watcher.scrape().await.number("broadside_engine_lives", &[]) == Some(1.0)).then_some(())
    })
    .await;

    tokio::task::block_in_place(|| cluster.stop("fast"));
    let ill = wait::until("bad health", async || {
        let (status, health) = watcher.health().await;
        (status == StatusCode::SERVICE_UNAVAILABLE).then_some(health)
    })
    .await;
    assert_eq!(ill["status"], "the database is away");
    assert_eq!(
        (&ill["database"]["away"], &ill["engine"]["waits_for"]),
        (&Value::from(true), &Value::from("the database"))
    );
    assert!(
        ill["database"]["why"].as_str().is_some_and(|why| why.starts_with("cannot reach PostgreSQL at")),
        "{ill}"
    );
    let clock = Stopwatch::start();
    let scrape = watcher.scrape().await;
    assert!(clock.elapsed() < AT_ONCE, "it took {:?}", clock.elapsed());
    assert_eq!(scrape.number("broadside_database_away", &[]), Some(1.0));
    assert!(!scrape.names().contains("broadside_notices_waiting"));

    tokio::task::block_in_place(|| cluster.start_again());
    wait::until("good health again", is_ok).await;
    assert!(watcher.scrape().await.names().contains("broadside_notices_waiting"));
    program.signal("TERM");
    assert!(program.ended(Duration::from_secs(30)).await.success(), "{}", program.log());
    app.site.db.close().await;
}

/// A process that starts before its database says what it waits for, and is well once it is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_waits_for_its_database_says_so() {
    let Some(cluster) = tokio::task::block_in_place(Cluster::get)
        .and_then(|_| tokio::task::block_in_place(Cluster::of_its_own))
    else {
        return;
    };
    let app = TestApp::start(TestDb::on(&cluster).await).await;
    app.site.db.close().await;
    tokio::task::block_in_place(|| cluster.stop("fast"));
    for start in [Program::serve, Program::worker] {
        let address = address_of_its_own();
        let mut program = start(&app, &[("METRICS_LISTEN", &address.to_string())]);
        let watcher = Watcher::at(address);
        watcher.until_it_answers().await;
        let (status, health) = watcher.health().await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(health["status"], "waiting for the database");
        let why = health["database"]["why"].as_str().expect("why");
        assert!(why.starts_with("cannot reach PostgreSQL at"), "{why}");

        tokio::task::block_in_place(|| cluster.start_again());
        wait::until("the start", async || program.log().contains("STRIPE_SECRET_KEY").then_some(())).await;
        wait::until("good health", async || (watcher.health().await.0 == StatusCode::OK).then_some(())).await;
        program.signal("TERM");
        assert!(program.ended(Duration::from_secs(30)).await.success(), "{}", program.log());
        tokio::task::block_in_place(|| cluster.stop("fast"));
    }
}

/// A worker has no pages, and is watched all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_is_watched_too() {
    let Some(db) = TestDb::migrated(Engine::Postgres).await else { return };
    let app = TestApp::start(db).await;
    let address = address_of_its_own();
    let mut program = Program::worker(&app, &[("METRICS_LISTEN", &address.to_string())]);
    let watcher = Watcher::at(address);
    watcher.until_it_answers().await;
    assert_eq!(watcher.health().await.0, StatusCode::OK);
    assert_eq!(watcher.scrape().await.number("broadside_engine_lives", &[]), Some(1.0));
    program.signal("TERM");
    assert!(program.ended(Duration::from_secs(30)).await.success(), "{}", program.log());
    app.finish().await;
}
