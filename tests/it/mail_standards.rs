//! What the standards ask of mail, read off the bytes that the sandbox took over the wire: an edition's copies, and every
//! automatic email there is.

use std::{collections::BTreeSet, path::Path, time::Duration};

use broadside::{
    delivery::{self, StopReason, Suppressions},
    email_address::EmailAddress,
    mail::{
        AddressChangeNew, AddressChangeOld, AddressChanged, AddressIsKnown, AddressTakenBack, AlreadyReader,
        CardExpiring, ChoicesLink, ConfirmSubscription, CopiesCameBack, CopyOfData, DebitRevoked,
        EditionHeld, EditionPaused, EmailTemplate, EraseRequest, FormClosed, GiftFailed, GiftReturned,
        GiftsLink, GiftsStatement, GoodBye, JobStopped, MoneyNews, MonthlyChanged, MonthlyNotEnded,
        NewGiftAddress, NothingTaken, Paused, PaymentAction, PaymentFailed, PaymentFailedAgain, Receipt,
        RecurringCancelled, Sender, SignInLink, SignInRefused, SomethingWrong, TeamInvite, Welcome, Welcomed,
        WorkGivenUp, YearlyNotice,
    },
    publishing,
    sandbox::{LineEnds, Rule, Stage},
    settings::{self, Letterhead},
    subscribers,
};

use crate::support::{TestApp, both_engines, wire};

/// Long, not ASCII, with a character of four bytes where encoded words must be parted, and words that look encoded.
const HARD_SUBJECT: &str = "Größenwahn & Straßenlicht 🏮🏮🏮: „Wer zahlt, schafft an?“ =?utf-8?Q?no?= — 灯火親しむ候、\
    読者の皆さまへ、長い長いお知らせです, Ærø, Łódź, Ñandú, Āzādī, and plain words until the very end of it";

/// Everything that a name may hold and a header may not take as it is.
const HARD_NAME: &str = "Müller, Söhne & \"Töchter\" (Nachf.) <Verlag>; gegr. 1897 @ Lüneburg \\ 🏮";

async fn hard_settings(app: &TestApp) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    let saved = settings::save(&mut tx, &app.site, None, |settings| {
        settings.magazine_name = HARD_NAME.to_owned();
        settings.from_name = HARD_NAME.to_owned();
        settings.legal_name = "Lampenlöscher Verlag e. V.".to_owned();
        settings.postal_address = "1 Lamp Street\n1000 Harbour".to_owned();
    });
    saved.await.expect("the settings are saved");
    tx.commit().await.expect("a commit");
}

async fn reader(app: &TestApp, email: &str, name: &str) -> i64 {
    let address = EmailAddress::parse(email).expect("an address");
    let added = subscribers::add_by_staff(&app.site, &address, name, app.list().await, "a test").await;
    added.expect("staff may add readers");
    let known = subscribers::by_email(&app.site.db, &address).await.expect("a read");
    known.expect("the reader").id
}

/// The bytes of everything that arrived.
fn everything(app: &TestApp) -> Vec<(String, Vec<u8>)> {
    let mailbox = app.sandbox.mailbox();
    let messages = mailbox.messages();
    messages
        .iter()
        .map(|one| (one.to.join(","), mailbox.raw(one.seq).expect("the sandbox keeps its mail")))
        .collect()
}

fn raw(app: &TestApp, email: &str) -> Vec<u8> {
    app.last_mail(email).raw
}

/// The addresses in angle brackets of a List header.
fn uris(value: &str) -> Vec<&str> {
    value.split('<').skip(1).filter_map(|rest| rest.split('>').next()).collect()
}

/// What an HTML part links to or loads.
fn links(html: &str) -> BTreeSet<String> {
    let after = |mark: &'static str| html.split(mark).skip(1).filter_map(|rest| rest.split('"').next());
    after("href=\"").chain(after("src=\"")).chain(after("background=\"")).map(str::to_owned).collect()
}

async fn enqueue<T: EmailTemplate>(app: &TestApp, seen: &mut BTreeSet<&'static str>, context: &T) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    let from = EmailAddress::parse("post@example.org").expect("an address");
    let to = EmailAddress::parse(&format!("{}@example.org", T::NAME)).expect("an address");
    let key = format!("test:{}", T::NAME);
    let reply_to = EmailAddress::parse("hello@example.org").ok();
    let head = Letterhead { from_name: HARD_NAME.to_owned(), from, reply_to, sender: sender() };
    let told = delivery::tell(&mut tx, &app.site, &head, (HARD_NAME, &to), &key, context).await;
    assert!(told.expect("it is enqueued"));
    tx.commit().await.expect("a commit");
    seen.insert(T::NAME);
}

