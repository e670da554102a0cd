//! Joining while somebody plays with the form: how much mail strangers can cause (TRUST A24), and that real readers come through
//! all the while; what becomes of what was typed; and addresses as people type them.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Request, header},
};
use broadside::{
    clock::Stopwatch,
    db::Engine,
    deliverability::Lookout,
    delivery,
    email_address::EmailAddress,
    sandbox::{Rule, Stage},
    settings::{self, Settings},
    subscribers::{self, By, Crowd, Goes, NewSubscription, SubscriberError, Trace, machines},
    web::router,
};
use futures_util::{StreamExt as _, stream};
use reqwest::StatusCode;
use tower::ServiceExt as _;

use crate::support::{
    Browser, Fixture, TestApp, TestDb, app::OWNER, both_engines, database::rows, dns::DnsServer,
    visitor::Form,
};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// Each writes down who asked, and takes the time of a letter: on SQLite, and on PostgreSQL, where the count is kept by the same statements.
/// [`ten_thousand_sign_ups_for_one_victim_are_one_letter`] is the whole of it.
const SIGN_UPS_OF_ONE: [usize; 2] = [2_000, 600];
const ANN: &str = "ann@example.org";

/// What many people share who sign up.
struct Door {
    settings: Settings,
    list: i64,
}

impl Door {
    async fn of(app: &TestApp) -> Self {
        let settings = Settings::load(&app.site.db).await.expect("the settings");
        Self { settings, list: app.list().await }
    }

    async fn try_from(
        &self,
        app: &TestApp,
        (email, name): (&str, &str),
        ip: &str,
        crowd: Crowd<'_>,
    ) -> Result<Goes, SubscriberError> {
        let email = EmailAddress::parse(email).expect("an address");
        let new = NewSubscription {
            email: &email,
            name,
            lists: &[self.list],
            wording: "Yes",
            answers: "",
            by: By::source("subscribe"),
            lookout: None,
            trace: Trace { ip, user_agent: "" },
            crowd,
        };
        subscribers::subscribe(&app.site, &self.settings, new).await
    }

    async fn ask(&self, app: &TestApp, email: &str, ip: &str) -> Result<Goes, SubscriberError> {
        self.try_from(app, (email, ""), ip, Crowd::Unasked).await
    }

    /// As many letters go to as many people as go out in an hour without any proof.
    async fn fill(&self, app: &TestApp) {
        let hour = app.site.now().0;
        for at in 0..120 {
            let (email, ip) = (format!("victim@many{at}-{hour}.example"), format!("203.0.{at}.1"));
            assert_eq!(self.ask(app, &email, &ip).await.expect("taken"), Goes::Now);
        }
    }
}

/// How many automatic emails there were.
async fn letters(app: &TestApp) -> i64 {
    delivery::letter_counts(&app.site.db).await.expect("a count").into_iter().map(|(_, count)| count).sum()
}

async fn name_of(app: &TestApp, email: &str) -> String {
    let email = EmailAddress::parse(email).expect("an address");
    subscribers::by_email(&app.site.db, &email).await.expect("a read").expect("a reader").name
}

/// Presses the button behind the link of a mail.
async fn press(app: &TestApp, link: &str) {
    let token = link.rsplit('/').next().expect("a token");
    subscribers::confirm(&app.site, token, &[], Trace::default()).await.expect("the link is good");
}

/// The form, filled in.
async fn filled(app: &TestApp, email: &str) -> Form {
    let form = app.visitor().open("/subscribe").await.form("/subscribe");
    form.with("email", email).with("consent", "yes")
}

/// What a browser finds out.
fn work(challenge: &str) -> String {
    (0_u64..)
        .map(|at| at.to_string())
        .find(|answer| machines::answers(challenge, answer))
        .expect("there is one")
}

