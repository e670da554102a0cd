//! Subscribing in a rush: what comes faster than it can be looked at is written down, and nobody is lost, mailed twice or mailed who
//! would not be otherwise (TRUST A22, A24).

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use broadside::{
    db::Engine,
    delivery, dossier,
    email_address::EmailAddress,
    jobs,
    settings::Settings,
    subscribers::{self, By, Crowd, Goes, NewSubscription, Rush, SubscriberError, Trace, consent, machines},
    web::router,
};
use futures_util::{StreamExt as _, stream};
use tower::ServiceExt as _;

use crate::support::{
    TestApp, both_engines,
    database::{change, rows},
};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const ANN: &str = "ann@example.org";

/// A form at which there is always a rush.
struct Door {
    rush: Rush,
    settings: Settings,
    list: i64,
}

impl Door {
    async fn of(app: &TestApp) -> Self {
        let settings = Settings::load(&app.site.db).await.expect("the settings");
        Self { rush: Rush::beyond(0), settings, list: app.list().await }
    }

    async fn ask_as(
        &self,
        app: &TestApp,
        (email, ip): (&str, &str),
        crowd: Crowd<'_>,
    ) -> Result<Goes, SubscriberError> {
        let email = EmailAddress::parse(email).expect("an address");
        let new = NewSubscription {
            email: &email,
            name: "Ann",
            lists: &[self.list],
            wording: "Yes, post",
            answers: "",
            by: By::source("subscribe"),
            lookout: None,
            trace: Trace { ip, user_agent: "A browser" },
            crowd,
        };
        self.rush.take_down(&app.site, &self.settings, new).await
    }

    async fn ask(&self, app: &TestApp, email: &str, ip: &str) -> Result<Goes, SubscriberError> {
        self.ask_as(app, (email, ip), Crowd::Waits).await
    }
}

/// As the job does it.
async fn look_at_all(app: &TestApp) {
    subscribers::look_at_sign_ups(&app.site).await.expect("a turn");
}

async fn waiting(app: &TestApp) -> i64 {
    rows::<(i64,)>(&app.site.db, "select count(*) from sign_up").await[0].0
}

async fn letters(app: &TestApp) -> i64 {
    delivery::letter_counts(&app.site.db).await.expect("a count").into_iter().map(|(_, count)| count).sum()
}

/// TRUST A24: nobody makes a rush alone, for whom everybody else would have to work.
#[test]
fn one_network_makes_no_rush() {
    let rush = Rush::beyond(8);
    let alone: Vec<_> = (0..100).map(|at| rush.enter(&format!("203.0.113.{at}"))).collect();
    assert!(!alone[99].is_rush() && !rush.enter("198.51.100.1").is_rush());
    let others: Vec<_> = (0..5).map(|at| rush.enter(&format!("198.51.{at}.1"))).collect();
    assert!(others[4].is_rush(), "many networks do");
    drop((alone, others));
    let calm = Rush::beyond(8);
    for _ in 0..100 {
        assert!(!calm.enter("203.0.113.1").is_rush(), "whoever has gone does not count");
    }
}