fn sender() -> Sender {
    Sender {
        magazine: HARD_SUBJECT.to_owned(),
        contact_email: "hello@example.org".to_owned(),
        postal_address: ".\n..\n.dots begin these lines\r\n.\r\n".to_owned(),
        ..Sender::sample()
    }
}

/// What a block by the team stops: letters that ask, greet or tell somebody what they did not ask for.
const A_BLOCK_STOPS: [&str; 11] = [
    "address_change_new",
    "address_change_old",
    "address_changed",
    "address_is_known",
    "address_taken_back",
    "already_reader",
    "choices_link",
    "confirm_subscription",
    "new_gift_address",
    "paused",
    "welcome",
];

/// What goes to a reader or supporter in spite of it, and why.
const IN_SPITE_OF_A_BLOCK: [(&str, &str); 15] = [
    ("copy_of_data", "the law gives them what is held"),
    ("erase_request", "the law lets them be forgotten"),
    ("receipt", "they gave"),
    ("gift_returned", "they gave, and it was sent back"),
    ("payment_failed", "they give, and their money did not come"),
    ("payment_failed_again", "they give, and their money did not come"),
    ("payment_action", "their bank asks them for a word"),
    ("gift_failed", "they gave, and their money did not come"),
    ("card_expiring", "they give, and soon it will not go through"),
    ("debit_revoked", "they give, and their bank does not let them"),
    ("yearly_notice", "money is taken from them"),
    ("monthly_changed", "they asked for it, or somebody did in their name"),
    ("gifts_link", "they gave, and it is theirs to see and to stop"),
    ("gifts_statement", "they gave, and asked for it"),
    ("recurring_cancelled", "they gave, and it has ended"),
];

/// What whatever stops an address stops.
const ANYTHING_STOPS: [&str; 1] = ["good_bye"];

/// What goes to the team alone.
const TO_THE_TEAM: [&str; 13] = [
    "copies_came_back",
    "edition_held",
    "edition_paused",
    "form_closed",
    "job_stopped",
    "money_news",
    "monthly_not_ended",
    "nothing_taken",
    "sign_in_link",
    "sign_in_refused",
    "something_wrong",
    "team_invite",
    "work_given_up",
];

/// TRUST M29: of every letter it is decided whether it reaches somebody whom the team blocked, and the last look before the body knows it.
#[test]
fn of_every_letter_it_is_said_whether_a_block_stops_it() {
    let statements = broadside::statements();
    let marks = statements
        .iter()
        .flat_map(|(_, statements)| statements.iter())
        .filter(|sql| sql.name == "MARK" && sql.sqlite.starts_with("update notice"));
    let mark = marks.map(|sql| (sql.sqlite, sql.postgres)).next().expect("the last look at a letter");
    for text in [mark.0, mark.1] {
        let (_, stopped) =
            text.split_once("reason = 'staff' and notice.template in (").expect("what a block stops");
        let (stopped, _) = stopped.split_once(')').expect("the list ends");
        let stopped: BTreeSet<&str> = stopped.split(',').map(|name| name.trim().trim_matches('\'')).collect();
        assert_eq!(stopped, A_BLOCK_STOPS.into(), "what the statement stops, and what this test says");
        assert!(
            ANYTHING_STOPS.iter().all(|name| text.contains(&format!("or notice.template = '{name}'"))),
            "{text}"
        );
    }
    let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("email_templates"))
        .expect("our templates");
    let folders = folders.map(|entry| entry.expect("our templates")).filter(|entry| entry.path().is_dir());
    let mails: Vec<String> = folders
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "digest")
        .collect();
    for mail in &mails {
        let goes = IN_SPITE_OF_A_BLOCK.iter().map(|(name, _)| name).chain(&TO_THE_TEAM).chain(&A_BLOCK_STOPS);
        let goes = goes.chain(&ANYTHING_STOPS);
        assert_eq!(
            goes.filter(|name| *name == mail).count(),
            1,
            "{mail}: say here whether it reaches somebody whom the team blocked, and if not, in MARK"
        );
    }
    assert_eq!(
        mails.len(),
        IN_SPITE_OF_A_BLOCK.len() + TO_THE_TEAM.len() + A_BLOCK_STOPS.len() + ANYTHING_STOPS.len(),
        "a letter that there is not"
    );
}

