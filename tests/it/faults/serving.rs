//! The serving process is killed while people and programs talk to it: what it answered "yes" to is there afterwards, and
//! what it did not answer is there as a whole or not at all.

use std::{
    fmt::Write as _,
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use broadside::{clock::Clock, sandbox::signature};
use futures_util::future::join_all;
use reqwest::{Client, RequestBuilder, header::CONTENT_TYPE, redirect::Policy};
use tokio::net::TcpStream;

use crate::support::{Program, Seed, TestApp, both_engines, database, program, scratch, wait};

/// Clients that each ask one thing after the other: so many answers may be on their way when the process dies.
const CLIENTS: usize = 3;
/// What each would like to ask between two kills.
const WISHES: usize = 40;
const KILLS: usize = 3;
const SECRET: &str = "whsec_of_a_test";
const FORM: &str = "application/x-www-form-urlencoded";

both_engines! {
    /// TRUST F3: `kill -9` of the serving process while readers ask for mail, readers leave, and the payment provider reports.
    async fn what_was_answered_is_there_after_a_kill(app: TestApp) {
        app.leaves_work();
        let mut seed = Seed::get("killed while serving");
        // A magazine that so many people join each day asks no browser for any work.
        database::change(&app.site.db, "insert into joined_day (began_at, joined) with recursive n(i) as (
            select 0 union all select i + 1 from n where i < 5000) select 1767225600000000 + i * 86400000000, 10000 from n").await;
        app.import_readers(CLIENTS * WISHES * KILLS).await;
        let edition = app.send_edition("With links").await;
        let leaving = links(&app, edition).await;
        let marks = app.marks_of_the_form().await;
        let (mut asked, mut left, mut told) = (Acknowledged::default(), Acknowledged::default(), Acknowledged::default());
        for kill in 0..KILLS {
            let listen = program::address_of_its_own();
            let (base, listen_text) = (format!("http://{listen}"), listen.to_string());
            let settings = [
                ("LISTEN", listen_text.as_str()),
                ("STRIPE_SECRET_KEY", "sk_test_of_a_test"),
                ("STRIPE_WEBHOOK_SECRET", SECRET),
                ("STRIPE_API_BASE", "http://127.0.0.1:9"),
            ];
            let program = Program::serve(&app, &settings);
            wait::until("the pages", async || TcpStream::connect(listen).await.ok()).await;
            let answered = AtomicUsize::new(0);
            let enough = seed.within(10..CLIENTS * WISHES * 2);
            let first = kill * CLIENTS * WISHES;
            let clients = (0..CLIENTS).map(|number| {
                let numbers = move || (0..WISHES).map(move |wish| first + number * WISHES + wish);
                let (base, marks, answered, leaving) = (&base, &marks, &answered, &leaving);
                async move {
                    tokio::join!(
                        ask_for(answered, numbers(), |client, n| ask(client, (base, marks), n)),
                        ask_for(answered, numbers(), |client, n| leave(client, base, &leaving[n])),
                        ask_for(answered, numbers(), |client, n| tell(client, base, n)),
                    )
                }
            });
            let killed = async {
                wait::until("enough answers", async || (answered.load(Ordering::SeqCst) >= enough).then_some(())).await;
                program.kill();
            };
            let (done, ()) = tokio::join!(join_all(clients), killed);
            for (by_form, by_link, by_hook) in done {
                asked.add(by_form);
                left.add(by_link);
                told.add(by_hook);
            }
        }
        let db = &app.site.db;
        let there = "select email from subscriber where email like 'new%'";
        asked.compare("asked for mail", database::rows::<(String,)>(db, there).await, |n| format!("new{n}@example.org"));
        let there = "select s.email from subscriber s join subscription on subscriber_id = s.id where state = 'left'";
        left.compare("left", database::rows::<(String,)>(db, there).await, |n| format!("reader{}@example.org", n + 1));
        let there = "select event_id from provider_event";
        told.compare("told us", database::rows::<(String,)>(db, there).await, |n| format!("evt_{n}"));
        // One request is one fact in several tables: all of it or nothing.
        let parts = "select count(*) from subscriber where email like 'new%'
            union all select count(*) from subscription s join subscriber r on r.id = s.subscriber_id where r.email like 'new%' and s.state = 'pending'
            union all select count(*) from consent_event where action = 'asked'
            union all select count(*) from notice where template = 'confirm_subscription'";
        let parts = database::rows::<(i64,)>(db, parts).await;
        assert!(parts.iter().all(|count| *count == parts[0]), "asked: {parts:?}");
        let parts = "select count(*) from subscription where state = 'left' union all select count(*) from consent_event where action = 'left'";
        let parts = database::rows::<(i64,)>(db, parts).await;
        assert!(parts.iter().all(|count| *count == parts[0]), "left: {parts:?}");
        println!("killed {KILLS} times: {} asked, {} left, {} told us", asked.numbers.len(), left.numbers.len(), told.numbers.len());
    }

    /// TRUST F3, F24: an import is killed again and again; each time whole parts of the file are in, and the same command run
    /// to its end adds what is missing, once.
    async fn a_killed_import_is_whole_in_parts_and_can_be_run_again(app: TestApp) {
        const ROWS: i64 = 20_000;
        let mut file = "email,name\n".to_owned();
        (0..ROWS).for_each(|n| writeln!(file, "reader{n}@example.org,Reader {n}").expect("a string"));
        let path = scratch::folder().join("readers.csv");
        fs::write(&path, file).expect("our own folder");
        let path = path.to_string_lossy().into_owned();
        let command = ["subscribers", "import", &path, "--basis", "consent", "--source", "a test"];
        let counts = "select count(*) from subscriber union all select count(*) from subscription where state = 'confirmed'
            union all select count(*) from consent_event where action = 'imported'";
        let counts = async || database::rows::<(i64,)>(&app.site.db, counts).await;
        for least in [1, 3_000, 6_000] {
            let program = program::begin(&app, &command);
            wait::until("a part of the file", async || (counts().await[0].0 >= least).then_some(())).await;
            program.kill();
            let now = counts().await;
            assert!(now.iter().all(|count| *count == now[0]), "{now:?}");
            assert!(now[0].0 < ROWS, "killed after the end");
        }
        let done = Program::run(&app, &command);
        assert!(done.status.success(), "{done:?}");
        assert_eq!(counts().await, [(ROWS,); 3]);
    }
}

/// What one kind of request came to.
#[derive(Default)]
struct Acknowledged {
    numbers: Vec<usize>,
    /// Asked, and never answered.
    open: Vec<usize>,
}

impl Acknowledged {
    fn add(&mut self, other: Self) {
        self.numbers.extend(other.numbers);
        self.open.extend(other.open);
    }

    /// Everything that was acknowledged is there, and nothing that nobody asked for.
    fn compare(&self, what: &str, there: Vec<(String,)>, name: impl Fn(usize) -> String) {
        let there: std::collections::HashSet<String> = there.into_iter().map(|(one,)| one).collect();
        let lost: Vec<String> =
            self.numbers.iter().map(|n| name(*n)).filter(|one| !there.contains(one)).collect();
        assert!(lost.is_empty(), "{what}, were told so, and it is not there: {lost:?}");
        let known: Vec<String> = self.numbers.iter().chain(&self.open).map(|n| name(*n)).collect();
        assert!(there.iter().all(|one| known.contains(one)), "{what}: somebody is there who never asked");
        assert!(!self.numbers.is_empty(), "nobody {what}");
    }
}

/// Asks one thing after the other until the server is gone.
async fn ask_for(
    answered: &AtomicUsize,
    numbers: impl Iterator<Item = usize>,
    request: impl Fn(&Client, usize) -> RequestBuilder,
) -> Acknowledged {
    let client = Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client");
    let mut all = Acknowledged::default();
    for number in numbers {
        match request(&client, number).send().await {
            Ok(answer) => {
                let status = answer.status();
                assert!(status.is_success() || status.is_redirection(), "{status}");
                all.numbers.push(number);
                answered.fetch_add(1, Ordering::SeqCst);
            }
            Err(_) => {
                all.open.push(number);
                break;
            }
        }
    }
    all
}

/// `marks` is what the form has that is no question.
fn ask(client: &Client, (base, marks): (&str, &str), number: usize) -> RequestBuilder {
    let form = format!("email=new{number}%40example.org&consent=yes&{marks}");
    client.post(format!("{base}/subscribe")).header(CONTENT_TYPE, FORM).body(form)
}

fn leave(client: &Client, base: &str, link: &str) -> RequestBuilder {
    let path = link.find("/unsubscribe/").map_or("", |at| &link[at..]);
    client.post(format!("{base}{path}")).header(CONTENT_TYPE, FORM).body("List-Unsubscribe=One-Click")
}

fn tell(client: &Client, base: &str, number: usize) -> RequestBuilder {
    let at = Clock::System.now().unix_seconds();
    let event = format!(
        r#"{{"id":"evt_{number}","object":"event","type":"customer.created","created":{at},"livemode":false,"data":{{"object":{{"id":"cus_{number}"}}}}}}"#
    );
    let proof = signature(SECRET, at, &event);
    client.post(format!("{base}/hooks/stripe")).header("stripe-signature", proof).body(event)
}

/// The links that leave the list, by the reader's number from 0.
async fn links(app: &TestApp, edition: i64) -> Vec<String> {
    let ids = database::rows::<(i64, String)>(&app.site.db, "select id, email from subscriber").await;
    let mut links = vec![String::new(); ids.len()];
    for (id, email) in ids {
        let number: usize = email
            .trim_start_matches("reader")
            .split('@')
            .next()
            .and_then(|n| n.parse().ok())
            .expect("a number");
        links[number - 1] = app.links(edition, id).await.unsubscribe;
    }
    links
}
