//! Links that work once: one for each purpose and person, and void by whatever took its place or changed the account.

use std::time::Duration;

use broadside::{
    email_address::EmailAddress,
    staff::{self, Member, NewMember, Role},
    token::public_id,
};
use reqwest::StatusCode;

use crate::support::{
    TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::change,
    visitor::{Form, Visitor},
};

const NINA: &str = "nina@example.org";
const PASSWORD: &str = "a lantern on the quay";

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

/// Nina, invited and not there yet; the path of her invitation.
async fn invite(app: &TestApp) -> String {
    let email = address(NINA);
    let new = NewMember { name: "Nina", email: &email, role: Role::Editor };
    staff::add_member(&app.site, None, new).await.expect("a member").path
}

async fn member(app: &TestApp, email: &str) -> Member {
    let members = staff::members(&app.site.db).await.expect("members");
    members.into_iter().find(|one| one.email.as_str() == email).expect("the member")
}

async fn invite_again(app: &TestApp) -> String {
    let nina = member(app, NINA).await;
    staff::invite_again(&app.site, None, &nina.public_id, nina.seen()).await.expect("an invitation").1.path
}

/// Takes up an invitation; the visitor is signed in then.
async fn join(app: &TestApp, path: &str, password: &str) -> Visitor {
    let visitor = app.visitor();
    let form = visitor.open(path).await.form("/desk/join").with("password", password);
    visitor.submit_and_follow(&form).await.says("Overview");
    visitor
}

/// Fails if a link still does anything.
#[track_caller]
fn assert_void(pages: [StatusCode; 2], why: &str) {
    assert_eq!(pages, [StatusCode::GONE, StatusCode::GONE], "{why}");
}

/// What opening a link answers, and pressing its button, as somebody does who had the page open before.
async fn tried(app: &TestApp, path: &str) -> [StatusCode; 2] {
    let visitor = app.visitor();
    let opened = visitor.open(path).await.status;
    let request = visitor.request(reqwest::Method::POST, path);
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .body("password=some+words+in+a+row");
    let pressed = visitor.send(request).await;
    assert!(pressed.headers.get("set-cookie").is_none() || pressed.status.is_redirection());
    [opened, pressed.status]
}

async fn sign_in(app: &TestApp, email: &str, password: &str) -> StatusCode {
    let visitor = app.visitor();
    let form = visitor.open("/desk/sign-in").await.form("/desk/sign-in");
    visitor.submit(&form.with("email", email).with("password", password)).await.status
}

async fn ask_for_a_link(app: &TestApp, email: &str) -> String {
    staff::send_sign_in_link(&app.site, &address(email), None).await.expect("asked");
    app.drain().await;
    app.last_mail(email).link("/desk/sign-in/")
}