/// So often somebody types one mailbox, in whatever spelling and from wherever: it is all taken, and one letter goes.
async fn sign_up_one_victim(app: &TestApp, sign_ups: usize) {
    let door = Door::of(app).await;
    let taken = AtomicUsize::new(0);
    stream::iter(0..sign_ups)
        .for_each_concurrent(16, |at| {
            let (door, taken) = (&door, &taken);
            async move {
                let dot = |place: usize| (place < 7 && at >> place & 1 == 1).then_some('.');
                let letters = "annsmith".char_indices();
                let dotted: String =
                    letters.flat_map(|(place, c)| [Some(c), dot(place)].into_iter().flatten()).collect();
                let tag = if at % 3 == 0 { String::new() } else { format!("+{}", at % 50) };
                let host = if at % 2 == 0 { "gmail.com" } else { "GoogleMail.com." };
                let email = format!("{dotted}{tag}@{host}");
                let email = if at % 5 == 0 { email.to_uppercase() } else { email };
                let ip = format!("{}.{}.{}.7", 11 + at % 40, at / 250 % 250, at % 250);
                // So many who ask for one domain are a crowd, and the work is done each time.
                door.try_from(app, (&email, ""), &ip, Crowd::Nobody).await.expect("taken");
                taken.fetch_add(1, Ordering::SeqCst);
            }
        })
        .await;
    assert_eq!((taken.into_inner(), letters(app).await), (sign_ups, 1));
}