both_engines! {
    /// TRUST A24, L1: what is written down comes to the same mail, reader and proof as what is looked at at once; and once.
    async fn who_comes_in_a_rush_is_asked_to_confirm(app: TestApp) {
        let door = Door::of(&app).await;
        assert_eq!(door.ask(&app, ANN, "192.0.2.7").await.expect("taken"), Goes::Later);
        assert_eq!((waiting(&app).await, letters(&app).await), (1, 0));
        let email = EmailAddress::parse(ANN).expect("an address");
        assert!(subscribers::by_email(&app.site.db, &email).await.expect("a read").is_none());
        // Two processes look at once.
        tokio::join!(look_at_all(&app), look_at_all(&app));
        assert_eq!((waiting(&app).await, letters(&app).await), (0, 1));
        app.drain().await;
        let link = app.last_mail(ANN).link("/confirm/");
        let token = link.rsplit('/').next().expect("a token");
        subscribers::confirm(&app.site, token, &[], Trace::default()).await.expect("the link is good");
        let reader = subscribers::by_email(&app.site.db, &email).await.expect("a read").expect("a reader");
        assert_eq!(reader.name, "Ann");
        let proof = consent::page(&app.site.db, reader.id, None, 10).await.expect("a read");
        assert!(proof.iter().any(|(_, event)| event.wording.as_deref() == Some("Yes, post")), "{proof:?}");
    }

    /// Many at once share commits, and all of them are there.
    /// TRUST A22: whoever is told that a mail comes later gets one: no more wait than can be mailed while they are kept.
    async fn nobody_waits_who_could_not_be_mailed(app: TestApp) {
        let many = match app.site.db.engine() {
            Engine::Sqlite => "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2500) insert into sign_up (public_id, email_key, typed, at, next_at) select 'r' || i, 'k', '{}', 1, 1 from n",
            Engine::Postgres => "insert into sign_up (public_id, email_key, typed, at, next_at) select 'r' || i, 'k', '{}', 1, 1 from generate_series(1, 2500) i",
        };
        change(&app.site.db, many).await;
        let door = Door::of(&app).await;
        let waits = door.ask_as(&app, (ANN, "203.0.113.1"), Crowd::Waits).await;
        assert!(matches!(waits, Err(SubscriberError::TooMany(_))), "{waits:?}");
        assert_eq!(waiting(&app).await, 2_500);
        app.leaves_work();
    }

    async fn a_thousand_at_once_are_all_kept(app: TestApp) {
        let door = Door::of(&app).await;
        stream::iter(0..1_000)
            .for_each_concurrent(200, |at| {
                let (app, door) = (&app, &door);
                async move {
                    let (email, ip) = (format!("reader{at}@town{at}.example"), format!("203.0.{}.{}", at / 250, at % 250));
                    assert_eq!(door.ask(app, &email, &ip).await.expect("taken"), Goes::Later);
                }
            })
            .await;
        assert_eq!(waiting(&app).await, 1_000);
        app.leaves_work();
    }

    /// TRUST A24: one victim gets one letter, one network is stopped after as many as ever, and thirty letters come of it in an hour;
    /// whoever there was no room for is asked when there is, and forgotten after a day.
    async fn a_rush_is_no_way_around_the_brakes(app: TestApp) {
        let door = Door::of(&app).await;
        for at in 0..100 {
            door.ask(&app, &format!("ann.smith+{at}@gmail.com"), &format!("203.0.{at}.1")).await.expect("taken");
        }
        look_at_all(&app).await;
        assert_eq!((waiting(&app).await, letters(&app).await), (0, 1), "a victim");
        app.advance(HOUR + Duration::from_secs(1));
        let mut taken = 0;
        for at in 0..300 {
            match door.ask(&app, &format!("victim{at}@number{at}.example"), &format!("198.51.100.{}", at % 3)).await {
                Ok(_) => taken += 1,
                Err(error) => assert!(matches!(error, SubscriberError::TooMany(_)), "{error}"),
            }
        }
        assert_eq!(taken, 60, "twenty from each of three neighbours");
        look_at_all(&app).await;
        assert_eq!((waiting(&app).await, letters(&app).await), (30, 31), "thirty in an hour");
        look_at_all(&app).await;
        assert_eq!(letters(&app).await, 31, "whoever waits is not looked at all the time");
        door.ask(&app, ANN, "192.0.2.7").await.expect("a reader from elsewhere");
        look_at_all(&app).await;
        assert_eq!(letters(&app).await, 32);
        app.advance(HOUR + Duration::from_secs(1));
        look_at_all(&app).await;
        assert_eq!((waiting(&app).await, letters(&app).await), (0, 62));
        app.drain().await;
    }

    /// TRUST L1, A24: what is kept of somebody in a rush is no longer than what is kept with a proof, and as little is told of it.
    async fn little_is_kept_in_a_rush(app: TestApp) {
        app.leaves_work();
        let door = Door::of(&app).await;
        let (email, agent) = (EmailAddress::parse(ANN).expect("an address"), "x".repeat(30_000));
        let new = NewSubscription {
            email: &email,
            name: "Ann",
            lists: &[door.list; 2_000],
            wording: "Yes, post",
            answers: "",
            by: By::source("subscribe"),
            lookout: None,
            trace: Trace { ip: "203.0.113.43", user_agent: &agent },
            crowd: Crowd::Waits,
        };
        door.rush.take_down(&app.site, &door.settings, new).await.expect("taken");
        let typed = rows::<(String,)>(&app.site.db, "select typed from sign_up").await.remove(0).0;
        assert!(typed.len() < 1_000, "{}", typed.len());
        let told = subscribers::sign_up_as_held(&typed).to_string();
        assert!(told.contains("203.0.113.0/24") && !told.contains("113.43") && told.contains("Yes, post"), "{told}");
        let (challenge, long) = (machines::challenge(&app.site), "1".repeat(60_000));
        let asked = door.ask_as(&app, ("bob@example.org", "192.0.2.7"), Crowd::Worked(&challenge, &long)).await;
        assert!(matches!(asked, Err(SubscriberError::Crowded)), "{asked:?}");
    }

    /// TRUST A24: a block of networks takes four times as much as one of them, and work is good once.
    async fn neither_a_block_of_networks_nor_one_piece_of_work_fills_the_table(app: TestApp) {
        app.leaves_work();
        let door = Door::of(&app).await;
        let mut taken = 0;
        for at in 0..200 {
            let (email, ip) = (format!("victim@number{at}.example"), format!("2a02:26f7:1:{:02x}00::{at:x}", at / 10));
            taken += usize::from(door.ask(&app, &email, &ip).await.is_ok());
        }
        assert_eq!(taken, 80);
        let challenge = machines::challenge(&app.site);
        let answer = (0_u64..).map(|at| at.to_string()).find(|answer| machines::answers(&challenge, answer)).expect("there is one");
        let worked = Crowd::Worked(&challenge, &answer);
        assert_eq!(door.ask_as(&app, (ANN, "192.0.2.7"), worked).await.expect("taken"), Goes::Later);
        let again = door.ask_as(&app, ("bob@example.org", "192.0.2.8"), worked).await;
        assert!(matches!(again, Err(SubscriberError::Crowded)), "{again:?}");
    }

    /// What cannot be read is mailed to nobody, keeps nobody else waiting, and is told to the team before it is forgotten.
    async fn what_cannot_be_read_holds_nobody_up(app: TestApp) {
        app.leaves_work();
        let door = Door::of(&app).await;
        change(&app.site.db, "insert into sign_up (public_id, at, email_key, typed, next_at) values ('a', 0, '', '{}', 0), ('b', 0, '', 'garbage{', 0), ('c', 0, '', '{\"email\":7}', 0)").await;
        door.ask(&app, ANN, "192.0.2.7").await.expect("taken");
        look_at_all(&app).await;
        assert_eq!((waiting(&app).await, letters(&app).await), (3, 1));
        let readers = rows::<(i64,)>(&app.site.db, "select count(*) from subscriber").await[0].0;
        assert_eq!(readers, 1, "and nobody without an address");
        for _ in 0..12 {
            app.advance(HOUR);
            look_at_all(&app).await;
        }
        let told = rows::<(i64,)>(&app.site.db, "select count(*) from news where subject = 'sign-ups'").await[0].0;
        assert!(told >= 1, "the team is told");
    }

    /// TRUST L3: who has left since is not asked once more by what was written down before.
    async fn who_left_since_is_not_asked(app: TestApp) {
        app.reader(ANN).await;
        let door = Door::of(&app).await;
        door.ask(&app, ANN, "192.0.2.7").await.expect("taken");
        app.advance(Duration::from_secs(60));
        subscribers::leave_by_staff(&app.site, app.reader_row(ANN).await, door.list, "a test").await.expect("they leave");
        app.drain().await;
        let had = app.mails(ANN).len();
        look_at_all(&app).await;
        app.drain().await;
        assert_eq!((waiting(&app).await, app.mails(ANN).len()), (0, had));
    }

    /// What nobody could be asked about within a day is forgotten, as the page of what is kept says.
    async fn what_was_written_down_is_forgotten_after_a_day(app: TestApp) {
        app.leaves_work();
        let door = Door::of(&app).await;
        door.ask(&app, ANN, "192.0.2.7").await.expect("taken");
        app.advance(DAY - HOUR);
        jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round");
        assert_eq!(waiting(&app).await, 1);
        app.advance(2 * HOUR);
        jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round");
        assert_eq!(waiting(&app).await, 0);
    }

    /// TRUST L7: who is forgotten leaves nothing there either.
    async fn who_is_forgotten_is_not_asked_by_what_was_written_down(app: TestApp) {
        app.reader(ANN).await;
        let door = Door::of(&app).await;
        door.ask(&app, ANN, "192.0.2.7").await.expect("taken");
        let email = EmailAddress::parse(ANN).expect("an address");
        let reader = subscribers::by_email(&app.site.db, &email).await.expect("a read").expect("a reader");
        dossier::forget_reader(&app.site, &reader, None).await.expect("forgotten");
        assert_eq!(waiting(&app).await, 0);
    }

    /// TRUST A24: a rush is a crowd. Work that was not done, or was done before, is worth nothing; work that was done is good once, and
    /// whoever has none waits their turn.
    async fn in_a_rush_a_browser_works_or_waits(app: TestApp) {
        let mut pages = app.bare_pages();
        (pages.rush, pages.quickest_form) = (Rush::beyond(0), Duration::ZERO);
        let settings = Settings::load(&app.site.db).await.expect("the settings");
        let words = consent::known_by(&consent::wording(&settings.magazine_name));
        let made = machines::stamp(&app.site);
        let router = router(pages);
        let list = app.list().await.to_string();
        let post = async |email: &str, more: &[(&str, &str)]| {
            let mut body = url::form_urlencoded::Serializer::new(String::new());
            body.extend_pairs([("from", "subscribe"), ("made", &made), ("words", &words), ("list", &list)]);
            body.extend_pairs([("email", email), ("consent", "yes")]).extend_pairs(more);
            let request = Request::post("/subscribe")
                .header(header::ORIGIN, app.site.base_url.origin().ascii_serialization())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(body.finish()))
                .expect("a request");
            let answer = router.clone().oneshot(request).await.expect("an answer");
            let (status, leads_to) = (answer.status(), answer.headers().get(header::LOCATION).cloned());
            let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
            (status, leads_to.is_some(), String::from_utf8_lossy(&body).into_owned())
        };
        let (status, _, page) = post(ANN, &[]).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{page}");
        assert!(page.contains("name=\"challenge\""), "{page}");
        assert_eq!(waiting(&app).await, 0, "nothing is kept of whoever does nothing for it");
        let challenge = machines::challenge(&app.site);
        let answers = (0_u64..).map(|at| at.to_string());
        let answer = answers.into_iter().find(|answer| machines::answers(&challenge, answer)).expect("there is one");
        let (status, _, page) = post(ANN, &[("challenge", &challenge), ("answer", "no")]).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{page}");
        let worked = [("challenge", challenge.as_str()), ("answer", answer.as_str())];
        let (status, leads_on, page) = post(ANN, &worked).await;
        assert!(status == StatusCode::SEE_OTHER && leads_on, "{status} {page}");
        let (status, ..) = post("bob@example.org", &worked).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "it is good once");
        let (status, ..) = post("carl@example.org", &[("later", "yes")]).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let (status, ..) = post("no address", &[("later", "yes")]).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "what is mistyped is said at once");
        look_at_all(&app).await;
        app.drain().await;
        for email in [ANN, "carl@example.org"] {
            assert_eq!(app.mails(email).len(), 1, "{email}");
        }
    }
}