both_engines! {
    /// TRUST A20, ASVS 6.4.6: of two letters the older is void, and after joining both are.
    async fn an_invitation_is_void_once_a_newer_one_is_sent_or_its_member_joined(app: TestApp) {
        let first = invite(&app).await;
        let second = invite_again(&app).await;
        assert_void(tried(&app, &first).await, "a newer one was sent");
        join(&app, &second, PASSWORD).await;
        for used in [&first, &second] {
            assert_void(tried(&app, used).await, "Nina has joined");
        }
        assert_eq!(sign_in(&app, NINA, PASSWORD).await, StatusCode::SEE_OTHER, "and her password is hers");
        app.drain().await;
    }

    /// Whatever changes an account makes void what was mailed before: invitations and sign-in links alike.
    async fn a_change_of_the_account_makes_its_links_void(app: TestApp) {
        let nina = { join(&app, &invite(&app).await, PASSWORD).await; member(&app, NINA).await.public_id };
        let site = &app.site;
        let seen = async || member(&app, NINA).await.seen();
        for change in ["password", "role", "disabled", "invited"] {
            let signs_in = staff::sign_in_link_path(site, &nina).await.expect("a link");
            let invites = invite_again(&app).await;
            assert_void(tried(&app, &signs_in).await, "a new invitation takes the place of all that went before");
            let signs_in = staff::sign_in_link_path(site, &nina).await.expect("a link");
            assert_eq!(app.visitor().open(&signs_in).await.status, StatusCode::OK, "so far it works");
            match change {
                "password" => {
                    let visitor = app.visitor();
                    let form = visitor.open("/desk/sign-in").await.form("/desk/sign-in");
                    visitor.submit(&form.with("email", NINA).with("password", PASSWORD)).await;
                    let form = visitor.open("/desk/account").await.form("/desk/account");
                    let form = form.with("present", PASSWORD).with("password", "another lantern on the quay");
                    visitor.submit_and_follow(&form).await.says("Your password was changed");
                }
                "role" => drop(staff::change_role(site, None, &nina, seen().await, Role::Sender).await.expect("changed")),
                "disabled" => {
                    staff::set_disabled(site, None, &nina, seen().await).await.expect("disabled");
                    assert_void(tried(&app, &invites).await, "while disabled");
                    staff::set_disabled(site, None, &nina, seen().await).await.expect("enabled");
                }
                _ => drop(invite_again(&app).await),
            }
            assert_void(tried(&app, &invites).await, change);
            assert_void(tried(&app, &signs_in).await, change);
        }
        app.drain().await;
    }

    /// Who has not joined when the role changes is sent a new invitation, which names the new role.
    async fn another_role_before_joining_is_another_invitation(app: TestApp) {
        let first = invite(&app).await;
        app.drain().await;
        let desk = app.desk().await;
        let nina = member(&app, NINA).await.public_id;
        let form = desk.open("/desk/team").await.form(&format!("/desk/team/{nina}/role")).with("role", "viewer");
        desk.submit(&form).await.says("An invitation to Nina is on its way");
        assert_void(tried(&app, &first).await, "another role");
        app.drain().await;
        let mail = app.last_mail(NINA);
        assert!(mail.text.contains("viewer"), "{}", mail.text);
        join(&app, &mail.link("/desk/join/"), PASSWORD).await;
        assert_eq!(member(&app, NINA).await.role, Role::Viewer);
    }

    /// Three asked for: the newest works, once.
    async fn only_the_newest_sign_in_link_works(app: TestApp) {
        let mut links = Vec::new();
        for _ in 0..3 {
            links.push(ask_for_a_link(&app, OWNER.0).await);
        }
        let visitor = app.visitor();
        let form = visitor.open(&links[2]).await.form("/desk/sign-in/");
        for old in &links[..2] {
            assert_void(tried(&app, old).await, "a newer one was sent");
        }
        visitor.submit_and_follow(&form).await.says("Overview");
        for used in &links {
            assert_void(tried(&app, used).await, "used");
        }
    }

    /// Two browsers press at once: one of them is in.
    async fn of_two_who_press_at_once_one_is_in(app: TestApp) {
        let path = invite(&app).await;
        let (one, two) = (app.visitor(), app.visitor());
        let form: Form = one.open(&path).await.form("/desk/join").with("password", PASSWORD);
        let (first, second) = tokio::join!(one.submit(&form), two.submit(&form));
        let mut statuses = [first.status, second.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::GONE]);
        app.drain().await;
    }

    /// A back-up is restored: whoever was invited after it is on no list, and somebody else has their number. Their letter
    /// opens nothing.
    async fn a_letter_of_a_lost_future_opens_nobodys_account(app: TestApp) {
        let lost = invite(&app).await;
        app.drain().await;
        change(&app.site.db, "delete from one_time_link").await;
        change(&app.site.db, "delete from staff where email = 'nina@example.org'").await;
        let email = address("oscar@example.org");
        let new = NewMember { name: "Oscar", email: &email, role: Role::Owner };
        staff::add_member(&app.site, None, new).await.expect("a member");
        assert_void(tried(&app, &lost).await, "its member was never added");
        app.drain().await;
        // The same person in both futures: the copy holds the link from before, and not the later one.
        change(&app.site.db, "create table kept as select * from one_time_link").await;
        let oscar = member(&app, "oscar@example.org").await;
        let (_, later) = staff::invite_again(&app.site, None, &oscar.public_id, oscar.seen()).await.expect("an invitation");
        change(&app.site.db, "delete from one_time_link").await;
        change(&app.site.db, "insert into one_time_link select * from kept").await;
        assert_void(tried(&app, &later.path).await, "it was sent after the copy");
        app.drain().await;
    }

    /// TRUST A33: every start of the program prints a link to set-up, and the newest works.
    async fn only_the_newest_link_to_set_up_works(db: TestDb) {
        let app = TestApp::without_owner(db).await;
        let path = async || staff::set_up_path(&app.site).await.expect("a read").expect("no owner yet");
        let (first, second) = (path().await, path().await);
        assert_eq!(app.visitor().open(&first).await.status, StatusCode::NOT_FOUND);
        assert_eq!(app.visitor().open(&second).await.status, StatusCode::OK);
    }

    /// TRUST A21: a try is counted before it is judged, so that two hundred at once are not two hundred guesses.
    async fn guesses_that_come_all_at_once_are_not_all_judged(app: TestApp) {
        let mut forms = Vec::new();
        for number in 0..200 {
            let (visitor, password) = (app.visitor(), format!("a wrong guess, number {number}"));
            let form = visitor.open("/desk/sign-in").await.form("/desk/sign-in");
            forms.push((visitor, form.with("email", OWNER.0).with("password", &password)));
        }
        let guesses = forms.iter().map(async |(visitor, form)| visitor.submit(form).await.text());
        let answers = futures_util::future::join_all(guesses).await;
        let judged = answers.iter().filter(|text| text.contains("do not belong together")).count();
        assert!(judged <= 10, "{judged} of 200 were judged");
        assert!(answers.iter().all(|text| text.contains("do not belong") || text.contains("Too many tries")));
        app.advance(Duration::from_secs(901));
        assert_eq!(sign_in(&app, OWNER.0, OWNER.1).await, StatusCode::SEE_OTHER, "nobody is kept out for longer");
        // And who signs in right is not counted at all.
        for _ in 0..60 {
            assert_eq!(sign_in(&app, OWNER.0, OWNER.1).await, StatusCode::SEE_OTHER);
        }
    }

    /// The same for links: however many ask at once, three mails are the most.
    async fn links_that_are_asked_for_all_at_once_are_not_all_mailed(app: TestApp) {
        let email = address(OWNER.0);
        let ask = |_| staff::send_sign_in_link(&app.site, &email, None);
        let asked = futures_util::future::join_all((0..20).map(ask)).await;
        assert!(asked.iter().all(Result::is_ok));
        app.drain().await;
        assert!(app.mails(OWNER.0).len() <= 3, "{} mails", app.mails(OWNER.0).len());
    }

    /// A link that names nobody, or a nonce that never was, opens nothing: genuine as its signature may be.
    async fn a_link_in_the_form_of_older_versions_opens_nothing(app: TestApp) {
        let owner = member(&app, OWNER.0).await;
        let expires = Some(app.site.now().plus(Duration::from_secs(600)));
        for (purpose, page) in [
            (broadside::token::Purpose::SignIn, "/desk/sign-in"),
            (broadside::token::Purpose::Invite, "/desk/join"),
        ] {
            for subject in [owner.id.to_string(), owner.public_id.clone()] {
                let token = app.site.keys.sign(purpose, &format!("{subject}.{}", public_id()), expires);
                assert_void(tried(&app, &format!("{page}/{token}")).await, page);
            }
        }
    }
}
