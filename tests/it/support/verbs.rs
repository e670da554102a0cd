//! What tests do with an instance, in the words of the house.

use std::time::Duration;

use broadside::{
    articles::{self, Fetcher},
    delivery::{self, CopyId, CopyLinks, CopyNames, Engine, EngineOptions},
    donations,
    email_address::EmailAddress,
    jobs::{self, Jobs, Turns, Waits},
    meters::Meters,
    origin::FormerNames,
    publishing::{self, Block, Content, Edition},
    queue::{self, Figures},
    relays::RelayOptions,
    settings::Settings,
    subscribers::{self, Basis, By, Crowd, NewSubscription, Trace, consent, lists},
    tasks::Breaks,
};

use super::{TestApp, mail::Mail};

impl TestApp {
    /// Does everything that is due at this moment, in every job and every queue, until nothing is.
    pub async fn drain(&self) {
        let jobs = self.jobs();
        for _ in 0..20 {
            // As a task of its own, as in the program: so it is found where one asks the pool inside a transaction.
            let turn = jobs.clone();
            tokio::spawn(async move { turn.run_all_once().await }).await.expect("the jobs run");
            self.send().await;
            let delivered = self.sandbox.stripe().wait_until_delivered(Duration::from_secs(20)).await;
            assert!(delivered, "the provider's events did not arrive");
            if !self.queues().await.iter().any(|(_, figures)| figures.waiting > figures.failing) {
                return;
            }
        }
        panic!("the queues never ran empty");
    }

    /// Takes in what the payment provider says, and nothing else.
    pub async fn hear_the_provider(&self) {
        let delivered = self.sandbox.stripe().wait_until_delivered(Duration::from_secs(20)).await;
        assert!(delivered, "the provider's events did not arrive");
        let worked = donations::process_inbox(&self.site, self.payments.provider.as_ref()).await;
        worked.expect("the inbox is worked on");
    }

    /// How the queues are doing that can run empty: a feed is asked for ever.
    pub async fn queues(&self) -> Vec<(&'static str, Figures)> {
        let screen = jobs::screen(&self.site.db, self.site.now()).await.expect("the jobs can be looked at");
        let queues = screen.queues.into_iter().map(|queue| (queue.rules.name, queue.figures));
        queues.filter(|(name, _)| *name != queue::FEEDS.name).collect()
    }

    /// What runs by the clock, as after a start of the process.
    pub fn jobs(&self) -> Jobs {
        Jobs {
            site: self.site.clone(),
            templates: self.templates.clone(),
            payments: Some(self.payments.provider.clone()),
            // The servers of tests are on this machine, which feeds may otherwise not be read from.
            fetcher: Fetcher::new(true).expect("a fetcher"),
            lookout: None,
            doctor: None,
            bounce_maildir: None,
            bounce_mailbox: None,
            positions: None,
            former: FormerNames::default(),
            place: "one".into(),
            waits: Waits::default(),
            breaks: Breaks::default(),
            meters: Meters::default(),
            turns: Turns::default(),
        }
    }

    /// Sends what is due, and nothing else.
    pub async fn send(&self) {
        let sent = Engine::run_until_idle(self.site.clone(), self.templates.clone(), self.engine(4)).await;
        sent.expect("the engine starts");
    }

    /// An engine of so many connections to the sandbox.
    pub fn engine(&self, connections: usize) -> EngineOptions {
        EngineOptions::new(vec![RelayOptions::unlimited(self.relay.clone(), connections)])
    }

    /// What the form to subscribe has that is no question, as it is posted. It was made long ago for whoever has the time of now.
    pub async fn marks_of_the_form(&self) -> String {
        let form = self.visitor().open("/subscribe").await.form("/subscribe");
        let mark = |name| format!("{name}={}", form.value(name).expect("the form has it"));
        ["from", "made", "words"].map(mark).join("&")
    }

