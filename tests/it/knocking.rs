//! Whatever is limited is counted before it is judged: of those who come all at once no more are let through than of those who
//! come one after another, through however many processes; who is refused writes nothing; and nobody is kept out by a stranger.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use broadside::{
    attempts::{self, Attempt, Limit, Refusal},
    clock::Clock,
    db::{Db, Together},
    donations::{self, GiftError, GiftRequest, Giver},
    email_address::EmailAddress,
    network::Network,
    payments::Every,
    settings::Settings,
    site::Site,
    staff::{self, AccountError, Hasher, Incoming, NewMember, PasswordCost, Role, SignInError},
    subscribers::{self, By, Crowd, NewSubscription, SubscriberError, Trace, lists},
    token,
};
use futures_util::future::join_all;
use reqwest::StatusCode;
use sqlx::sqlite::SqlitePoolOptions;
use tokio::sync::Semaphore;

use crate::support::{
    TestApp, TestDb,
    app::OWNER,
    between, both_engines,
    database::{change, rows},
    visitor::{Form, Page, Visitor},
    wait,
};

const QUARTER: Duration = Duration::from_secs(15 * 60);
const TEN: Limit = Limit::in_a_quarter_of_an_hour("a test", 10);
const HOME: [u8; 4] = [192, 0, 2, 7];
const ELSEWHERE: [u8; 4] = [198, 51, 100, 1];

fn network(address: impl Into<IpAddr>) -> Network {
    Network::of(address.into()).expect("a public address")
}

fn coming_from(address: [u8; 4]) -> Incoming {
    Incoming { from: Some(network(address)), ..Incoming::at_the_terminal(PasswordCost::CHEAP) }
}

/// The same magazine by another clock.
fn earlier(app: &TestApp, span: Duration) -> Site {
    let clock = Clock::manual(app.site.now().minus(span));
    Site { clock, ..app.site.clone() }
}

/// Somebody set the clock back.
fn a_day_earlier(app: &TestApp) -> Site {
    earlier(app, Duration::from_secs(86_400))
}

async fn guess(visitor: &Visitor, form: &Form, password: &str) -> Page {
    visitor.submit(&form.clone().with("email", OWNER.0).with("password", password)).await
}

async fn rows_of_attempts(app: &TestApp) -> Vec<(String, i64)> {
    rows(&app.site.db, "select key, counted from attempt order by key").await
}

/// Lets somebody come so far that the present password was right, sets another one, and lets them go on. On PostgreSQL they
/// are stopped at the account's row, on SQLite before the connection that writes.
async fn overtaken<T>(app: &TestApp, another: &str, comes: impl AsyncFnOnce(&Site) -> T) -> T {
    const SET: &str = "update staff set password_hash = $1 where role = 'owner'";
    const END_SESSIONS: &str = "delete from staff_session";
    let hash = Hasher::default().enter(None).expect("room").hash(another, PasswordCost::CHEAP).await;
    match &app.site.db {
        Db::Postgres { pool, .. } => {
            let mut owner = pool.begin().await.expect("a transaction");
            sqlx::query(SET).bind(hash).execute(&mut *owner).await.expect("set");
            sqlx::query(END_SESSIONS).execute(&mut *owner).await.expect("ended");
            between::overtaken_by(&app.site.db, owner, comes(&app.site)).await
        }
        Db::Sqlite { read, write, pulse, .. } => {
            // They count their try, and then no more.
            let (door, came) = (Arc::new(Semaphore::new(1)), Arc::new(AtomicUsize::new(0)));
            let stopped = SqlitePoolOptions::new().max_connections(1).before_acquire({
                let (door, came) = (door.clone(), came.clone());
                move |_, _| {
                    let (door, came) = (door.clone(), came.clone());
                    Box::pin(async move {
                        came.fetch_add(1, Ordering::SeqCst);
                        door.acquire().await.expect("it is never closed").forget();
                        Ok(true)
                    })
                }
            });
            let stopped =
                stopped.connect_with((*write.connect_options()).clone()).await.expect("a connection");
            let together = Together::default();
            let db = Db::Sqlite { read: read.clone(), write: stopped, together, pulse: pulse.clone() };
            let site = Site { db, ..app.site.clone() };
            let sets = async {
                wait::until("who comes to be stopped", async || {
                    (came.load(Ordering::SeqCst) == 2).then_some(())
                })
                .await;
                sqlx::query(SET).bind(hash).execute(write).await.expect("set");
                sqlx::query(END_SESSIONS).execute(write).await.expect("ended");
                door.add_permits(100);
            };
            tokio::join!(comes(&site), sets).0
        }
    }
}