both_engines! {
    /// TRUST M1, M8, M11, M15, M16, A1: a copy with the hardest of subjects and names, byte by byte.
    async fn every_byte_of_an_edition_keeps_the_standards(app: TestApp) {
        hard_settings(&app).await;
        let names = [HARD_NAME, "", "{{secret}} {{#each this}}{{lookup . \"x\"}}", "Ann"];
        for (number, name) in names.iter().enumerate() {
            reader(&app, &format!("reader{number}@example.org"), name).await;
        }
        let first = app.send_edition(HARD_SUBJECT).await;
        let copies = everything(&app);
        assert_eq!(copies.len(), names.len());
        for (number, name) in names.iter().enumerate() {
            let raw = raw(&app, &format!("reader{number}@example.org"));
            wire::keeps_the_standards(&raw);
            let message = wire::parsed(&raw);
            assert_eq!(message.subject(), Some(HARD_SUBJECT));
            let from = message.from().and_then(|from| from.first()).expect("a From");
            assert_eq!((from.name(), from.address()), (Some(HARD_NAME), Some("post@example.org")));
            let to = message.to().and_then(|to| to.first()).expect("a To");
            assert_eq!(to.name().unwrap_or_default(), *name);

            let leave = wire::only(&raw, "List-Unsubscribe");
            let [web, mail] = uris(&leave).try_into().expect("an address of the web, and one of mail");
            assert!(web.starts_with(&app.url("/unsubscribe/")), "{leave}");
            // A name before the @ of at most 64 characters (RFC 5321), and nothing that an address of the web must not hold (RFC 6068).
            let address = mail.strip_prefix("mailto:").and_then(|rest| rest.strip_suffix("?subject=unsubscribe")).expect("an address of mail");
            assert!(EmailAddress::parse(address).is_ok() && address.starts_with("bounce+"), "{leave}");
            assert!(address.find('@').is_some_and(|at| at <= 64) && !address.contains(['%', '&', '/', '?', '#']), "{leave}");
            assert_eq!(wire::only(&raw, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
            assert!(wire::all(&raw, "Auto-Submitted").is_empty(), "people wrote it");
            for name in ["List-Id", "List-Help", "List-Subscribe", "List-Owner", "List-Archive", "List-Post"] {
                assert!(wire::all(&raw, name).len() <= 1, "{name}");
            }
            let list_id = wire::only(&raw, "List-Id");
            assert!(list_id.len() <= 255 && uris(&list_id) == ["digest.127.0.0.1"], "{list_id}");
        }
        app.send_edition("Another one").await;
        let next = app.last_mail("reader1@example.org");
        assert_eq!(next.subject, "Another one");
        assert_eq!(wire::only(&next.raw, "List-Id"), wire::only(&copies[0].1, "List-Id"), "stable");
        assert!(broadside::delivery::audit_copies(&app.site.db, first).await.expect("an audit").holds());
    }

    /// TRUST M11, M15, M16, M29: every automatic email that there is a folder for, with the hardest of values.
    async fn every_byte_of_every_automatic_email_keeps_the_standards(app: TestApp) {
        let mut seen = BTreeSet::new();
        let manage_url = app.url("/giving/a-token");
        enqueue(&app, &mut seen, &AlreadyReader { sender: sender(), lists: vec![HARD_NAME.to_owned()], ..AlreadyReader::sample() }).await;
        enqueue(&app, &mut seen, &AddressChangeOld { sender: sender(), ..AddressChangeOld::sample() }).await;
        enqueue(&app, &mut seen, &AddressChangeNew { sender: sender(), ..AddressChangeNew::sample() }).await;
        enqueue(&app, &mut seen, &AddressIsKnown { sender: sender(), ..AddressIsKnown::sample() }).await;
        enqueue(&app, &mut seen, &AddressChanged { sender: sender(), ..AddressChanged::sample() }).await;
        enqueue(&app, &mut seen, &AddressTakenBack { sender: sender(), ..AddressTakenBack::sample() }).await;
        enqueue(&app, &mut seen, &ConfirmSubscription { sender: sender(), lists: vec![HARD_NAME.to_owned()], ..ConfirmSubscription::sample() }).await;
        enqueue(&app, &mut seen, &GoodBye { sender: sender(), lists: vec![HARD_NAME.to_owned()], ..GoodBye::sample() }).await;
        enqueue(&app, &mut seen, &Welcome { sender: sender(), lists: vec![Welcomed { name: HARD_NAME.to_owned(), words: vec![HARD_NAME.to_owned()] }], ..Welcome::sample() }).await;
        enqueue(&app, &mut seen, &CopyOfData { sender: sender(), ..CopyOfData::sample() }).await;
        enqueue(&app, &mut seen, &EraseRequest { sender: sender(), ..EraseRequest::sample() }).await;
        enqueue(&app, &mut seen, &ChoicesLink { sender: sender(), ..ChoicesLink::sample() }).await;
        enqueue(&app, &mut seen, &Paused { sender: sender(), ..Paused::sample() }).await;
        enqueue(&app, &mut seen, &Receipt { sender: sender(), donor_name: HARD_NAME.to_owned(), ..Receipt::sample() }).await;
        enqueue(&app, &mut seen, &PaymentFailed { sender: sender(), donor_name: HARD_NAME.to_owned(), manage_url, ..PaymentFailed::sample() }).await;
        enqueue(&app, &mut seen, &PaymentFailedAgain { sender: sender(), donor_name: HARD_NAME.to_owned(), ..PaymentFailedAgain::sample() }).await;
        enqueue(&app, &mut seen, &PaymentAction { sender: sender(), donor_name: HARD_NAME.to_owned(), ..PaymentAction::sample() }).await;
        enqueue(&app, &mut seen, &GiftFailed { sender: sender(), donor_name: HARD_NAME.to_owned(), ..GiftFailed::sample() }).await;
        enqueue(&app, &mut seen, &CardExpiring { sender: sender(), donor_name: HARD_NAME.to_owned(), ..CardExpiring::sample() }).await;
        enqueue(&app, &mut seen, &DebitRevoked { sender: sender(), donor_name: HARD_NAME.to_owned(), ..DebitRevoked::sample() }).await;
        enqueue(&app, &mut seen, &NewGiftAddress { sender: sender(), ..NewGiftAddress::sample() }).await;
        enqueue(&app, &mut seen, &YearlyNotice { sender: sender(), donor_name: HARD_NAME.to_owned(), ..YearlyNotice::sample() }).await;
        enqueue(&app, &mut seen, &MonthlyChanged { sender: sender(), donor_name: HARD_NAME.to_owned(), ..MonthlyChanged::sample() }).await;
        enqueue(&app, &mut seen, &GiftsLink { sender: sender(), ..GiftsLink::sample() }).await;
        enqueue(&app, &mut seen, &GiftsStatement { sender: sender(), donor_name: HARD_NAME.to_owned(), ..GiftsStatement::sample() }).await;
        enqueue(&app, &mut seen, &RecurringCancelled { sender: sender(), donor_name: HARD_NAME.to_owned(), ..RecurringCancelled::sample() }).await;
        enqueue(&app, &mut seen, &SignInLink { sender: sender(), ..SignInLink::sample() }).await;
        enqueue(&app, &mut seen, &TeamInvite { sender: sender(), invited_by: HARD_NAME.to_owned(), ..TeamInvite::sample() }).await;
        enqueue(&app, &mut seen, &EditionHeld { sender: sender(), subject: HARD_SUBJECT.to_owned(), ..EditionHeld::sample() }).await;
        enqueue(&app, &mut seen, &EditionPaused { sender: sender(), subject: HARD_SUBJECT.to_owned(), ..EditionPaused::sample() }).await;
        enqueue(&app, &mut seen, &JobStopped { sender: sender(), why: HARD_NAME.to_owned(), ..JobStopped::sample() }).await;
        enqueue(&app, &mut seen, &WorkGivenUp { sender: sender(), why: HARD_NAME.to_owned(), ..WorkGivenUp::sample() }).await;
        enqueue(&app, &mut seen, &SomethingWrong { sender: sender(), problems: vec![HARD_NAME.to_owned()], ..SomethingWrong::sample() }).await;
        enqueue(&app, &mut seen, &SignInRefused { sender: sender(), words: HARD_NAME.to_owned(), ..SignInRefused::sample() }).await;
        enqueue(&app, &mut seen, &FormClosed { sender: sender(), ..FormClosed::sample() }).await;
        enqueue(&app, &mut seen, &CopiesCameBack { sender: sender(), subject: HARD_SUBJECT.to_owned(), words: HARD_NAME.to_owned(), ..CopiesCameBack::sample() }).await;
        enqueue(&app, &mut seen, &NothingTaken { sender: sender(), subject: HARD_SUBJECT.to_owned(), domains: vec![HARD_NAME.to_owned()], ..NothingTaken::sample() }).await;
        enqueue(&app, &mut seen, &GiftReturned { sender: sender(), donor_name: HARD_NAME.to_owned(), ..GiftReturned::sample() }).await;
        enqueue(&app, &mut seen, &MoneyNews { sender: sender(), what: HARD_SUBJECT.to_owned(), ..MoneyNews::sample() }).await;
        enqueue(&app, &mut seen, &MonthlyNotEnded { sender: sender(), why: HARD_NAME.to_owned(), ..MonthlyNotEnded::sample() }).await;
        app.drain().await;

        let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("email_templates")).expect("our templates");
        let folders = folders.map(|entry| entry.expect("our templates")).filter(|entry| entry.path().is_dir());
        let mails: BTreeSet<String> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|name| name != "digest").collect();
        assert_eq!(mails, seen.iter().map(|name| (*name).to_owned()).collect(), "a new automatic email belongs into this test");

        assert_eq!(everything(&app).len(), seen.len());
        for name in seen {
            let raw = raw(&app, &format!("{name}@example.org"));
            wire::keeps_the_standards(&raw);
            assert_eq!(wire::only(&raw, "Auto-Submitted"), "auto-generated", "{name}");
            let message = wire::parsed(&raw);
            let to = message.to().and_then(|to| to.first()).expect("a To");
            assert_eq!(to.name(), Some(HARD_NAME), "{name}");
            let lists = wire::headers(&raw).into_iter().filter(|(header, _)| header.to_lowercase().starts_with("list-"));
            assert_eq!(lists.count(), 0, "{name} is not mail of a list");
            let html = message.body_html(0).expect("HTML");
            assert!(!html.contains("<img") && !html.contains("background=\"http"), "{name} loads nothing");
        }
    }

    /// TRUST M29: leaving a list does not keep a receipt away; a mailbox that is not there, or whose owner called us spam, does.
    async fn an_automatic_email_stops_only_for_what_the_mailbox_said(app: TestApp) {
        for email in ["left", "staff", "erased", "bounced", "complained"] {
            reader(&app, &format!("{email}@example.org"), "").await;
        }
        let left = EmailAddress::parse("left@example.org").expect("an address");
        let id = subscribers::by_email(&app.site.db, &left).await.expect("a read").expect("a reader").id;
        let links = app.links(app.draft("Any").await.id, id).await;
        let token = links.unsubscribe.rsplit('/').next().expect("a token");
        subscribers::leave(&app.site, token, subscribers::ConsentMethod::OneClick, subscribers::Trace::default()).await.expect("left");
        for (name, reason) in [("staff", StopReason::Staff), ("erased", StopReason::Erased), ("bounced", StopReason::Bounced), ("complained", StopReason::Complained)] {
            let mut tx = app.site.db.begin().await.expect("a transaction");
            let address = EmailAddress::parse(&format!("{name}@example.org")).expect("an address");
            Suppressions::new(&app.site).add(&mut tx, &address, reason, "a test").await.expect("added");
            tx.commit().await.expect("a commit");
        }
        for name in ["left", "staff", "erased", "bounced", "complained"] {
            app.give(&format!("{name}@example.org"), "10", "once").await;
        }
        let got = |name: &str| app.mails(&format!("{name}@example.org")).iter().any(|mail| mail.subject.contains("receipt"));
        assert_eq!(["left", "staff", "erased", "bounced", "complained"].map(got), [true, true, true, false, false]);
    }

    /// TRUST M9, T2: the same Message-ID whenever a copy is tried again, another for every copy, and no address in any.
    async fn a_message_id_is_the_same_on_every_try_and_never_twice(app: TestApp) {
        app.readers(8).await;
        let script = app.sandbox.smtp_script();
        // Taken, and the answer lost; refused for now at the dot, and before it.
        script.add(Rule::at(Stage::Dot).to("reader1@example.org").times(1).drop_connection());
        script.add(Rule::at(Stage::Dot).to("reader2@example.org").times(2).reply(451, "4.3.0 Later"));
        script.add(Rule::at(Stage::Rcpt).to("reader3@example.org").times(1).reply(450, "4.2.1 Greylisted"));
        let first = app.send_edition("The first").await;
        for _ in 0..3 {
            app.advance(Duration::from_secs(30 * 60));
            app.drain().await;
        }
        app.send_edition("The second").await;

        let mailbox = app.sandbox.mailbox();
        let ids = |email: &str| {
            let tries = mailbox.exchanges().into_iter().filter(|one| one.recipient == email);
            let ids: Vec<String> = tries.filter_map(|one| one.message_id).collect();
            ids
        };
        let twice = ids("reader1@example.org");
        assert_eq!((twice.len(), twice[0] == twice[1], twice[1] == twice[2]), (3, true, false), "{twice:?}");
        let thrice = ids("reader2@example.org");
        assert_eq!((thrice.len(), &thrice[0], &thrice[1]), (4, &thrice[1], &thrice[2]), "{thrice:?}");
        assert_eq!(ids("reader3@example.org").len(), 2);

        let known: BTreeSet<String> = mailbox.messages().into_iter().map(|one| one.message_id).collect();
        assert_eq!(known.len(), 16, "eight readers, two editions");
        for id in &known {
            let (local, domain) = id.split_once('@').expect("local@domain");
            assert_eq!(domain, app.site.host(), "on our own domain");
            assert!(local.len() >= 20 && !local.contains("reader") && !local.contains("example"), "{id}");
        }
        // Whose copy may have come twice is written down, and nobody else's did.
        let copies: Vec<_> = mailbox.by_message_id().into_values().filter(|count| *count > 1).collect();
        assert_eq!(copies, [2]);
        let doubtful = publishing::results(&app.site.db, first, publishing::WantedCopies::default(), 0, 100).await.expect("the results");
        let doubtful: Vec<_> = doubtful.into_iter().filter(|one| one.maybe_duplicate).map(|one| one.address).collect();
        assert_eq!(doubtful, ["reader1@example.org"]);
    }

    /// TRUST L9, byte check: two copies differ by the reader's name, address, ids and their own links, and by nothing else;
    /// article links and pictures are the same for everybody.
    async fn copies_hold_nothing_that_watches_a_reader(app: TestApp) {
        app.readers(2).await;
        app.send_edition("Nobody is watched").await;
        let copy = |number: i64| {
            let mail = app.last_mail(&format!("reader{number}@example.org"));
            let own = |part: &'static str| mail.link(part);
            let mine = [own("/unsubscribe/"), own("/preferences/"), own("/view/"), format!("Reader {number}"), format!("reader{number}@example.org")];
            let neutral = |text: &str| mine.iter().fold(text.to_owned(), |text, own| text.replace(own, "MINE"));
            let html = neutral(&mail.html);
            let mut head = wire::headers(&mail.raw);
            head.retain(|(name, _)| !["To", "Message-ID", "List-Unsubscribe"].contains(&name.as_str()));
            let head: Vec<_> = head.into_iter().map(|(name, value)| (name, value.split("boundary").next().unwrap_or_default().to_owned())).collect();
            (neutral(&mail.text), links(&html), html, head)
        };
        let (one, other) = (copy(1), copy(2));
        assert_eq!(one, other);
        let articles: Vec<_> = one.1.iter().filter(|link| link.contains("/articles/")).collect();
        assert!(articles.len() >= 3, "{articles:?}");
        assert!(articles.iter().all(|link| !link.contains('?') && !link.contains('#')), "{articles:?}");
        assert!(!one.2.contains("<img") || one.2.split("<img").skip(1).all(|img| !img.contains("width=\"1\"")), "no pixel");
    }

    /// TRUST A17: lines of dots in what an editor wrote end no message, not even for a server that reads carelessly.
    async fn lines_of_dots_end_no_message(app: TestApp) {
        app.sandbox.smtp_script().read_line_ends(LineEnds::Lenient);
        app.readers(2).await;
        let draft = app.draft("Dots").await;
        let smuggled = "Dots:\n\n.\n\n\\.\r\n.\r\nMAIL FROM:<eve@example.test>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\n\r\n```\n.\n.\n..\n```\n";
        let content = publishing::Content { intro_markdown: smuggled.to_owned(), ..draft.content.clone() };
        publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("saved");
        let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision + 1, None, None);
        pressed.await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        app.drain().await;
        let mut to: Vec<_> = app.sandbox.mailbox().messages().into_iter().map(|one| one.to.join(",")).collect();
        to.sort();
        assert_eq!(to, ["reader1@example.org", "reader2@example.org"]);
        let mail = app.last_mail("reader1@example.org");
        assert!(mail.text.contains("RCPT TO:victim@example.org"), "it is text, and an address in it: {}", mail.text);
    }
}
