//! Whether receivers believe our mail: what the DNS says, what the desk makes of it, and what is held back.

use broadside::{
    db::Engine,
    deliverability::{self, Check, DeliverabilityReport, Grade, Lookout},
    dkim,
    mail::Algorithm,
    publishing,
    settings::{self, Settings},
};

use crate::support::{Browser, Fixture as _, TestApp, TestDb, both_engines, dns::DnsServer};

const FROM: &str = "post@example.org";

fn lookout(server: &DnsServer, relay: &str) -> Lookout {
    let relays = relay.split(' ').map(|relay| relay.parse().expect("an SMTP address")).collect();
    Lookout { dns: server.resolver(), relays, return_domain: None }
}

async fn look(app: &TestApp, lookout: &Lookout) -> DeliverabilityReport {
    lookout.look(&app.site, FROM).await.expect("a look").expect("a domain")
}

fn grade(report: &DeliverabilityReport, check: Check) -> Grade {
    report.findings.iter().find(|finding| finding.check == check).expect("every check is there").grade
}

fn grades(report: &DeliverabilityReport) -> Vec<Grade> {
    report.findings.iter().map(|finding| finding.grade).collect()
}

/// A signing key with its record published.
async fn publish_key(app: &TestApp, server: &DnsServer) {
    let key = dkim::create(&app.site, "example.org", Algorithm::Ed25519, None).await.expect("a key");
    server.txt(&key.dns_name(), &key.record);
    dkim::activate(&app.site, &key).await.expect("it waits");
}

/// A domain and a mail server of its own with all that receivers ask for.
async fn publish_everything(app: &TestApp, server: &DnsServer) {
    server
        .txt("example.org", "some other text")
        .txt("example.org", "v=spf1 a:mail.example.org ~all")
        .txt("_dmarc.example.org", "v=DMARC1; p=none")
        .a("mail.example.org", [192, 0, 2, 1])
        .ptr([192, 0, 2, 1], "mail.example.org");
    publish_key(app, server).await;
}

async fn editions_are_held_back(app: &TestApp) -> Option<Vec<&'static str>> {
    let draft = app.draft("To everybody").await;
    let settings = Settings::load(&app.site.db).await.expect("the settings can be read");
    let readers = publishing::audience_size(&app.site, &draft).await.expect("a count");
    let found =
        publishing::preflight(&app.site, &app.templates, &settings, &draft, readers).await.expect("a look");
    found.into_iter().find_map(|problem| match problem {
        publishing::Problem::Unproven(missing) => Some(missing),
        _ => None,
    })
}