both_engines! {
    /// TRUST A21: 150 guesses at once, and the right password among the later ones: ten are judged, and the page says when to
    /// come back. What is refused writes nothing.
    async fn of_150_guesses_at_once_ten_are_judged(app: TestApp) {
        let visitor = app.visitor();
        let form = visitor.open("/desk/sign-in").await.form("/desk/sign-in");
        let guesses: Vec<String> = (0..150).map(|number| format!("a wrong guess, number {number}")).collect();
        let pages = join_all(guesses.iter().map(|password| guess(&visitor, &form, password))).await;
        let judged = pages.iter().filter(|page| page.text().contains("do not belong together")).count();
        assert_eq!(judged, 10);
        let before = rows_of_attempts(&app).await;
        assert_eq!(before.iter().map(|(_, counted)| *counted).collect::<Vec<_>>(), [10], "the account; the network is a private one");
        let right = join_all((0..20).map(|_| guess(&visitor, &form, OWNER.1))).await;
        for page in pages.iter().filter(|page| !page.text().contains("do not belong")).chain(&right) {
            page.says("Too many tries");
            assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
            let wait: u64 = page.headers["retry-after"].to_str().expect("ASCII").parse().expect("seconds");
            assert!((1..=900).contains(&wait), "{wait}");
            assert!(page.body.contains(&format!("value=\"{}\"", OWNER.0)), "what was typed stays");
            assert!(!page.headers.contains_key("set-cookie"));
        }
        assert_eq!(rows_of_attempts(&app).await, before, "who is refused writes nothing");
        app.advance(QUARTER);
        assert_eq!(guess(&visitor, &form, OWNER.1).await.status, StatusCode::SEE_OTHER, "nobody is kept out for longer");
    }

    /// The same for two processes on one database: whoever counts, counts in one statement.
    async fn two_processes_count_as_one(db: TestDb) {
        let app = TestApp::without_owner(db.clone()).await;
        let other = Site { db: db.open_again().await, ..app.site.clone() };
        let limits = [TEN.on("ann"), TEN.on("everybody")];
        let backwards = [limits[1].clone(), limits[0].clone()];
        let tries = (0..200).flat_map(|_| [Attempt::begin(&app.site, &limits), Attempt::begin(&other, &backwards)]);
        let outcomes = join_all(tries).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 10);
        for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert!(matches!(refused, Refusal::TooMany(wait) if *wait == QUARTER), "{refused}");
        }
        // One is given back, and one more may come; a limit that others reached holds whoever comes under it.
        let mut tx = other.db.begin().await.expect("a transaction");
        let one = outcomes.into_iter().find_map(Result::ok).expect("ten of them");
        one.give_back(&mut tx).await.expect("given back");
        tx.commit().await.expect("a commit");
        let more = join_all((0..40).map(|_| Attempt::begin(&other, &limits))).await;
        assert_eq!(more.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let bob = [TEN.on("bob"), TEN.on("everybody")];
        assert!(Attempt::begin(&app.site, &bob).await.is_err());
        assert!(attempts::look(&app.site, &bob[..1]).await.is_ok(), "what was refused counts nowhere");
        app.advance(QUARTER);
        assert_eq!(broadside::jobs::forget_as_of(&app.site, app.site.now()).await.expect("tidied"), 2, "a row for each, and none for the refused");
        other.db.close().await;
    }

    /// However many ask for a link at once, three mails are the most, and the newest of them signs in once.
    async fn of_twenty_links_at_once_three_are_mailed(app: TestApp) {
        let visitor = app.visitor();
        let form = visitor.open("/desk/sign-in").await.form("/desk/sign-in-link").with("link_email", OWNER.0);
        let pages = join_all((0..20).map(|_| visitor.submit(&form))).await;
        assert!(pages.iter().all(|page| page.status == StatusCode::OK), "the answer is the same for all");
        app.drain().await;
        let mails = app.mails(OWNER.0);
        assert_eq!(mails.len(), 3);
        let mut opened = 0;
        for mail in &mails {
            let visitor = app.visitor();
            let page = visitor.open(&mail.link("/desk/sign-in/")).await;
            if page.status == StatusCode::OK {
                opened += 1;
                let form = page.form("/desk/sign-in/");
                assert_eq!(visitor.submit(&form).await.status, StatusCode::SEE_OTHER);
            }
        }
        assert_eq!(opened, 1, "one link works, once, and its use leaves none of the others");
        for mail in &mails {
            assert_eq!(app.visitor().open(&mail.link("/desk/sign-in/")).await.status, StatusCode::GONE);
        }
    }

    /// TRUST A21: a lock is no weapon. Whoever guesses from elsewhere, from however many places, uses up what strangers have
    /// at that account; from where its owner signs in, the owner still can.
    async fn a_strangers_guesses_do_not_keep_the_owner_out(app: TestApp) {
        let sign_in = async |from, password| staff::sign_in_by_password(&app.site, &coming_from(from), OWNER.0, password).await;
        sign_in(HOME, OWNER.1).await.expect("the owner signs in at home");
        let mut judged = 0;
        for place in 0..40 {
            match sign_in([198, 51, 100, place], "not the password").await {
                Err(SignInError::Wrong) => judged += 1,
                Err(SignInError::TooMany(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(judged, 10, "forty places share what strangers have");
        assert!(matches!(sign_in(ELSEWHERE, OWNER.1).await, Err(SignInError::TooMany(_))));
        sign_in(HOME, OWNER.1).await.expect("the owner is at home");
        for _ in 0..10 {
            assert!(matches!(sign_in(HOME, "not the password").await, Err(SignInError::Wrong)));
        }
        assert!(matches!(sign_in(HOME, OWNER.1).await, Err(SignInError::TooMany(_))), "guessing at home is held too");
        // One network has fifty guesses, at however many accounts.
        let mut judged = 0;
        for number in 0..60 {
            let email = format!("nobody{number}@example.org");
            let guess = staff::sign_in_by_password(&app.site, &coming_from([203, 0, 113, 1]), &email, "not the password").await;
            judged += usize::from(matches!(guess, Err(SignInError::Wrong)));
        }
        assert_eq!(judged, 50);
    }

    /// Behind a proxy that the settings do not name all come from one private address: nobody is held for what others did.
    async fn a_private_network_holds_nobody(app: TestApp) {
        let visitor = app.visitor();
        let page = visitor.open("/desk/sign-in").await;
        let (form, link) = (page.form("/desk/sign-in"), page.form("/desk/sign-in-link"));
        for number in 0..60 {
            let email = format!("nobody{number}@example.org");
            let wrong = form.clone().with("email", &email).with("password", "not the password");
            visitor.submit(&wrong).await.says("do not belong together");
            visitor.submit(&link.clone().with("link_email", &email)).await;
        }
        assert_eq!(guess(&visitor, &form, OWNER.1).await.status, StatusCode::SEE_OTHER);
        visitor.submit(&link.with("link_email", OWNER.0)).await;
        app.drain().await;
        assert_eq!(app.mails(OWNER.0).len(), 1);
    }

    /// TRUST A21: nor do strangers who ask for links. From where its owner signs in one is mailed all the same; and to anybody
    /// else as soon as the last one is too old to work.
    async fn a_strangers_links_do_not_keep_the_owner_out(app: TestApp) {
        let email = EmailAddress::parse(OWNER.0).expect("an address");
        let ask = async |from| {
            staff::send_sign_in_link(&app.site, &email, Some(network(from))).await.expect("asked");
            app.drain().await;
            app.mails(OWNER.0).len()
        };
        staff::sign_in_by_password(&app.site, &coming_from(HOME), OWNER.0, OWNER.1).await.expect("the owner signs in at home");
        for place in 0..5 {
            ask([198, 51, 100, place]).await;
        }
        assert_eq!(ask(ELSEWHERE).await, 3);
        assert_eq!(ask(HOME).await, 4);
        app.advance(staff::SIGN_IN_LINK_LASTS);
        assert_eq!(ask([203, 0, 113, 1]).await, 5);
        for _ in 0..5 {
            ask(HOME).await;
        }
        assert_eq!(app.mails(OWNER.0).len(), 8, "three from home, too");
    }

    /// A password that was looked at and was right opens nothing, and sets no other, once another was set meanwhile.
    async fn an_old_password_is_worth_nothing_once_another_is_set(app: TestApp) {
        let owner = staff::by_email(&app.site.db, &EmailAddress::parse(OWNER.0).expect("an address")).await;
        let owner = owner.expect("an answer").expect("the owner");
        let second = "a second lamp on the quay";
        let opened = overtaken(&app, second, async |site| {
            staff::sign_in_by_password(site, &coming_from(ELSEWHERE), OWNER.0, OWNER.1).await
        });
        assert!(matches!(opened.await, Err(SignInError::Wrong)));
        let sessions = rows::<(i64,)>(&app.site.db, "select count(*) from staff_session").await;
        assert_eq!(sessions, [(0,)], "the old password opened the desk");

        let third = "a third lamp on the quay";
        let changed = overtaken(&app, third, async |site| {
            staff::change_password(site, &coming_from(ELSEWHERE), &owner, second, "a thief on the dark quay").await
        });
        assert!(matches!(changed.await, Err(AccountError::WrongPassword)));
        staff::sign_in_by_password(&app.site, &coming_from(HOME), OWNER.0, third).await.expect("the owner's new password is kept");
    }

    /// TRUST A24: the form from one network, all at once.
    async fn of_sixty_sign_ups_at_once_twenty_are_taken(app: TestApp) {
        let settings = Settings::load(&app.site.db).await.expect("settings");
        let list = lists::all(&app.site.db).await.expect("lists").remove(0).id;
        let emails: Vec<EmailAddress> =
            (0..100).map(|at| EmailAddress::parse(&format!("victim@example{at}.org")).expect("an address")).collect();
        let subscribe = async |site: &Site, at: usize, ip: &str| {
            let (trace, lists) = (Trace { ip, user_agent: "" }, [list]);
            let new = NewSubscription { email: &emails[at], name: "", lists: &lists, wording: "Yes", answers: "", by: By::source("subscribe"), lookout: None, trace, crowd: Crowd::Unasked };
            subscribers::subscribe(site, &settings, new).await
        };
        // A household has more addresses of the newer kind than there are people.
        let ips: Vec<String> = (0..60).map(|at| format!("2001:db8:0:12{at:02}::1")).collect();
        let outcomes = join_all((0..60).map(|at| subscribe(&app.site, at, &ips[at]))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 20);
        assert!(outcomes.iter().filter_map(|one| one.as_ref().err()).all(|one| matches!(one, SubscriberError::TooMany(_))));
        subscribe(&app.site, 0, "192.0.2.1").await.expect("another network");
        subscribe(&app.site, 0, "2001:db8:0:1300::1").await.expect("a neighbour in the same block");
        // Whoever asks for a block has 256 networks: they are not 256 strangers, and no fewer than four.
        let ips: Vec<String> = (0..100).map(|at| format!("2001:db8:1:{at:02}00::1")).collect();
        let outcomes = join_all((0..100).map(|at| subscribe(&app.site, at, &ips[at]))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 80);
        subscribe(&a_day_earlier(&app), 1, "2001:db8:0:1200::1").await.expect("the clock was set back");
        app.drain().await;
    }

    /// TRUST A24: whoever rents all that one provider has, half a million blocks of the newer kind of network or every address
    /// that begins alike, takes a quarter of what everybody shares: for everybody else forms stay open.
    async fn no_provider_uses_up_what_everybody_shares(app: TestApp) {
        let shared = donations::GIFTS;
        {
            for rented in [
                (0..600).map(|at: u16| IpAddr::from([0x2001, 0xdb8 + at % 8, at, 0, 0, 0, 0, 1])).collect::<Vec<_>>(),
                (0..600).map(|at: u16| IpAddr::from([203, 0, at.to_be_bytes()[0], at.to_be_bytes()[1]])).collect(),
            ] {
                let tries = rented.iter().map(|address| shared.on(Some(network(*address)))).collect::<Vec<_>>();
                let outcomes = join_all(tries.iter().map(|limits| Attempt::begin(&app.site, limits))).await;
                assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 500);
            }
            for other in [IpAddr::from([0x2001, 0xdc0, 0, 0, 0, 0, 0, 1]), ELSEWHERE.into()] {
                let _ = Attempt::begin(&app.site, &shared.on(Some(network(other)))).await.expect("there is room for others");
            }
        }
        assert!(staff::closed_lately(&app.site.db, app.site.now()).await.expect("an answer").is_empty(), "nothing was closed");
    }

    /// What is closed to everybody is told: at the desk for a day, and in one letter a day, however often it is closed.
    async fn what_is_closed_to_everybody_is_told(app: TestApp) {
        let fill = async || {
            let _ = Attempt::begin(&app.site, &donations::GIFTS.on(None)).await.expect("the first");
            change(&app.site.db, "update attempt set counted = 1999").await;
            let _ = Attempt::begin(&app.site, &donations::GIFTS.on(None)).await.expect("the last");
            assert!(Attempt::begin(&app.site, &donations::GIFTS.on(None)).await.is_err(), "it is closed");
        };
        let told = async || {
            // Two processes at once.
            let (one, other) = tokio::join!(staff::tell_of_closed(&app.site), staff::tell_of_closed(&app.site));
            one.and(other).expect("told");
            app.drain().await;
            app.mails(OWNER.0).iter().filter(|mail| mail.subject.contains("more came at once")).count()
        };
        assert_eq!(told().await, 0);
        fill().await;
        app.desk().await.open("/desk").await.says("The page to give was closed to everybody");
        assert_eq!((told().await, told().await), (1, 1), "one letter");
        let letter = app.mails(OWNER.0).pop().expect("the letter");
        assert!(letter.text.contains("The page to give was closed to everybody from"), "{}", letter.text);
        app.advance(QUARTER);
        fill().await;
        assert_eq!(told().await, 1, "closed again on the same day");
        app.advance(Duration::from_secs(2 * 86_400));
        assert!(!app.desk().await.open("/desk").await.body.contains("closed to everybody"), "that was long ago");
        assert_eq!(told().await, 1);
        fill().await;
        app.desk().await.open("/desk").await.says("The page to give was closed to everybody");
        assert_eq!(told().await, 2);
    }

    /// The place where passwords are hashed is shared, too: who takes the last place in it is noted, once.
    async fn a_full_door_is_told(app: TestApp) {
        let owner = coming_from(HOME);
        // All but one of them, from many providers.
        let _others: Vec<_> =
            (128..191).map(|from| owner.hasher.enter(Some(network([from, 0, 113, 1]))).expect("room")).collect();
        for _ in 0..2 {
            staff::sign_in_by_password(&app.site, &owner, OWNER.0, OWNER.1).await.expect("there was room for one");
        }
        let closed = staff::closed_lately(&app.site.db, app.site.now()).await.expect("an answer");
        assert_eq!(closed.iter().map(staff::ClosedDoor::what).collect::<Vec<_>>(), ["The door to the desk was closed to everybody"]);
    }

    /// Each gift that is begun asks the payment service for a page: nobody begins them without end (TRUST A26).
    async fn of_many_gifts_at_once_from_one_network_ten_are_begun(app: TestApp) {
        let settings = Settings::load(&app.site.db).await.expect("settings");
        let begin = async |from| {
            let gift = token::public_id();
            let giver = Giver { from, ..Giver::default() };
            let request = GiftRequest {
                amount: "15", every: Every::Once, email: &format!("{gift}@example.com"), name: "", giver, gift: &gift, back: "/donate", edition_token: None,
            article: None,
            };
            donations::start_gift(&app.site, app.payments.provider.as_ref(), &settings, &request).await
        };
        let outcomes = join_all((0..120).map(|_| begin(Some(network(HOME))))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 10);
        assert!(outcomes.iter().filter_map(|one| one.as_ref().err()).all(|one| matches!(one, GiftError::TooMany(_))));
        begin(Some(network(ELSEWHERE))).await.expect("another network");
        app.leaves_work();
    }

    /// A desk that somebody left open does not give the password away: ten tries, all at once or not. At another desk its owner
    /// can still change it.
    async fn the_present_password_is_not_guessed_at_an_open_desk(app: TestApp) {
        let (desk, home) = (app.desk().await, app.desk().await);
        let form = desk.open("/desk/account").await.form("/desk/account").with("password", "another lantern on the quay");
        let wrong = form.clone().with("present", "not the password");
        let pages = join_all((0..40).map(|_| desk.submit(&wrong))).await;
        assert_eq!(pages.iter().filter(|page| page.text().contains("not your present password")).count(), 10);
        let held = desk.submit(&form.clone().with("present", OWNER.1)).await;
        held.says("Too many tries");
        assert_eq!(held.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(held.headers.contains_key("retry-after"));
        let form = home.open("/desk/account").await.form("/desk/account").with("password", "another lantern on the quay");
        home.submit_and_follow(&form.with("present", OWNER.1)).await.says("Your password was changed");
    }

    /// The clock was a day ahead and is set back: what was counted then keeps nobody out today, and what is counted today holds.
    async fn what_was_counted_in_the_future_does_not_count(app: TestApp) {
        let wrong = async |site: &Site| staff::sign_in_by_password(site, &coming_from(ELSEWHERE), OWNER.0, "not the password").await;
        for _ in 0..10 {
            assert!(matches!(wrong(&app.site).await, Err(SignInError::Wrong)));
        }
        assert!(matches!(wrong(&app.site).await, Err(SignInError::TooMany(_))));
        let earlier = a_day_earlier(&app);
        for _ in 0..10 {
            assert!(matches!(wrong(&earlier).await, Err(SignInError::Wrong)));
        }
        assert!(matches!(wrong(&earlier).await, Err(SignInError::TooMany(_))));
        earlier.clock.advance(QUARTER);
        let token = staff::sign_in_by_password(&earlier, &coming_from(ELSEWHERE), OWNER.0, OWNER.1).await.expect("the owner");
        // A session that began in the future has no end that one could wait for.
        let find = async |site: &Site| broadside::staff::find_session(site, &token.0).await.expect("an answer").is_some();
        assert!(find(&earlier).await);
        earlier.clock.advance(Duration::from_secs(60));
        let before = Site { clock: Clock::manual(earlier.now().minus(QUARTER)), ..app.site.clone() };
        assert!(!find(&before).await);
        broadside::jobs::forget_as_of(&before, before.now()).await.expect("tidied");
        assert!(!find(&earlier).await, "it does not come back once the clock has caught up");
    }

    /// A clock that lags, or a moment that was read before waiting in line, begins no count anew.
    async fn a_little_earlier_is_not_the_future(app: TestApp) {
        let most = async |whom: &str, behind: &[Duration]| {
            let mut let_through = 0;
            for span in behind {
                match Attempt::begin(&earlier(&app, *span), &[TEN.on(whom)]).await {
                    Ok(_) => let_through += 1,
                    Err(Refusal::TooMany(wait)) => assert!(wait <= QUARTER, "{wait:?}"),
                    Err(error) => panic!("{error}"),
                }
            }
            let_through
        };
        let backwards: Vec<Duration> = (0..30).map(Duration::from_micros).collect();
        assert_eq!(most("by a microsecond", &backwards).await, 10);
        let two: Vec<Duration> = (0..30).map(|at| Duration::from_secs(2 * (at % 2))).collect();
        assert_eq!(most("two processes, two seconds apart", &two).await, 10);
        app.advance(Duration::from_secs(60));
        assert_eq!(most("two processes, two seconds apart", &two).await, 0);
    }

    /// Tidying waits for nobody who counts, so the two never wait for each other.
    async fn what_somebody_counts_in_is_passed_over_by_tidying(app: TestApp) {
        for whom in ["ann", "bob"] {
            let _ = Attempt::begin(&app.site, &[TEN.on(whom)]).await.expect("the first");
        }
        app.advance(QUARTER);
        // On SQLite there is one writer.
        let Db::Postgres { pool, .. } = &app.site.db else { return };
        let mut counting = pool.begin().await.expect("a transaction");
        let held = "update attempt set counted = counted where key = (select min(key) from attempt)";
        sqlx::query(held).execute(&mut *counting).await.expect("a row of two");
        let tidied = tokio::time::timeout(Duration::from_secs(20), broadside::jobs::forget_as_of(&app.site, app.site.now())).await;
        assert_eq!(tidied.expect("it waits for nobody").expect("tidied"), 1);
        counting.rollback().await.expect("a rollback");
        assert_eq!(broadside::jobs::forget_as_of(&app.site, app.site.now()).await.expect("tidied"), 1);
    }

    /// NIST SP 800-63B, ASVS 6.2.4 and 6.2.11: at set-up, on taking up an invitation and on the account page, what everybody
    /// would try first is refused, and the page says what to do.
    async fn a_password_that_strangers_try_first_is_refused_wherever_one_is_set(app: TestApp) {
        let email = EmailAddress::parse("nina@example.org").expect("an address");
        let new = NewMember { name: "Nina Hartmann", email: &email, role: Role::Editor };
        let invited = staff::add_member(&app.site, None, new).await.expect("a member").path;
        let (guest, desk) = (app.visitor(), app.desk().await);
        let join = guest.open(&invited).await.form("/desk/join");
        let account = desk.open("/desk/account").await.form("/desk/account").with("present", OWNER.1);
        for (password, says) in [
            ("123456789012", "one of the first that strangers try"),
            ("Password2026!", "one of the first that strangers try"),
            ("nina@example.org", "little more than your name"),
            ("The Lamplighter", "little more than your name"),
            ("ninahartmann1", "little more than your name"),
            ("too short", "Use at least 12 characters"),
        ] {
            let page = guest.submit(&join.clone().with("password", password)).await;
            page.says(says);
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(!page.body.contains(&format!("value=\"{password}\"")) || password == email.as_str());
        }
        for password in ["123456789012", "owner@example.org", "TheLamplighter!!"] {
            let page = desk.submit(&account.clone().with("password", password)).await;
            page.says("words in a row");
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{password}");
        }
        guest.submit_and_follow(&join.with("password", "a kettle under the stairs")).await.says("Overview");
        app.drain().await;
    }
}
