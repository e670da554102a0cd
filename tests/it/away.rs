//! The database is away: nobody waits for it, everybody is told once, and all goes on when it is back.

use std::{sync::Arc, time::Duration};

use broadside::{clock::Stopwatch, db::Engine};
use futures_util::future::join_all;
use reqwest::{Method, StatusCode, header};

use crate::support::{
    Fixture as _, Program, Seed, TestApp, TestDb, both_engines,
    database::rows,
    postgres::Cluster,
    program,
    proxy::{Proxy, Target},
    visitor::Visitor,
    wait,
};

/// What a reader may wait for a page, and what a busy machine may take besides.
const SOON: Duration = Duration::from_secs(2 + 3);

broadside::statements! {
    INSERT = "insert into settled_epoch (epoch) values ($1)";
}

fn cluster() -> Option<Cluster> {
    tokio::task::block_in_place(Cluster::get).and_then(|_| tokio::task::block_in_place(Cluster::of_its_own))
}

/// Every page says within two seconds that it is a matter of moments, those that need no database are as quick as ever, and
/// what a payment service or mail service tells is asked for again; whether the server is stopped or gone without a word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_say_so_at_once_while_it_is_away() {
    let Some(cluster) = cluster() else { return };
    let app = TestApp::start(TestDb::on(&cluster).await).await;
    let wire = Proxy::start(Target::Unix(cluster.socket())).await;
    let url = format!("postgres://broadside@{}/test?sslmode=disable", wire.address);
    let listen = program::address_of_its_own().to_string();
    let mut program = Program::serve(&app, &[("LISTEN", &listen), ("DATABASE_URL", &url)]);
    let visitor = Visitor::new(&format!("http://{listen}/").parse().expect("an address"));
    let is_well =
        async || visitor.try_open("/subscribe").await.is_some_and(|page| page.status == StatusCode::OK);
    wait::until("the first page", async || is_well().await.then_some(())).await;
    let style = visitor.open("/subscribe").await.body;
    let style = style.split('"').find(|part| part.ends_with(".css")).expect("a style sheet").to_owned();
    for (away, back) in [
        (
            &(|| tokio::task::block_in_place(|| cluster.stop("fast"))) as &dyn Fn(),
            &(|| tokio::task::block_in_place(|| cluster.start_again())) as &dyn Fn(),
        ),
        (&|| wire.fall_silent(), &|| wire.speak_again()),
    ] {
        away();
        let clock = Stopwatch::start();
        let pages = ["/", "/subscribe", "/donate", "/archive", "/desk/sign-in", "/unsubscribe/x"];
        let asked = pages.iter().cycle().take(60).map(|path| visitor.open(path));
        for page in join_all(asked).await {
            assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}: {}", page.url, page.body);
            assert!(page.headers.contains_key(header::RETRY_AFTER), "{}", page.url);
            assert!(page.body.contains("Back in a moment") && page.body.contains("<main"), "{}", page.body);
        }
        assert!(clock.elapsed() < SOON, "they took {:?}", clock.elapsed());
        let clock = Stopwatch::start();
        let request = visitor
            .request(Method::POST, "/subscribe")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let form = visitor.send(request.body("email=late%40example.org&consent=yes&from=subscribe")).await;
        assert_eq!(form.status, StatusCode::SERVICE_UNAVAILABLE);
        for hook in ["/hooks/bounces/mailgun", "/hooks/stripe"] {
            let told = visitor.send(visitor.request(Method::POST, hook).body("{}")).await;
            assert!(
                told.status.is_server_error() || told.status.is_client_error(),
                "{hook}: {}",
                told.status
            );
        }
        assert_eq!(visitor.open(&style).await.status, StatusCode::OK);
        assert!(clock.elapsed() < SOON, "they took {:?}", clock.elapsed());
        back();
        wait::until("pages again", async || is_well().await.then_some(())).await;
    }
    let log = program.log();
    let count = |words| log.lines().filter(|line| line.contains(words)).count();
    assert_eq!(count("cannot reach PostgreSQL at"), 2, "{log}");
    assert_eq!(count("the database is back"), 2, "{log}");
    assert_eq!(count("ERROR"), 2, "told by each that needs it: {log}");
    program.signal("TERM");
    assert!(program.ended(Duration::from_secs(30)).await.success(), "{}", program.log());
    drop(wire);
    app.site.db.close().await;
}

both_engines! {
    /// Whoever asked has hung up, at any moment: the connection is as if nobody had asked, and what was committed is.
    async fn who_goes_away_leaves_no_transaction_behind(db: TestDb) {
        let mut seed = Seed::get("who goes away");
        for number in 0..400 {
            let work = async {
                let mut tx = db.db.begin().await.expect("a transaction");
                tx.exec(INSERT, (number.to_string().as_str(),)).await.expect("a row");
                tx.commit().await.expect("a commit");
            };
            // Too soon for it to be done, mostly.
            let _ = tokio::time::timeout(Duration::from_micros(seed.within(0..1_500) as u64), work).await;
        }
        if db.db.engine() == Engine::Postgres {
            wait::until("every connection at rest", async || {
                let busy = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'";
                (rows::<(i64,)>(&db.db, busy).await == [(0,)]).then_some(())
            })
            .await;
            let log = Cluster::get().expect("it runs").log();
            for words in ["already a transaction in progress", "no transaction in progress"] {
                assert!(!log.contains(words), "{words}");
            }
        }
        let mut tx = db.db.begin().await.expect("a transaction");
        tx.exec(INSERT, ("last",)).await.expect("a row");
        tx.commit().await.expect("a commit");
        println!("{} of 400 were done", rows::<(i64,)>(&db.db, "select count(*) from settled_epoch").await[0].0);
    }
}

/// A server that starts after us is waited for, and told once; who is told to stop meanwhile stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_starts_later_is_waited_for() {
    let Some(cluster) = cluster() else { return };
    let app = TestApp::start(TestDb::on(&cluster).await).await;
    app.site.db.close().await;
    tokio::task::block_in_place(|| cluster.stop("fast"));
    let listen = program::address_of_its_own().to_string();
    let program = Arc::new(Program::serve(&app, &[("LISTEN", &listen)]));
    let mut other = Program::worker(&app, &[]);
    for program in [&*program, &other] {
        wait::until("the line", async || program.log().contains("waiting until it is there").then_some(()))
            .await;
    }
    other.signal("TERM");
    assert!(other.ended(Duration::from_secs(10)).await.success(), "{}", other.log());
    tokio::task::block_in_place(|| cluster.start_again());
    let visitor = Visitor::new(&format!("http://{listen}/").parse().expect("an address"));
    wait::until("the first page", async || visitor.try_open("/subscribe").await.map(drop)).await;
    assert_eq!(program.log().matches("cannot reach PostgreSQL").count(), 1, "{}", program.log());
}
