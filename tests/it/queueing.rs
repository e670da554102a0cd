//! What waits for its turn: done once by several processes, found again after a kill, given up by the rules, and told.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use broadside::{
    articles, audit_log,
    db::{Db, Engine, Migrations, Result},
    donations,
    editions::{self, Cause},
    email_address::EmailAddress,
    jobs, publishing,
    queue::{self, Came, Due, Happened, NEWS, News, Queue, Work, Worked},
    site::Site,
    staff::{self, Incoming, NewMember, PasswordCost, Role},
};
use tokio::sync::Notify;

use crate::support::{TestApp, app::OWNER, both_engines, database, database::change};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
const TESS: &str = "tess@example.org";

/// Work that stops between claim and done until it may go on, and then does what it is told.
#[derive(Default)]
struct Stops {
    begun: AtomicU64,
    has_begun: Notify,
    may_go_on: Notify,
    fails: bool,
}

impl Stops {
    /// Work that never waits.
    fn runs() -> Self {
        let one = Self::default();
        one.may_go_on.notify_one();
        one
    }
}

impl Work for Stops {
    type What = Happened;

    fn queue(&self) -> &'static Queue {
        &NEWS
    }

    async fn work(&self, site: &Site, due: &Due<Happened>) -> Result<Came> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.has_begun.notify_one();
        self.may_go_on.notified().await;
        if self.fails {
            return Ok(Came::Later("too late to say so".to_owned()));
        }
        let mut tx = site.db.begin().await?;
        if queue::news_told(&mut tx, due, site.now()).await? {
            tx.commit().await?;
        }
        Ok(Came::Done)
    }
}

/// Work that fails, and takes longer than until it may be tried again.
struct Slow<'a> {
    app: &'a TestApp,
    begun: AtomicU64,
}

impl Work for Slow<'_> {
    type What = Happened;

    fn queue(&self) -> &'static Queue {
        &NEWS
    }

    async fn work(&self, _: &Site, _: &Due<Happened>) -> Result<Came> {
        self.app.advance(20 * MINUTE);
        let is_endless = self.begun.fetch_add(1, Ordering::SeqCst) > 9;
        Ok(if is_endless { Came::Done } else { Came::Later("not yet".to_owned()) })
    }
}

async fn something_happens(app: &TestApp) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    queue::add_news(&mut tx, app.site.now(), News::EditionPaused, "a test").await.expect("a row");
    tx.commit().await.expect("a commit");
}

/// The same house, as another process has it open.
async fn another(app: &TestApp) -> Site {
    Site { db: database::open(&app.database_url).await, ..app.site.clone() }
}

async fn work(site: &Site, work: &Stops) -> Worked {
    queue::work(site, work).await.expect("a round")
}

/// Attempts, why it failed, and whether it is over.
async fn state(db: &Db) -> (i64, String, bool) {
    let row = "select attempts, coalesce(last_error, ''), told_at is not null from news";
    database::rows::<(i64, String, bool)>(db, row).await.remove(0)
}

async fn treasurer(app: &TestApp) {
    let email = EmailAddress::parse(TESS).expect("an address");
    let new = NewMember { name: "Tess", email: &email, role: Role::Treasurer };
    let invitation = staff::add_member(&app.site, None, new).await.expect("a treasurer");
    let link = invitation.path.rsplit('/').next().expect("a token");
    let from = Incoming::at_the_terminal(PasswordCost::CHEAP);
    staff::join(&app.site, &from, link, "a lamp for every street").await.expect("joined");
}

