//! A mail server that is not ours: Postfix's smtp-sink writes every message that it takes into a file, and its count is the
//! ledger's.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use broadside::{
    delivery::{Engine, EngineOptions},
    relays::RelayOptions,
    smtp::Relay,
    token,
};
use tokio::net::TcpStream;

use crate::support::{
    TestApp, both_engines, environment,
    mail::Mail,
    scratch::{self, Guard},
    verify::{Arrival, verify},
    wait,
};

/// The running smtp-sink; it goes with the guard.
struct Sink {
    address: SocketAddr,
    folder: PathBuf,
    _guard: Guard,
}

impl Sink {
    /// `None`, said once, where Postfix is not installed.
    async fn start() -> Option<Self> {
        let usual = PathBuf::from("/usr/sbin/smtp-sink");
        let Some(program) = environment::program("smtp-sink").or_else(|| usual.is_file().then_some(usual))
        else {
            environment::skip("sending to Postfix's smtp-sink", "it was not found");
            return None;
        };
        // All of 127/8 is this machine: on an address that nobody else uses every port is free.
        let [a, b, c] = token::random::<3>();
        let address = SocketAddr::from((Ipv4Addr::new(127, a.max(1), b, c.clamp(1, 254)), 2525));
        let folder = scratch::folder();
        let listen = address.to_string();
        // It wants to be told whom to be, should this be root.
        let script = r#"[ "$(id -u)" = 0 ] && set -- "$@" -u root; folder=$1 sink=$2 listen=$3; shift 3
            "$sink" "$@" -d "$folder/mail." "$listen" 100 & sink=$!; cat >/dev/null; kill "$sink""#;
        let guard = scratch::guard(script, &folder, &[&program, Path::new(&listen)], None);
        wait::until("smtp-sink to listen", async || TcpStream::connect(address).await.ok()).await;
        Some(Self { address, folder, _guard: guard })
    }

    /// What it took, one file a message: the envelope's recipient and the message's own Message-ID.
    fn arrived(&self) -> Vec<Arrival> {
        let files = fs::read_dir(&self.folder).expect("our own folder");
        files
            .map(|file| read(&fs::read_to_string(file.expect("a file").path()).expect("a message")))
            .collect()
    }
}

fn read(text: &str) -> Arrival {
    // smtp-sink puts what it knows of the envelope before the message, as headers.
    let mail = Mail::new(text.as_bytes().to_vec());
    let header = |name: &str| mail.header(name).unwrap_or_else(|| panic!("no {name} in {text}"));
    let strip = |value: String| value.trim_matches(['<', '>']).to_owned();
    Arrival { message_id: strip(header("Message-ID")), recipient: strip(header("X-Rcpt-Args")) }
}

both_engines! {
    /// TRUST T1: what Postfix's smtp-sink took is what the ledger calls accepted, message by message.
    async fn smtp_sink_and_the_ledger_count_the_same(app: TestApp) {
        let Some(sink) = Sink::start().await else { return };
        app.import_readers(500).await;
        let edition = app.seal_edition("To Postfix").await;
        let url = format!("smtp://{}?tls=none", sink.address).parse().expect("an SMTP address");
        let relay = Relay { url, ..app.relay.clone() };
        let options = EngineOptions::new(vec![RelayOptions::unlimited(relay, 8)]);
        let sent = Engine::run_until_idle(app.site.clone(), app.templates.clone(), options).await;
        sent.expect("the engine starts");

        let arrived = sink.arrived();
        let progress = broadside::delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
        assert_eq!((arrived.len(), progress.accepted), (500, 500), "{progress}");
        let verdict = verify(&app.site, &arrived).await;
        assert_eq!(verdict.assert_agrees().duplicates, 0, "{verdict}");
    }
}