both_engines! {
    /// TRUST A24: whatever is typed and wherever from, one mailbox gets one letter.
    async fn however_many_sign_ups_for_one_victim_are_one_letter(app: TestApp) {
        sign_up_one_victim(&app, SIGN_UPS_OF_ONE[usize::from(app.site.db.engine() == Engine::Postgres)]).await;
        let door = Door::of(&app).await;
        for _ in 0..21 {
            app.advance(DAY);
            app.drain().await;
            door.ask(&app, "ann.smith+again@gmail.com", "192.0.2.1").await.expect("taken");
        }
        assert_eq!(letters(&app).await, 10, "three a week, if somebody goes on and on");
        app.drain().await;
    }

    /// TRUST A24: whoever rents a network writes to thirty people in an hour, and keeps nobody else out.
    async fn ten_thousand_victims_from_one_network_are_thirty_letters_in_an_hour(app: TestApp) {
        let door = Door::of(&app).await;
        for at in 0..10_000 {
            let (email, ip) = (format!("victim@number{at}.example"), format!("198.51.100.{}", at % 256));
            let asked = door.ask(&app, &email, &ip).await;
            assert!(matches!(asked, Ok(Goes::Now) | Err(SubscriberError::TooMany(_))), "{asked:?}");
            if at == 5_000 {
                assert_eq!(door.ask(&app, ANN, "192.0.2.1").await.expect("a reader from elsewhere"), Goes::Now);
            }
            app.advance(Duration::from_micros(359_000));
        }
        assert_eq!(letters(&app).await, 31, "thirty, and the reader's");
        app.drain().await;
        app.last_mail(ANN).link("/confirm/");
    }

    /// TRUST A24: when more than usual come, nobody is refused. A browser works for a moment and goes on; whoever cannot waits; a
    /// piece of work is good once; and the owner is told, once.
    async fn a_crowd_is_asked_for_work_and_nobody_is_refused(app: TestApp) {
        let door = Door::of(&app).await;
        door.fill(&app).await;
        let visitor = app.visitor();
        let asked = visitor.submit_and_follow(&filled(&app, ANN).await.with("name", "Ann")).await;
        assert_eq!(asked.status, StatusCode::TOO_MANY_REQUESTS);
        let form = asked.form("/subscribe");
        assert_eq!((form.value("email"), form.value("name")), (Some(ANN), Some("Ann")));
        let challenge = form.value("challenge").expect("a challenge").to_owned();
        let wrong = visitor.submit_and_follow(&form.clone().with("answer", "1")).await;
        assert_eq!(wrong.status, StatusCode::TOO_MANY_REQUESTS, "{}", wrong.text());
        let done = form.clone().with("answer", &work(&challenge));
        visitor.submit_and_follow(&done).await.says("Check your mail");
        let again = visitor.submit_and_follow(&done.clone().with("email", "bob@example.org").with("use", "bob@example.org")).await;
        assert_eq!(again.status, StatusCode::TOO_MANY_REQUESTS, "it is good once");
        // Without scripts.
        let waits = visitor.submit_and_follow(&filled(&app, "carl@example.org").await).await.form("/subscribe");
        visitor.submit_and_follow(&waits.with("later", "yes")).await.says("Your mail comes later");
        app.drain().await;
        app.last_mail(ANN).link("/confirm/");
        assert_eq!(app.mails("carl@example.org").len(), 0);
        app.desk().await.open("/desk").await.says("asked each browser for some work");
        let told = async || {
            broadside::staff::tell_of_closed(&app.site).await.expect("told");
            app.drain().await;
            app.mails(OWNER.0).iter().filter(|mail| mail.subject.contains("more came at once")).count()
        };
        assert_eq!((told().await, told().await), (1, 1), "one letter");
        app.advance(HOUR);
        app.drain().await;
        app.last_mail("carl@example.org").link("/confirm/");
        assert_eq!(door.ask(&app, "dora@example.org", "192.0.2.9").await.expect("as ever"), Goes::Now);
        app.drain().await;
        for _ in 0..3 {
            app.advance(DAY);
            app.drain().await;
        }
        assert_eq!(app.mails("carl@example.org").len(), 1, "once");
    }

    /// Work that nobody asked for, with a challenge that is too old, of another's or none, is worth nothing.
    async fn work_is_good_for_our_own_challenges_alone(app: TestApp) {
        let door = Door::of(&app).await;
        door.fill(&app).await;
        let old = machines::challenge(&app.site);
        let answer = work(&old);
        for (challenge, answer) in [("", ""), (machines::stamp(&app.site).as_str(), "1"), ("AAAA", work("AAAA").as_str())] {
            let asked = door.try_from(&app, (ANN, ""), "192.0.2.1", Crowd::Worked(challenge, answer)).await;
            assert!(matches!(asked, Err(SubscriberError::Crowded)), "{challenge}: {asked:?}");
        }
        app.advance(HOUR - Duration::from_secs(1));
        let fresh = machines::challenge(&app.site);
        app.advance(Duration::from_secs(1));
        door.fill(&app).await;
        let late = door.try_from(&app, (ANN, ""), "192.0.2.1", Crowd::Worked(&old, &answer)).await;
        assert!(matches!(late, Err(SubscriberError::Crowded)), "{late:?}");
        let asked = door.try_from(&app, (ANN, ""), "192.0.2.1", Crowd::Worked(&fresh, &work(&fresh))).await;
        assert_eq!(asked.expect("it was worked for"), Goes::Now);
        app.drain().await;
    }

    /// A confirmation that comes back counts for three: whoever makes addresses up is stopped after ten.
    async fn confirmations_that_come_back_count_thrice(app: TestApp) {
        app.leaves_work();
        let door = Door::of(&app).await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).reply(550, "5.1.1 nobody of that name"));
        for at in 0..10 {
            door.ask(&app, &format!("nobody@made-up{at}.example"), "198.51.100.7").await.expect("taken");
        }
        app.drain().await;
        subscribers::ask_held_back(&app.site).await.expect("a turn");
        app.advance(Duration::from_secs(16 * 60));
        let asked = door.ask(&app, "nobody@made-up.example", "198.51.100.8").await;
        assert!(matches!(asked, Err(SubscriberError::TooMany(_))), "{asked:?}");
        door.ask(&app, ANN, "192.0.2.1").await.expect("another network");
    }

    /// TRUST A22: who is on the list is told so, with the way to their choices, and once a day at most.
    async fn who_is_on_the_list_gets_a_letter_that_helps(app: TestApp) {
        app.reader(ANN).await;
        app.advance(DAY);
        for _ in 0..3 {
            app.subscribe(ANN).await;
        }
        assert_eq!(app.mails(ANN).len(), 2);
        let mail = app.last_mail(ANN);
        assert!(mail.subject.contains("on the list already") && mail.text.contains("- The digest"), "{}", mail.text);
        assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"), "TRUST M11");
        assert!(mail.header("List-Unsubscribe").is_none(), "TRUST M29");
        app.visitor().open(&mail.link("/preferences/")).await.says("Mail goes to a***@example.org");
        // It has no button to join by: who leaves and asks anew is asked as soon as the day is over.
        let door = Door::of(&app).await;
        let (ann,) = rows::<(i64,)>(&app.site.db, "select id from subscriber").await.remove(0);
        subscribers::leave_by_staff(&app.site, ann, door.list, "asked by phone").await.expect("gone");
        app.subscribe(ANN).await;
        assert_eq!(app.mails(ANN).len(), 2);
        app.advance(DAY);
        app.drain().await;
        press(&app, &app.last_mail(ANN).link("/confirm/")).await;
    }

    /// TRUST A24: who waits for a mail counts for their network like everybody else.
    async fn who_waits_counts_for_their_network(app: TestApp) {
        let door = Door::of(&app).await;
        for at in 0..30 {
            let (email, ip) = (format!("victim{at}@example.org"), format!("198.51.100.{at}"));
            door.try_from(&app, (&email, ""), &ip, Crowd::Waits).await.expect("taken");
        }
        let more = door.try_from(&app, ("victim30@example.org", ""), "198.51.100.200", Crowd::Waits).await;
        assert!(matches!(more, Err(SubscriberError::TooMany(_))), "{more:?}");
        door.try_from(&app, (ANN, ""), "203.0.113.1", Crowd::Waits).await.expect("a reader from elsewhere");
        app.drain().await;
    }

    /// TRUST A24: the name that a stranger typed for an address goes with the stranger's letter, and is nobody's once its owner
    /// signs up under another.
    async fn a_name_that_a_stranger_typed_does_not_stay(app: TestApp) {
        let door = Door::of(&app).await;
        let ask = async |email, name| {
            door.try_from(&app, (email, name), "192.0.2.1", Crowd::Unasked).await.expect("taken");
            app.drain().await;
        };
        ask(ANN, "Rude Name").await;
        let first = app.last_mail(ANN).link("/confirm/");
        assert_eq!(name_of(&app, ANN).await, "", "nobody's name before somebody confirmed");
        app.advance(DAY);
        ask(ANN, "Ann").await;
        press(&app, &app.last_mail(ANN).link("/confirm/")).await;
        press(&app, &first).await;
        assert_eq!(name_of(&app, ANN).await, "", "nobody knows which of the two is hers");

        // On one day there is one letter, and nobody knows whose it is.
        ask("bob@example.org", "Rude Name").await;
        ask("bob@example.org", "Bob").await;
        press(&app, &app.last_mail("bob@example.org").link("/confirm/")).await;
        assert_eq!(name_of(&app, "bob@example.org").await, "");
        // Nor when one of the two typed none.
        ask("cleo@example.org", "Rude Name").await;
        ask("cleo@example.org", "").await;
        press(&app, &app.last_mail("cleo@example.org").link("/confirm/")).await;
        assert_eq!(name_of(&app, "cleo@example.org").await, "");
        // Nor when staff asked them besides.
        ask("emil@example.org", "Rude Name").await;
        let emil = EmailAddress::parse("emil@example.org").expect("an address");
        subscribers::ask_by_staff(&app.site, &door.settings, (&emil, ""), door.list, (None, "a call")).await.expect("asked");
        press(&app, &app.last_mail("emil@example.org").link("/confirm/")).await;
        assert_eq!(name_of(&app, "emil@example.org").await, "");
        // With one name all is as it was typed.
        ask("dora@example.org", "Dora").await;
        press(&app, &app.last_mail("dora@example.org").link("/confirm/")).await;
        assert_eq!(name_of(&app, "dora@example.org").await, "Dora");
    }

    /// An address that nobody confirmed is forgotten after two weeks, with all that was typed for it.
    async fn what_nobody_confirmed_is_forgotten(app: TestApp) {
        let door = Door::of(&app).await;
        door.try_from(&app, (ANN, "Ann"), "192.0.2.1", Crowd::Unasked).await.expect("taken");
        app.reader("bob@example.org").await;
        app.advance(DAY * 14);
        broadside::jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round");
        assert_eq!(rows::<(String,)>(&app.site.db, "select email from subscriber order by email").await.len(), 2, "not yet");
        app.advance(Duration::from_secs(1));
        broadside::jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round");
        let left: Vec<(String,)> = rows(&app.site.db, "select email from subscriber").await;
        assert_eq!(left, [("bob@example.org".to_owned(),)]);
        let typed: Vec<(i64,)> = rows(&app.site.db, "select count(*) from consent_event where action = 'asked'
            union all select count(*) from notice where address = 'ann@example.org'
            union all select count(*) from confirmation_mail").await;
        assert_eq!(typed, [(1,), (0,), (0,)]);
        app.reader(ANN).await;
    }

    /// A domain that looks mistyped is asked about, and never refused.
    async fn a_mistyped_domain_is_asked_about(app: TestApp) {
        let visitor = app.visitor();
        let asked = visitor.submit_and_follow(&filled(&app, "ann@gmial.com").await.with("name", "Ann")).await;
        asked.says("Did you mean ann@gmail.com?");
        assert_eq!(letters(&app).await, 0);
        let form = asked.form("/subscribe");
        // Neither: all but the address is still there.
        let anew = visitor.submit_and_follow(&form.clone().with("anew", "yes")).await.form("/subscribe");
        assert_eq!((anew.value("name"), anew.value("email"), anew.value("consent")), (Some("Ann"), Some(""), Some("yes")));
        for meant in ["ann@gmail.com", "ann@gmial.com"] {
            visitor.submit_and_follow(&form.clone().with("use", meant)).await.says("Check your mail").says(&format!("If we may write to {meant} now"));
            app.drain().await;
            press(&app, &app.last_mail(meant).link("/confirm/")).await;
            assert_eq!(name_of(&app, meant).await, "Ann");
        }
    }

    /// However a keyboard spells it, it is one reader, in whatever script.
    async fn addresses_are_taken_as_people_type_them(app: TestApp) {
        let visitor = app.visitor();
        for (typed, kept) in [
            ("ａｎｎ＠ｅｘａｍｐｌｅ．ｏｒｇ", "ann@example.org"),
            ("o’brien@example。org.", "o'brien@example.org"),
            ("jose\u{301}@example.org", "josé@example.org"),
            ("संपर्क@example.org", "संपर्क@example.org"),
        ] {
            visitor.submit_and_follow(&filled(&app, typed).await).await.says("Check your mail");
            assert_eq!(name_of(&app, kept).await, "", "{typed} is there");
        }
        let sign = visitor.submit_and_follow(&filled(&app, "\u{212a}@example.org").await).await;
        assert_eq!(sign.status, StatusCode::UNPROCESSABLE_ENTITY);
        sign.says("a sign that only looks like it");
        app.leaves_work();
    }

    /// What the team does not write to, and domains at which nobody reads, are told why.
    async fn some_domains_are_refused_with_the_reason(app: TestApp) {
        let desk = app.desk().await;
        let form = desk.open("/desk/settings").await.form("/desk/settings");
        let mistaken = desk.submit(&form.clone().with("blocked_domains", "not a domain")).await;
        mistaken.says("is no domain");
        let form = form.with("blocked_domains", "Spam.example\n@bücher.example").with("refuse_disposable", "yes");
        let saved = desk.submit_and_follow(&form).await.form("/desk/settings");
        assert_eq!(saved.value("blocked_domains").map(str::trim), Some("spam.example\nxn--bcher-kva.example"));
        assert_eq!(saved.value("refuse_disposable"), Some("yes"));
        let visitor = app.visitor();
        for (email, why) in [
            ("ann@spam.example", "We do not write to addresses there"),
            ("ann@mail.spam.example", "We do not write to addresses there"),
            ("ann@bücher.example", "We do not write to addresses there"),
            ("ann@mailinator.com", "made to be thrown away"),
        ] {
            let refused = visitor.submit_and_follow(&filled(&app, email).await).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{email}");
            refused.says(why);
        }
        let mut tx = app.site.db.begin().await.expect("a transaction");
        settings::save(&mut tx, &app.site, None, |settings| settings.refuse_disposable = false).await.expect("saved");
        tx.commit().await.expect("a commit");
        visitor.submit_and_follow(&filled(&app, "ann@mailinator.com").await).await.says("Check your mail");
        app.drain().await;
    }

    /// Where there is a DNS to ask, an address to which no mail can go is refused; where it does not answer, none is.
    async fn a_domain_without_a_mail_server_is_refused(app: TestApp) {
        let server = DnsServer::start().await;
        server.mx("reads.org", 10, "mx.reads.org").a("plain.org", [192, 0, 2, 1]).mx("takes-none.org", 0, ".");
        let lookout = Lookout { dns: server.resolver(), relays: Vec::new(), return_domain: None };
        for (domain, takes) in [("reads.org", true), ("plain.org", true), ("takes-none.org", false), ("nothing.org", false)] {
            assert_eq!(lookout.takes_mail(domain).await, takes, "{domain}");
        }
        let settings = Settings::default();
        let why = async |email: &str| {
            let email = EmailAddress::parse(email).expect("an address");
            subscribers::unwanted(&settings, true, Some(&lookout), &email).await.map(|why| why.to_string())
        };
        for reserved in ["ann@news.example", "ann@a.invalid", "ann@printer.local", "ann@my.test"] {
            assert!(why(reserved).await.is_some_and(|why| why.contains("for trying things out")), "{reserved}");
        }
        assert!(why("ann@nothing.org").await.is_some_and(|why| why.contains("no mail server")));
        assert_eq!(why("ann@reads.org").await, None);
        server.fails(true);
        lookout.dns.forget();
        assert_eq!(why("ann@silent.org").await, None);
        drop(app);
    }

    /// TRUST A24: a form that comes back in a moment, or does not say when it was made, counts for nothing before it was pressed on a
    /// page of ours; a person whose browser fills the address in presses once more. What people do not see stays silent.
    async fn a_form_that_comes_back_in_a_moment_is_asked_once_more(app: TestApp) {
        let service = router(app.bare_pages());
        let words = filled(&app, ANN).await.value("words").expect("the form says what it says").to_owned();
        let send = async |fields: &[(&str, &str)]| {
            let body = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("consent", "yes"), ("from", "subscribe"), ("words", &words)])
                .extend_pairs(fields)
                .finish();
            let peer: SocketAddr = "192.0.2.1:5000".parse().expect("an address");
            let request = Request::post("/subscribe")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ORIGIN, app.site.base_url.origin().ascii_serialization())
                .extension(ConnectInfo(peer));
            let answer = service.clone().oneshot(request.body(Body::from(body)).expect("a request")).await.expect("an answer");
            let location = answer.headers().get(header::LOCATION).map(|to| to.to_str().expect("text").split('?').next().expect("a path").to_owned());
            let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a page");
            (location, String::from_utf8(body.to_vec()).expect("text"))
        };
        let sent = Some("/subscribe/sent".to_owned());
        let made = machines::stamp(&app.site);
        app.advance(Duration::from_millis(1_900));
        let (to, page) = send(&[("email", ANN), ("made", &made), ("name", "Ann")]).await;
        assert_eq!((to, letters(&app).await), (None, 0));
        assert!(page.contains("One more press") && page.contains(&made) && page.contains("value=\"Ann\""), "{page}");
        app.advance(Duration::from_millis(100));
        assert_eq!(send(&[("email", ANN), ("made", &made), ("use", ANN)]).await.0, sent);
        assert_eq!(letters(&app).await, 1);

        let ahead = broadside::site::Site { clock: broadside::clock::Clock::manual(app.site.now().plus(HOUR)), ..app.site.clone() };
        for made in ["", "forged", &machines::challenge(&app.site), &machines::stamp(&ahead)] {
            let (to, page) = send(&[("email", "bob@example.org"), ("made", made)]).await;
            assert!(to.is_none() && page.contains("One more press"), "{made}: {page}");
            let fresh = page.split_once("name=\"made\" value=\"").expect("a stamp").1.split_once('"').expect("its end").0;
            assert_ne!(fresh, made);
            assert!(send(&[("email", "bob@example.org"), ("made", fresh)]).await.0.is_none(), "at once is too soon");
            app.advance(Duration::from_secs(2));
            assert_eq!(send(&[("email", "bob@example.org"), ("made", fresh)]).await.0, sent);
        }
        assert_eq!(letters(&app).await, 2);
        assert_eq!(send(&[("email", "carl@example.org"), ("made", &made), ("website", "x")]).await.0, sent);
        assert_eq!(letters(&app).await, 2, "what no person sees");
        app.drain().await;
    }

    /// TRUST A24: a flood makes us ask a name server no more often than the brake lets sign-ups through, whether the networks are
    /// known or not; and then nobody is refused for what was not asked.
    async fn the_brake_stands_before_the_dns(app: TestApp) {
        let server = DnsServer::start().await;
        let lookout = Lookout { dns: server.resolver(), relays: Vec::new(), return_domain: None };
        let door = Door::of(&app).await;
        let ask = async |email: String, ip: &str| {
            let email = EmailAddress::parse(&email).expect("an address");
            let new = NewSubscription {
                email: &email, name: "", lists: &[door.list], wording: "Yes", answers: "", by: By::source("subscribe"),
                trace: Trace { ip, user_agent: "" }, crowd: Crowd::Nobody, lookout: Some(&lookout),
            };
            subscribers::subscribe(&app.site, &door.settings, new).await
        };
        let mut last = 0;
        for at in 0..25 {
            let asked = ask(format!("ann@nothing{at}.org"), "198.51.100.7").await;
            if at < 20 {
                assert!(matches!(asked, Err(SubscriberError::Unwanted(_))), "{asked:?}");
                last = server.asked();
            } else {
                assert!(matches!(asked, Err(SubscriberError::TooMany(_))), "{asked:?}");
            }
        }
        assert_eq!(server.asked(), last, "who is held asks nobody");
        let mut taken = 0;
        for at in 0..620 {
            match ask(format!("ann@none{at}.org"), "").await {
                Err(SubscriberError::Unwanted(_)) => last = server.asked(),
                asked => {
                    asked.expect("nothing speaks against it");
                    taken += 1;
                }
            }
        }
        assert_eq!((taken, server.asked()), (20, last));
        app.leaves_work();
    }

    /// TRUST A22: what a network has left tells nothing of addresses: an asking counts, whether a letter comes of it or not.
    async fn askings_count_whether_a_letter_goes_or_not(app: TestApp) {
        let door = Door::of(&app).await;
        app.reader("known@example.org").await;
        for (net, email) in [("198.51.100", "known@example.org"), ("203.0.113", ANN)] {
            for at in 0..30 {
                let asked = door.ask(&app, email, &format!("{net}.{at}")).await;
                assert_eq!(asked.expect("taken"), Goes::Now);
            }
            let more = door.ask(&app, "bob@example.org", &format!("{net}.200")).await;
            assert!(matches!(more, Err(SubscriberError::TooMany(_))), "{net}: {more:?}");
            app.advance(HOUR);
        }
        app.drain().await;
    }

    /// TRUST A24: of the places for who waits no provider of networks has more than its share, and no domain, however many networks it asks
    /// from: a reader from elsewhere has one.
    async fn nobody_takes_all_the_places_of_who_waits(app: TestApp) {
        let door = Door::of(&app).await;
        door.fill(&app).await;
        let wait = async |email: &str, ip: &str| door.try_from(&app, (email, ""), ip, Crowd::Waits).await;
        for at in 0..150 {
            let (email, ip) = (format!("victim@town{at}.example.com"), format!("84.22.{at}.7"));
            assert_eq!(wait(&email, &ip).await.expect("taken"), Goes::Later, "{at}");
        }
        let more = wait("victim@town.example.com", "84.22.200.7").await;
        assert!(matches!(more, Err(SubscriberError::TooMany(_))), "{more:?}");
        assert_eq!(wait(ANN, "84.23.0.1").await.expect("taken"), Goes::Later, "from elsewhere");
        for at in 0..100 {
            let (email, ip) = (format!("victim{at}@one.example.com"), format!("85.{at}.1.7"));
            assert_eq!(wait(&email, &ip).await.expect("taken"), Goes::Later, "{at}");
        }
        let more = wait("victim@one.example.com", "86.1.1.7").await;
        assert!(matches!(more, Err(SubscriberError::TooMany(_))), "{more:?}");
        assert_eq!(wait("bob@example.org", "86.1.1.7").await.expect("taken"), Goes::Later, "at another domain");
        app.leaves_work();
    }

    /// TRUST A24: whoever works for it goes on at once, and yet keeps nobody waiting who cannot.
    async fn who_works_does_not_starve_who_waits(app: TestApp) {
        let door = Door::of(&app).await;
        door.fill(&app).await;
        assert_eq!(door.try_from(&app, ("carl@example.org", ""), "192.0.2.1", Crowd::Waits).await.expect("taken"), Goes::Later);
        app.advance(HOUR);
        for at in 0..300 {
            let (email, ip) = (format!("worker{at}@example.org"), format!("203.0.{}.1", at % 250));
            assert_eq!(door.try_from(&app, (&email, ""), &ip, Crowd::Nobody).await.expect("taken"), Goes::Now);
        }
        app.drain().await;
        app.last_mail("carl@example.org").link("/confirm/");
    }
}

