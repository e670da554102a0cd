//! Who writes: every mail of the magazine has one letterhead, whichever part of the house it comes from.

use std::time::Duration;

use broadside::{
    email_address::EmailAddress,
    publishing,
    settings::{self, ArticlesAt, Settings},
    staff::{self, NewMember, Role},
};

use crate::support::{TestApp, app::OWNER, both_engines, mail::Mail};

/// The magazine's site from before, where its articles may live.
const SITE: &str = "https://lamplighter.example.org/";

async fn change(app: &TestApp, change: impl FnOnce(&mut Settings) + Send) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    settings::save(&mut tx, &app.site, None, change).await.expect("saved");
    tx.commit().await.expect("a commit");
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

fn everything(app: &TestApp) -> Vec<Mail> {
    let mailbox = app.sandbox.mailbox();
    let raw = |seq| Mail::new(mailbox.raw(seq).expect("the sandbox keeps its mail"));
    mailbox.messages().iter().map(|one| raw(one.seq)).collect()
}

/// A mail of every part of the house that writes any; returns how many kinds those are.
async fn cause_mail_of_every_kind(app: &TestApp, round: &str) -> usize {
    let new = |who: &str| format!("{who}-{round}@example.org");
    app.subscribe(&new("asked")).await;
    app.give(&new("supporter"), "15", "once").await;
    staff::send_sign_in_link(&app.site, &address(OWNER.0), None).await.expect("a link");
    let member = NewMember { name: "Ida", email: &address(&new("invited")), role: Role::Editor };
    staff::add_member(&app.site, None, member).await.expect("a member");
    app.reader(&new("reader")).await;
    app.send_edition(&format!("An edition, {round}")).await;
    let late = app.draft(&format!("A late one, {round}")).await;
    let pressed = publishing::press_send(&app.site, &app.templates, late.id, late.revision, None, None);
    pressed.await.expect("nothing is in the way");
    app.advance(Duration::from_secs(7 * 3_600));
    let desk = app.desk().await;
    let draft = app.draft(&format!("To look at, {round}")).await;
    let path = format!("/desk/editions/{}", draft.public_id);
    let page = desk.open(&format!("{path}/send")).await;
    desk.submit(&page.form("/test")).await;
    app.drain().await;
    for subject in ["confirm", "receipt", "sign-in link", "invites", "An edition", "held back", "[Test]"] {
        let named = |mail: &Mail| mail.subject.to_lowercase().contains(&subject.to_lowercase());
        assert!(everything(app).iter().any(named), "no mail says {subject}");
    }
    7
}

both_engines! {
    /// Confirmation and edition of one magazine led to different sites while its articles were here and another site was kept.
    async fn every_mail_has_the_same_letterhead(app: TestApp) {
        let ours = app.url("/");
        let mut seen = 0;
        for (round, articles_at, link) in [("here", ArticlesAt::Here, ours.as_str()), ("there", ArticlesAt::Elsewhere, SITE)] {
            change(&app, |settings| {
                settings.articles_at = articles_at;
                settings.external_site_url = SITE.to_owned();
            })
            .await;
            let kinds = cause_mail_of_every_kind(&app, round).await;
            let mails = everything(&app).split_off(seen);
            assert!(mails.len() >= kinds, "{round}: {} mails", mails.len());
            seen += mails.len();
            for mail in mails {
                let subject = &mail.subject;
                assert_eq!(mail.header("From").as_deref(), Some("The Lamplighter <post@example.org>"), "{subject}");
                assert_eq!(mail.header("Reply-To").as_deref(), Some("hello@example.org"), "{subject}");
                let other = if link == SITE { ours.as_str() } else { SITE };
                assert!(mail.html.contains(&format!("href=\"{link}\"")), "{round}: {subject} does not lead to {link}");
                assert!(!mail.html.contains(&format!("href=\"{other}\"")), "{round}: {subject} leads to {other}");
            }
        }
    }

    /// A letter that somebody waits for is not lost because a setting is missing.
    async fn a_magazine_without_an_address_writes_all_the_same(app: TestApp) {
        change(&app, |settings| {
            settings.contact_email.clear();
            settings.from_email.clear();
        })
        .await;
        app.subscribe("asked@example.org").await;
        app.give("supporter@example.org", "15", "once").await;
        staff::send_sign_in_link(&app.site, &address(OWNER.0), None).await.expect("a link");
        app.drain().await;
        for to in ["asked@example.org", "supporter@example.org", OWNER.0] {
            let from = app.last_mail(to).header("From");
            assert_eq!(from.as_deref(), Some("The Lamplighter <desk@magazine.invalid>"), "{to}");
        }
    }
}