    /// The number of the list.
    pub async fn list(&self) -> i64 {
        let all = lists::all(&self.site.db).await.expect("the lists can be read");
        all.first().expect("every magazine has one").id
    }

    /// The links in a reader's copy of an edition, by their rows.
    pub async fn links(&self, edition: i64, reader: i64) -> CopyLinks {
        CopyLinks::new(&self.site, &self.names(edition, reader).await)
    }

    /// Who has that address.
    pub async fn reader_row(&self, email: &str) -> i64 {
        let email = EmailAddress::parse(email).expect("an address");
        subscribers::by_email(&self.site.db, &email).await.expect("a read").expect("a reader").id
    }

    /// How a reader's copy of an edition is named.
    pub async fn names(&self, edition: i64, reader: i64) -> CopyNames<'static> {
        let copy = CopyId { edition, subscriber: reader };
        let names = delivery::names_of_copy(&self.site, copy).await.expect("the names can be read");
        names.expect("there are such an edition and reader")
    }

    /// Somebody asks for the list, and gets the mail that asks them to confirm.
    pub async fn subscribe(&self, email: &str) {
        self.subscribe_only(email).await;
        self.drain().await;
    }

    /// The same, while somebody else sees to the mail.
    pub async fn subscribe_only(&self, email: &str) {
        let settings = Settings::load(&self.site.db).await.expect("the settings can be read");
        let address = EmailAddress::parse(email).expect("an address");
        let new = NewSubscription {
            email: &address,
            name: "",
            lists: &[self.list().await],
            wording: &consent::wording(&settings.magazine_name),
            answers: "",
            by: By::source("a test"),
            lookout: None,
            trace: Trace { ip: "192.0.2.7", user_agent: "a test" },
            crowd: Crowd::Unasked,
        };
        subscribers::subscribe(&self.site, &settings, new).await.expect("the request is taken");
    }

    /// A reader who has asked and confirmed, by the link in their mail.
    pub async fn reader(&self, email: &str) {
        self.subscribe(email).await;
        let link = self.last_mail(email).link("/confirm/");
        let token = link.rsplit('/').next().expect("a link has an end");
        subscribers::confirm(&self.site, token, &[], Trace::default()).await.expect("the link is good");
        self.drain().await;
    }

    /// So many readers, `reader1@example.org` and on, whom staff added.
    pub async fn readers(&self, count: usize) {
        let list = self.list().await;
        for number in 1..=count {
            let address = EmailAddress::parse(&format!("reader{number}@example.org")).expect("an address");
            let name = format!("Reader {number}");
            let added = subscribers::add_by_staff(&self.site, &address, &name, list, "a test").await;
            added.expect("staff may add readers");
        }
    }

    /// The articles of the sample magazine.
    pub async fn articles(&self) -> Vec<articles::Article> {
        let bytes = articles::SAMPLE_FEED.to_vec();
        articles::import_bytes(&self.site, bytes).await.expect("the sample feed is in order");
        articles::latest(&self.site, 100).await.expect("the articles can be read")
    }

    /// A draft with articles, ready to be sent.
    pub async fn draft(&self, subject: &str) -> Edition {
        let articles = self.articles().await;
        let digest = publishing::digests(&self.site.db).await.expect("the digests can be read").remove(0);
        let (id, _) = publishing::create_draft(&self.site, digest.id, None).await.expect("a draft");
        let content = Content {
            subject: subject.to_owned(),
            preview_text: "What is new".to_owned(),
            intro_markdown: "Good morning.".to_owned(),
            blocks: Block::row(articles.iter().take(3).map(|article| article.id)),
            topic_ids: Vec::new(),
            rhythm: None,
            only_segment: None,
            except_segment: None,
        };
        publishing::save_revision(&self.site, id, 1, content, None).await.expect("a draft takes content");
        publishing::load(&self.site.db, id).await.expect("the draft is there")
    }

    /// Presses Send, lets the minute to undo pass, and sends everything. Returns the edition's number.
    pub async fn send_edition(&self, subject: &str) -> i64 {
        let edition = self.seal_edition(subject).await;
        self.drain().await;
        edition
    }

    /// As [`TestApp::send_edition`], up to the moment when copies may be sent. Returns the edition's number.
    pub async fn seal_edition(&self, subject: &str) -> i64 {
        let draft = self.draft(subject).await;
        self.seal_draft(&draft).await;
        draft.id
    }

    /// The same of a draft.
    pub async fn seal_draft(&self, draft: &Edition) {
        let pressed =
            publishing::press_send(&self.site, &self.templates, draft.id, draft.revision, None, None);
        pressed.await.expect("nothing is in the way");
        self.advance(publishing::UNDO + Duration::from_secs(1));
        let sealed = publishing::seal_due(&self.site, &self.templates).await.expect("what is due is sealed");
        assert_eq!(sealed, 1, "the edition is locked");
    }

    /// Somebody looks at an edition that is stopped, and lets it go on.
    pub async fn resume(&self, public_id: &str) {
        let edition = publishing::find(&self.site.db, public_id).await.expect("the edition is there");
        let settings = Settings::load(&self.site.db).await.expect("the settings can be read");
        let fingerprint =
            publishing::fingerprint(&self.site, &settings, &edition).await.expect("it can be read");
        let seen = publishing::SeenEdition { version: &edition.version(), fingerprint: &fingerprint };
        let resumed = publishing::resume(&self.site, &self.templates, public_id, seen, None).await;
        resumed.expect("it was stopped");
    }

    /// So many readers, `reader1@example.org` and on, from a file: for more than a few.
    pub async fn import_readers(&self, count: usize) {
        self.more_readers(0, count).await;
    }

    /// More of them, after those with the numbers up to `before`, until there are `count`.
    pub async fn more_readers(&self, before: usize, count: usize) {
        let rows: String =
            (before + 1..=count).map(|n| format!("reader{n}@example.org,Reader {n}\n")).collect();
        let basis = Basis { basis: "consent".to_owned(), source: "a test".to_owned() };
        let file = format!("email,name\n{rows}");
        let report = subscribers::import(&self.site, file.as_bytes(), self.list().await, &basis).await;
        assert_eq!(report.expect("the file is in order").added, (count - before) as u64);
    }

    /// Gives through the donation page and the provider's checkout; `every` is `once` or `month`.
    pub async fn give(&self, email: &str, amount: &str, every: &str) {
        let session = self.begin_to_give(email, amount, every).await;
        self.sandbox.stripe().pay(&session, email).expect("the session is open");
        self.drain().await;
    }

    /// Fills in the donation page; returns the checkout session that it leads to.
    pub async fn begin_to_give(&self, email: &str, amount: &str, every: &str) -> String {
        let visitor = self.visitor();
        let form = visitor.open("/donate").await.form("/donate");
        let form = form.with("own_amount", amount).with("every", every).with("email", email);
        let checkout = visitor.submit(&form).await;
        let url = checkout.leads_to().unwrap_or_else(|| panic!("no checkout, but: {}", checkout.text()));
        let session = url.path().split('/').find(|part| part.starts_with("cs_"));
        session.expect("the checkout's address names its session").to_owned()
    }

    /// Every mail that arrived at an address, oldest first.
    pub fn mails(&self, address: &str) -> Vec<Mail> {
        let mailbox = self.sandbox.mailbox();
        let received = mailbox.to(address);
        received
            .iter()
            .map(|one| Mail::new(mailbox.raw(one.seq).expect("the sandbox keeps its mail")))
            .collect()
    }

    /// The newest mail at an address.
    #[track_caller]
    pub fn last_mail(&self, address: &str) -> Mail {
        self.mails(address).pop().unwrap_or_else(|| panic!("{address} got no mail"))
    }
}