/// TRUST A24: the figure of the issue itself, for docs/benchmarks.md.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes without optimisation"]
async fn ten_thousand_sign_ups_for_one_victim_are_one_letter() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(db) = TestDb::migrated(engine).await else { continue };
        let app = TestApp::start(db).await;
        app.leaves_work();
        let began = Stopwatch::start();
        sign_up_one_victim(&app, 10_000).await;
        println!("{engine:?}: 10,000 sign-ups for one victim took {:.1?}", began.elapsed());
        app.finish().await;
    }
}

/// The page works by itself in a browser, and its button for whoever has no scripts is there; so is the question about an address.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_does_the_work_by_itself() {
    let Some(db) = TestDb::migrated(broadside::db::Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    Door::of(&app).await.fill(&app).await;
    browser.goto(&app.url("/subscribe")).await;
    browser.fill("Your email address", "ann@gmial.com").await;
    browser.tick("Yes, send me The Lamplighter by email").await;
    browser.element("main form button").await.click().await.expect("a button");
    browser.wait_for_text("Did you mean ann@gmail.com?").await;
    browser.sound("subscribe-meant").await;
    browser.click("ann@gmail.com").await;
    browser.wait_for_text("Check your mail").await;
    app.drain().await;
    app.last_mail("ann@gmail.com").link("/confirm/");
    // Where no script runs, the page waits for its reader.
    browser.without(".js").await;
    browser.goto(&app.url("/subscribe")).await;
    browser.fill("Your email address", "bob@example.org").await;
    browser.tick("Yes, send me The Lamplighter by email").await;
    browser.element("main form button").await.click().await.expect("a button");
    browser.wait_for_text("More people than usual").await;
    browser.sound("subscribe-work").await;
    browser.close().await;
    app.finish().await;
}