both_engines! {
    /// TRUST M27: a domain with everything in place is told so, and one with nothing gets every record to publish.
    async fn everything_in_place_is_seen_and_nothing_in_place_too(app: TestApp) {
        let server = DnsServer::start().await;
        let lookout = lookout(&server, "smtp://mail.example.org?tls=required");
        server.a("mail.example.org", [192, 0, 2, 1]);
        let nothing = look(&app, &lookout).await;
        assert_eq!(nothing.missing_for_bulk(), [Check::Spf, Check::Dkim, Check::Dmarc]);
        assert_eq!(grade(&nothing, Check::Ptr), Grade::Warning);
        let published = |report: &DeliverabilityReport, check| {
            let finding = report.findings.iter().find(|finding| finding.check == check).expect("a finding").clone();
            finding.records.into_iter().next().expect("a record to publish")
        };
        let spf = published(&nothing, Check::Spf);
        assert_eq!((spf.name.as_str(), spf.value.as_str()), ("example.org", "v=spf1 a:mail.example.org ~all"));
        let dmarc = published(&nothing, Check::Dmarc);
        assert_eq!((dmarc.name.as_str(), dmarc.value.as_str()), ("_dmarc.example.org", "v=DMARC1; p=none"));
        // What it tells to publish is what makes it content.
        server.txt(&spf.name, &spf.value).txt(&dmarc.name, &dmarc.value).ptr([192, 0, 2, 1], "mail.example.org");
        publish_key(&app, &server).await;
        let all = look(&app, &lookout).await;
        assert_eq!(grades(&all), [Grade::Ok; 5], "{all:#?}");
        assert_eq!(deliverability::last(&app.site.db, FROM).await.expect("it was kept"), Some(all));
    }

    /// TRUST M27: a silent DNS is no proof that anything is missing.
    async fn a_dns_that_fails_is_not_taken_for_a_missing_record(app: TestApp) {
        let server = DnsServer::start().await;
        publish_everything(&app, &server).await;
        let lookout = lookout(&server, "smtp://mail.example.org?tls=required");
        server.fails(true);
        let report = look(&app, &lookout).await;
        assert_eq!(grade(&report, Check::Spf), Grade::Unknown, "{report:#?}");
        assert!(report.missing_for_bulk().is_empty());
        server.fails(false);
        assert_eq!(grade(&look(&app, &lookout).await, Check::Spf), Grade::Ok);
    }

    /// The records of well-known mail services are found behind others that include them, and named where they are missing.
    async fn a_mail_service_must_stand_in_the_record(app: TestApp) {
        let server = DnsServer::start().await;
        server
            .txt("example.org", "v=spf1 mx include:all.example.net -all")
            .txt("all.example.net", "v=spf1 include:amazonses.com ~all")
            .txt("amazonses.com", "v=spf1 ip4:199.255.192.0/22 -all");
        let amazon = lookout(&server, "smtp://ann:secret@email-smtp.eu-west-1.amazonaws.com");
        assert_eq!(grade(&look(&app, &amazon).await, Check::Spf), Grade::Ok);
        let postmark = lookout(&server, "smtp://ann:secret@smtp.postmarkapp.com");
        let report = look(&app, &postmark).await;
        assert_eq!(grade(&report, Check::Spf), Grade::Failure);
        let value = &report.findings[0].records[0].value;
        assert_eq!(value, "v=spf1 mx include:all.example.net include:spf.mtasv.net -all");
    }

    /// TRUST M27: what any of several mail services lacks counts.
    async fn every_mail_service_is_looked_at(app: TestApp) {
        let server = DnsServer::start().await;
        publish_everything(&app, &server).await;
        server.a("spare.example.net", [198, 51, 100, 9]);
        let both = lookout(&server, "smtp://mail.example.org?tls=required smtp://spare.example.net?tls=none");
        let report = look(&app, &both).await;
        assert_eq!(grades(&report), [Grade::Warning, Grade::Ok, Grade::Ok, Grade::Warning, Grade::Failure], "{report:#?}");
        assert!(report.findings.iter().all(|one| one.grade == Grade::Ok || one.found.contains("spare.example.net")));
    }

    /// TRUST M27: SPF speaks for the domain that mail comes back to, which should be the sender's.
    async fn spf_is_read_where_mail_comes_back_to(app: TestApp) {
        let server = DnsServer::start().await;
        publish_everything(&app, &server).await;
        for (returned, record, expected) in [
            ("returns.example.net", None, Grade::Failure),
            ("returns.example.net", Some("v=spf1 a:mail.example.org ~all"), Grade::Warning),
            ("returns.example.org", None, Grade::Failure),
            ("returns.example.org", Some("v=spf1 a:mail.example.org ~all"), Grade::Ok),
        ] {
            if let Some(record) = record {
                server.txt(returned, record);
            }
            let lookout = lookout(&server, "smtp://mail.example.org?tls=required");
            let lookout = Lookout { return_domain: Some(returned.to_owned()), ..lookout };
            assert_eq!(grade(&look(&app, &lookout).await, Check::Spf), expected, "{returned} {record:?}");
        }
    }

    /// Records that receivers read as errors are no better than none.
    async fn broken_records_are_told_from_good_ones(app: TestApp) {
        let server = DnsServer::start().await;
        publish_everything(&app, &server).await;
        let lookout = lookout(&server, "smtp://mail.example.org?tls=required");
        server.txt("example.org", "v=spf1 -all");
        assert_eq!(grade(&look(&app, &lookout).await, Check::Spf), Grade::Failure, "two SPF records");
        for broken in ["v=spf1 +all", "v=spf1 include:nobody.example.net ~all", "v=spf1 ipv4:192.0.2.1 ~all"] {
            server.remove("example.org").txt("example.org", broken);
            assert_eq!(grade(&look(&app, &lookout).await, Check::Spf), Grade::Failure, "{broken}");
        }
        // More than ten questions: each record includes the next.
        server.remove("example.org").txt("example.org", "v=spf1 include:s0.example.net ~all");
        for number in 0..11 {
            server.txt(&format!("s{number}.example.net"), &format!("v=spf1 include:s{}.example.net ~all", number + 1));
        }
        assert_eq!(grade(&look(&app, &lookout).await, Check::Spf), Grade::Failure, "eleven questions");
        for (good, record) in [(Grade::Ok, "v=spf1 mx ~all"), (Grade::Ok, "v=spf1 ip4:192.0.2.0/24 -all"), (Grade::Warning, "v=spf1 ip4:198.51.100.7 -all"), (Grade::Warning, "v=spf1 -a:mail.example.org ~all")] {
            server.remove("example.org").mx("example.org", 10, "mail.example.org").txt("example.org", record);
            assert_eq!(grade(&look(&app, &lookout).await, Check::Spf), good, "{record}");
        }
        server.remove("_dmarc.example.org").txt("_dmarc.example.org", "v=DMARC1; p=maybe");
        assert_eq!(grade(&look(&app, &lookout).await, Check::Dmarc), Grade::Failure);
        let plain = crate::deliverability::lookout(&server, "smtp://mail.example.org?tls=none");
        assert_eq!(grade(&look(&app, &plain).await, Check::Tls), Grade::Failure);
    }

    /// TRUST M5: a key that signs while its record is gone, or another's, is told.
    async fn a_signature_without_its_record_is_told(app: TestApp) {
        let server = DnsServer::start().await;
        publish_everything(&app, &server).await;
        let lookout = lookout(&server, "smtp://mail.example.org?tls=required");
        let key = dkim::all(&app.site.db).await.expect("the keys").remove(0);
        server.remove(&key.dns_name()).txt(&key.dns_name(), "v=DKIM1; k=ed25519; p=");
        let report = look(&app, &lookout).await;
        assert_eq!(report.missing_for_bulk(), [Check::Dkim]);
    }

    /// TRUST M27: more than 1,000 copies a day need proof, unless an owner says otherwise; fewer do not, nor where the DNS was
    /// never asked.
    async fn a_large_edition_without_proof_is_held_back(app: TestApp) {
        app.readers(1_001).await;
        assert_eq!(editions_are_held_back(&app).await, None, "nobody has looked");
        let server = DnsServer::start().await;
        server.a("mail.example.org", [192, 0, 2, 1]);
        let lookout = lookout(&server, "smtp://mail.example.org?tls=required");
        look(&app, &lookout).await;
        assert_eq!(editions_are_held_back(&app).await, Some(vec!["SPF", "DKIM", "DMARC"]));
        deliverability::forget(&app.site.db).await.expect("a sandbox forgets");
        assert_eq!(editions_are_held_back(&app).await, None, "a sandbox holds nothing back");
        look(&app, &lookout).await;
        let mut tx = app.site.db.begin().await.expect("a transaction");
        let saved = settings::save(&mut tx, &app.site, None, |settings| settings.send_unproven = true).await;
        saved.expect("a setting");
        tx.commit().await.expect("a commit");
        assert_eq!(editions_are_held_back(&app).await, None, "an owner knows better");
    }

    async fn a_small_edition_needs_no_proof(app: TestApp) {
        app.readers(3).await;
        let server = DnsServer::start().await;
        look(&app, &lookout(&server, "smtp://mail.example.org")).await;
        assert_eq!(editions_are_held_back(&app).await, None);
    }

    /// The desk shows keys with their records, lets one sign and retires it; in the sandbox nothing is looked for.
    async fn the_desk_makes_switches_on_and_retires_a_key(app: TestApp) {
        let desk = app.desk().await;
        let page = desk.open("/desk/deliverability").await;
        page.says("The sandbox believes everybody");
        let made = desk.submit_and_follow(&page.form("/keys")).await;
        made.says("The key is made").says("b202603").says("waits for its record");
        let key = dkim::all(&app.site.db).await.expect("the keys").remove(0);
        assert!(made.body.contains(&key.record.replace('=', "&#x3D;")) || made.body.contains(&key.record));
        let signing = desk.submit_and_follow(&made.form("/activate")).await;
        signing.says("From now on mail is signed").says("signs since 3 March 2026");
        let asked = desk.follow("/desk/deliverability/keys/b202603/retire").await;
        asked.says("Retire the key b202603?").says("No other key signs").says("until 10 March 2026");
        let tap = desk.submit(&asked.form("/retire").without("seen")).await;
        assert_eq!(tap.status, 409, "not without having been asked");
        tap.says("Nothing was done").says("signs since 3 March 2026");
        let retired = desk.submit_and_follow(&asked.form("/retire")).await;
        retired.says("leave its record until 10 March 2026");
        assert_eq!(desk.open("/desk/deliverability").await.status, 200);
    }

    /// What two people do to the keys at the same time is what both of them saw: a key is not switched on in the place of another
    /// one than was shown, nor retired as one that waits when it signs by now.
    async fn a_key_is_what_it_was_on_the_page_or_nothing_is_done(app: TestApp) {
        let desk = app.desk().await;
        let page = desk.open("/desk/deliverability").await;
        let made = desk.submit_and_follow(&page.form("/keys")).await;
        assert_eq!(desk.submit(&page.form("/keys")).await.status, 409, "one key of a kind waits at a time");
        let drop = desk.open("/desk/deliverability/keys/b202603/retire").await;
        drop.says("Drop the key b202603?");
        desk.submit_and_follow(&made.form("/activate")).await.says("From now on mail is signed");
        let states = async || {
            let keys = dkim::all(&app.site.db).await.expect("the keys");
            keys.iter().map(|key| (key.selector.clone(), key.state())).collect::<Vec<_>>()
        };
        for stale in [drop.form("/retire"), made.form("/activate")] {
            let refused = desk.submit(&stale).await;
            assert_eq!(refused.status, 409);
            refused.says("Nothing was done: the signing keys changed").says("signs since 3 March 2026");
            assert_eq!(states().await, [("b202603".to_owned(), dkim::KeyState::Signing)]);
        }

        let second = desk.submit_and_follow(&desk.open("/desk/deliverability").await.form("/keys")).await;
        second.says("It takes over from b202603, which is retired then.");
        let other = dkim::create(&app.site, "example.org", Algorithm::Rsa, Some("other")).await.expect("a third");
        dkim::activate(&app.site, &other).await.expect("it waits");
        let before = states().await;
        assert_eq!(desk.submit(&second.form("/activate")).await.status, 409, "it would retire another key than was shown");
        assert_eq!(states().await, before);
    }

    /// The choice about large editions is not taken back by a page that showed another one.
    async fn a_stale_choice_about_large_editions_is_refused(app: TestApp) {
        let desk = app.desk().await;
        let open = desk.open("/desk/deliverability").await.form("/large");
        let other = desk.open("/desk/deliverability").await.form("/large");
        desk.submit_and_follow(&other.with("send_unproven", "yes")).await.says("Saved.");
        let refused = desk.submit(&open).await;
        assert_eq!(refused.status, 409);
        refused.says("Somebody else decided about large editions").says("go out even if something is missing");
        assert!(Settings::load(&app.site.db).await.expect("settings").send_unproven);
        desk.submit_and_follow(&refused.form("/large").without("send_unproven")).await.says("Saved.");
        assert!(!Settings::load(&app.site.db).await.expect("settings").send_unproven);
    }

    /// How each provider took an edition is told, the ones who refused too.
    async fn providers_are_told_apart(app: TestApp) {
        app.readers(3).await;
        app.reader("ann@example.com").await;
        app.send_edition("The first edition").await;
        let providers = deliverability::providers(&app.site.db, 5, 8).await.expect("the figures");
        let told: Vec<_> = providers.iter().map(|one| (one.domain.as_str(), one.total.copies, one.total.accepted)).collect();
        assert_eq!(told, [("example.org", 3, 3), ("example.com", 1, 1)]);
        let page = app.desk().await.open("/desk/deliverability").await;
        page.says("How mail providers took your last editions").says("example.com");
        assert!(page.body.contains("<rect class=\"accepted\""), "{}", page.body);
    }
}

/// The page is for everybody: axe finds nothing serious on it, before the first look and with everything to show.
#[tokio::test(flavor = "multi_thread")]
async fn the_deliverability_page_is_for_everybody() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", crate::support::app::OWNER.0).await;
    browser.fill("Password", crate::support::app::OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url("/desk/deliverability")).await;
    browser.axe().await;
    let server = DnsServer::start().await;
    look(&app, &lookout(&server, "smtp://email-smtp.eu-west-1.amazonaws.com")).await;
    publish_key(&app, &server).await;
    app.readers(2).await;
    app.send_edition("The first edition").await;
    browser.goto(&app.url("/desk/deliverability")).await;
    browser.wait_for_text("example.org does not say which servers may send its mail.").await;
    browser.axe().await;
    browser.close().await;
    app.finish().await;
}