/// An event about something that the provider does not know.
async fn event_of_nothing(app: &TestApp) {
    change(&app.site.db, "insert into provider_event (event_id, type, object_id, source, payload, state, attempts, created_at, received_at, next_at)
        select 'evt_' || count(*), 'checkout.session.completed', 'cs_of_nothing', 'webhook', '', 'new', 0, 0, 0, 0 from provider_event").await;
}

async fn process_inbox(app: &TestApp) -> donations::InboxWorked {
    donations::process_inbox(&app.site, app.payments.provider.as_ref()).await.expect("a round")
}

/// Gives up every event that waits, by the rules.
async fn give_up(app: &TestApp) {
    event_of_nothing(app).await;
    for _ in 0..15 {
        process_inbox(app).await;
        app.advance(43 * MINUTE);
    }
}

async fn letters(app: &TestApp, to: &str) -> usize {
    jobs::tell_news(&app.site).await.expect("a round");
    app.drain().await;
    app.mails(to).iter().filter(|mail| mail.subject.contains("could not be applied")).count()
}

both_engines! {
    /// TRUST D1: whoever claims it does it, and nobody else meanwhile.
    async fn two_processes_do_one_thing_once(app: TestApp) {
        let two = another(&app).await;
        something_happens(&app).await;
        let (slow, quick) = (Stops::default(), Stops::runs());
        let (one, two_did) = tokio::join!(work(&app.site, &slow), async {
            slow.has_begun.notified().await;
            let did = work(&two, &quick).await;
            slow.may_go_on.notify_one();
            did
        });
        assert_eq!(two_did, Worked::default());
        assert_eq!((one.done, quick.begun.load(Ordering::SeqCst)), (1, 0));
        assert_eq!(state(&app.site.db).await, (1, String::new(), true));
        two.db.close().await;
    }

    /// TRUST D6: killed between claim and done, it is nobody's until the lease is over, and then whoever's comes first.
    async fn what_a_killed_process_had_comes_again_after_the_lease(app: TestApp) {
        something_happens(&app).await;
        let killed = tokio::spawn({
            let site = another(&app).await;
            async move { work(&site, &Stops::default()).await }
        });
        while state(&app.site.db).await.0 == 0 {
            tokio::task::yield_now().await;
        }
        killed.abort();
        assert!(killed.await.is_err_and(|error| error.is_cancelled()));
        let next = Stops::runs();
        assert_eq!(work(&app.site, &next).await, Worked::default(), "it may still be at it");
        app.advance(MINUTE);
        assert_eq!(work(&app.site, &next).await.done, 1);
        assert_eq!(state(&app.site.db).await, (2, String::new(), true));
    }

    /// Whoever was away for longer than the lease has lost the claim: it neither ends nor puts back what another has.
    async fn who_lost_the_claim_writes_nothing_down(app: TestApp) {
        let two = another(&app).await;
        for fails in [false, true] {
            something_happens(&app).await;
            let (slow, second) = (Stops { fails, ..Stops::default() }, Stops::default());
            tokio::join!(work(&app.site, &slow), async {
                slow.has_begun.notified().await;
                app.advance(MINUTE);
                tokio::join!(work(&two, &second), async {
                    second.has_begun.notified().await;
                    let before = state(&app.site.db).await;
                    slow.may_go_on.notify_one();
                    // Its round ends when nothing is due any more; the other is still at it.
                    while slow.begun.load(Ordering::SeqCst) == 0 {
                        tokio::task::yield_now().await;
                    }
                    assert_eq!((before.0, before.2), (2, false));
                    second.may_go_on.notify_one();
                });
            });
            assert_eq!(state(&app.site.db).await, (2, String::new(), true));
        }
        two.db.close().await;
    }

    /// TRUST D9: tried by the rules and no sooner; then given up, and the treasurer hears of it: of all of them by one letter a day.
    async fn what_is_given_up_is_told_the_treasurer_once(app: TestApp) {
        treasurer(&app).await;
        event_of_nothing(&app).await;
        let mut gap = Duration::from_secs(10);
        for tries in 1..15 {
            assert_eq!(process_inbox(&app).await.failed, 1, "try {tries}");
            app.advance(gap - Duration::from_secs(1));
            assert_eq!(process_inbox(&app).await.failed, 0, "no sooner");
            app.advance(Duration::from_secs(1));
            gap = (gap * 2).min(Duration::from_secs(2_560));
        }
        assert_eq!(jobs::tell_news(&app.site).await.expect("a round"), 0, "it is still tried");
        assert_eq!(process_inbox(&app).await.failed, 1);
        app.advance(30 * DAY);
        assert_eq!(process_inbox(&app).await.failed, 0, "it is given up");
        assert_eq!(letters(&app, TESS).await, 1);
        assert_eq!(letters(&app, TESS).await, 1, "once is enough");
        give_up(&app).await;
        give_up(&app).await;
        assert_eq!(letters(&app, TESS).await, 1, "the next letter is tomorrow's");
        app.advance(DAY);
        assert_eq!(letters(&app, TESS).await, 2);
        let mail = app.last_mail(TESS);
        assert!(mail.subject.contains("3 messages of the payment service could not be applied"), "{}", mail.subject);
        assert_eq!(app.mails(OWNER.0).len(), 0, "there is a treasurer");
        app.leaves_work();
    }

    /// Where there is no treasurer the owners hear of it; and nobody of what is no longer so.
    async fn owners_stand_in_for_a_treasurer_and_hear_nothing_that_is_over(app: TestApp) {
        give_up(&app).await;
        let desk = app.desk().await;
        let page = desk.open("/desk/donations").await;
        desk.submit(&page.form("/away")).await;
        assert_eq!(letters(&app, OWNER.0).await, 0, "somebody has seen it");
        give_up(&app).await;
        assert_eq!(letters(&app, OWNER.0).await, 0, "there was word of it today, which was not needed");
        app.advance(DAY);
        assert_eq!(letters(&app, OWNER.0).await, 1);
        app.leaves_work();
    }

    /// What was given up is shown to the owner with what it means, is tried again by a press, and the press is on record.
    async fn what_was_given_up_is_tried_again_from_the_desk(app: TestApp) {
        give_up(&app).await;
        let screen = jobs::screen(&app.site.db, app.site.now()).await.expect("a look");
        assert!(screen.is_bad());
        let events = screen.queues.iter().find(|line| line.rules.name == "provider-events").expect("a line");
        assert_eq!((events.figures.given_up, events.figures.waiting, events.items.len()), (1, 0, 1));
        let desk = app.desk().await;
        let page = desk.open("/desk/jobs").await;
        page.says("1 given up").says("A gift may not be counted").says("evt_0");
        let done = desk.submit_and_follow(&page.form("/desk/jobs/again")).await;
        done.says("It is tried again within a minute");
        let row = "select state, attempts from provider_event";
        assert_eq!(database::rows::<(String, i64)>(&app.site.db, row).await, [("new".to_owned(), 0)]);
        let lines = audit_log::latest(&app.site.db, 20).await.expect("a read");
        assert!(lines.iter().any(|line| line.action == "had tried again" && line.subject == "event evt_0"));
        assert_eq!(process_inbox(&app).await.failed, 1);
        desk.open("/desk/jobs").await.says("1 did not work and will be tried again");
        // Once more, on a page that was left open: it is not one of those any more.
        let late = desk.submit(&page.form("/desk/jobs/again")).await;
        late.says("Somebody else has tried it again");
        assert_eq!(late.status, 409);
        app.leaves_work();
    }

    /// What fails in a round is for another one, however long this one takes: what waits behind it has its turn.
    async fn a_round_ends_though_the_work_takes_longer_than_the_gaps(app: TestApp) {
        something_happens(&app).await;
        let slow = Slow { app: &app, begun: AtomicU64::new(0) };
        let came = queue::work(&app.site, &slow).await.expect("a round");
        assert_eq!((came, slow.begun.load(Ordering::SeqCst)), (Worked { later: 1, ..Worked::default() }, 1));
        app.leaves_work();
    }

    /// However many newer ones still fail, what was given up is told, and is on the screen.
    async fn what_was_given_up_is_not_hidden_by_what_fails(app: TestApp) {
        give_up(&app).await;
        change(&app.site.db, "insert into provider_event (event_id, type, object_id, source, payload, state, attempts, created_at, received_at, next_at, last_error)
            select 'evt_late_' || a.n || b.n || c.n || d.n, 'checkout.session.completed', 'cs', 'webhook', '', 'new', 1, p.received_at + 1, p.received_at + 1, p.next_at + 43200000000, 'away'
            from provider_event p, (select 1 as n union all select 2 union all select 3) a, (select 1 as n union all select 2 union all select 3) b,
                (select 1 as n union all select 2 union all select 3) c, (select 1 as n union all select 2 union all select 3) d").await;
        jobs::tell_news(&app.site).await.expect("a round");
        app.send().await;
        let told = app.mails(OWNER.0).iter().filter(|mail| mail.subject.contains("could not be applied")).count();
        assert_eq!(told, 1);
        app.desk().await.open("/desk/jobs").await.says("1 given up").says("evt_0");
        app.leaves_work();
    }

    /// A feed that fails is asked for ever, and at once when somebody says so.
    async fn a_feed_that_fails_is_asked_again_from_the_desk(app: TestApp) {
        // Owners are to be told.
        app.leaves_work();
        let fetcher = articles::Fetcher::new(true).expect("a fetcher");
        articles::add_feed(&app.site, &fetcher, "http://127.0.0.1:1/feed.xml", articles::FeedArrives::Published).await.expect("a feed");
        let poll = async || articles::poll_due(&app.site, &fetcher).await.expect("a round");
        for _ in 0..20 {
            assert_eq!(poll().await, Worked { later: 1, ..Worked::default() });
            assert_eq!(poll().await, Worked::default());
            app.advance(DAY);
        }
        poll().await;
        let desk = app.desk().await;
        let page = desk.open("/desk/jobs").await;
        page.says("1 did not work").says("http://127.0.0.1:1/feed.xml").says("tried 21 times");
        desk.submit_and_follow(&page.form("/desk/jobs/again")).await.says("within a minute");
        assert_eq!(poll().await.later, 1);
        let lines = audit_log::latest(&app.site.db, 20).await.expect("a read");
        assert!(lines.iter().any(|line| line.action == "had a feed asked again"));
    }

    /// A feed that has failed for a day is told an owner, and again while it goes on, but not each day; and not what works again.
    async fn a_feed_that_fails_for_a_day_is_told(app: TestApp) {
        let fetcher = articles::Fetcher::new(true).expect("a fetcher");
        articles::add_feed(&app.site, &fetcher, "http://127.0.0.1:1/feed.xml", articles::FeedArrives::Published).await.expect("a feed");
        let fail = async || {
            app.advance(DAY);
            assert_eq!(articles::poll_due(&app.site, &fetcher).await.expect("a round").later, 1);
        };
        let told = async || {
            jobs::tell_news(&app.site).await.expect("a round");
            app.send().await;
            app.mails(OWNER.0).iter().filter(|mail| mail.subject.contains("1 feed could not be read")).count()
        };
        fail().await;
        change(&app.site.db, "update feed set attempts = 6").await;
        fail().await;
        assert_eq!(told().await, 0, "not yet a day");
        fail().await;
        assert_eq!(told().await, 1);
        let text = app.last_mail(OWNER.0).text;
        assert!(text.contains("goes on being tried") && text.contains("a week") && text.contains("/desk/jobs"), "{text}");
        fail().await;
        assert_eq!(told().await, 1, "once a week");
        app.advance(7 * DAY);
        fail().await;
        assert_eq!(told().await, 2, "it goes on");
        fail().await;
        change(&app.site.db, "update feed set attempts = 0, last_error = null").await;
        app.advance(7 * DAY);
        assert_eq!(told().await, 2, "it works again");
    }

    /// A turn that is far away was written by a clock that was wrong, and is now.
    async fn a_turn_that_a_wrong_clock_wrote_is_not_waited_for(app: TestApp) {
        event_of_nothing(&app).await;
        app.advance(400 * DAY);
        process_inbox(&app).await;
        change(&app.site.db, "update provider_event set next_at = next_at + 400 * 86400000000").await;
        assert_eq!(process_inbox(&app).await.failed, 1);
        app.leaves_work();
    }

    /// TRUST M23: of a pause people hear once, with its own words; of one that is over, never; and one that comes while the letter
    /// about the last is written is told too.
    async fn a_pause_is_told_once_and_never_when_it_is_over(app: TestApp) {
        app.readers(2).await;
        let edition = app.seal_edition("Stopped").await;
        let public_id = publishing::load(&app.site.db, edition).await.expect("the edition").public_id;
        let pause = async |why: &str| {
            let mut tx = app.site.db.begin().await.expect("a transaction");
            assert!(editions::pause_because(&mut tx, &app.site, edition, why, Cause::NoCopies).await.expect("a write"));
            tx.commit().await.expect("a commit");
        };
        let told = async || {
            jobs::tell_news(&app.site).await.expect("a round");
            let letters = "select count(*) from notice where template = 'edition_paused'";
            database::rows::<(i64,)>(&app.site.db, letters).await[0].0
        };
        pause("nobody likes it").await;
        app.resume(&public_id).await;
        assert_eq!(told().await, 0, "it goes on");
        app.advance(MINUTE);
        pause("the first words").await;
        // The letter about it is just being written when it goes on and stops once more.
        let slow = Stops::default();
        tokio::join!(work(&app.site, &slow), async {
            slow.has_begun.notified().await;
            app.resume(&public_id).await;
            app.advance(MINUTE / 2);
            pause("the second words").await;
            slow.may_go_on.notify_one();
        });
        app.advance(MINUTE);
        assert_eq!(told().await, 1);
        assert_eq!(told().await, 1, "once is enough");
        app.drain().await;
        assert!(app.last_mail(OWNER.0).text.contains("the second words"));
        app.leaves_work();
    }

    /// What nobody had been told of by the program before is told by this one; a pause that was over is not.
    async fn what_was_untold_at_the_upgrade_is_told(app: TestApp) {
        let flag = match app.site.db.engine() {
            Engine::Sqlite => "alter table edition add column pause_untold integer not null default 0",
            Engine::Postgres => "alter table edition add column pause_untold boolean not null default false",
        };
        for back in ["drop table news", "drop table job_turns", "drop index feed_next_at_idx", "alter table feed drop column attempts",
            "alter table feed drop column next_at", flag, "delete from _sqlx_migrations where version = 41"] {
            change(&app.site.db, back).await;
        }
        for row in [
            "insert into edition (public_id, digest_id, list_id, state, revision, unknown_policy, created_at, updated_at, paused_because, pause_untold)
                    select 'waits', id, list_id, 'paused', 1, 'resend', 0, 0, 'too many refusals', true from digest limit 1",
            "insert into edition (public_id, digest_id, list_id, state, revision, unknown_policy, created_at, updated_at, paused_because, pause_untold)
                    select 'over', id, list_id, 'cancelled', 1, 'resend', 0, 0, 'too many refusals', true from digest limit 1",
        ] {
            change(&app.site.db, row).await;
        }
        change(&app.site.db, "insert into edition_revision (edition_id, revision, subject, preview_text, intro_markdown, created_at)
            select id, 1, public_id, '', '', 0 from edition").await;
        change(&app.site.db, "insert into provider_event (event_id, type, object_id, source, payload, state, attempts, last_error, created_at, received_at, next_at)
            values ('evt_old', 'invoice.paid', 'in_1', 'poll', '', 'dead', 15, 'no such invoice', 0, 0, 0)").await;
        Migrations::apply(&app.site.db).await.expect("the upgrade");
        jobs::tell_news(&app.site).await.expect("a round");
        app.drain().await;
        let mut subjects: Vec<String> = app.mails(OWNER.0).into_iter().map(|mail| mail.subject).collect();
        subjects.sort();
        assert_eq!(subjects.len(), 2, "{subjects:?}");
        assert!(subjects.iter().any(|subject| subject.contains("1 message of the payment service")), "{subjects:?}");
        assert!(subjects.iter().any(|subject| subject.contains("waits")), "{subjects:?}");
        app.leaves_work();
    }

    /// After a step back of the version: what only the newer one knows is no trouble, nobody looks at it, and it waits for that one.
    async fn news_of_a_newer_version_waits_for_it(app: TestApp) {
        let newer = "insert into news (key, kind, subject, at, attempts, next_at) values ('stamp-lost:1', 'stamp-lost', '1', 0, 0, 0)";
        change(&app.site.db, newer).await;
        for _ in 0..3 {
            assert_eq!(jobs::tell_news(&app.site).await.expect("a round"), 0);
            app.advance(10 * MINUTE);
        }
        let row = "select attempts, next_at, coalesce(last_error, '') from news where told_at is null";
        assert_eq!(database::rows::<(i64, i64, String)>(&app.site.db, row).await, [(0, 0, String::new())]);
        let figures = NEWS.figures(&app.site.db, app.site.now()).await.expect("the figures");
        assert_eq!((figures.waiting, figures.failing), (0, 0));
    }
}

both_engines! {
    /// On a house where nothing ever happened everything is in order, but that nobody runs it.
    async fn the_screen_of_a_house_that_nobody_runs_says_so(app: TestApp) {
        let screen = jobs::screen(&app.site.db, app.site.now()).await.expect("a look");
        assert!(!screen.somebody_runs && screen.is_bad());
        assert!(screen.queues.iter().all(|line| line.figures.given_up + line.figures.waiting == 0));
        app.desk().await.open("/desk/jobs").await.says("No part of the program has said");
    }
}
