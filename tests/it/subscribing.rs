//! From the form to the list: what readers see, what they get, and what nobody can do in their name.

use std::time::Duration;

use broadside::{
    publishing,
    subscribers::{self, SubscriptionState, lists::Visibility},
    web::HeaderSet,
};
use reqwest::{Method, StatusCode};

use crate::support::{TestApp, both_engines, database::change, visitor::Form};

const DAY: Duration = Duration::from_secs(86_400);

/// The form at `page`, filled in.
async fn filled(app: &TestApp, page: &str, email: &str) -> Form {
    let form = app.visitor().open(page).await.form("/subscribe");
    assert!(form.value("consent").is_none(), "TRUST L2: the box is not ticked for anybody");
    form.with("email", email).with("consent", "yes")
}

/// None for nobody we know.
async fn state(app: &TestApp, email: &str) -> Option<SubscriptionState> {
    let reader = subscribers::by_email(&app.site.db, &email.parse().expect("an address")).await;
    let reader = reader.expect("a read")?;
    let known = subscribers::subscriptions(&app.site.db, reader.id).await.expect("a read");
    known.into_iter().next().map(|one| one.state)
}

both_engines! {
    /// The whole way, from the front page, without JavaScript.
    async fn a_reader_joins_from_the_front_page(app: TestApp) {
        let visitor = app.visitor();
        let form = filled(&app, "/", "ann@example.org").await;
        visitor.submit_and_follow(&form).await.says("Check your mail");
        app.drain().await;
        let mail = app.last_mail("ann@example.org");
        let page = visitor.open(&mail.link("/confirm/")).await;
        page.says("You asked for The digest by email");
        let welcome = visitor.submit_and_follow(&page.form("/confirm/")).await;
        assert_eq!(welcome.status, StatusCode::OK);
        welcome.says("You are on the list");
        assert_eq!(state(&app, "ann@example.org").await, Some(SubscriptionState::Confirmed));
        visitor.submit_and_follow(&page.form("/confirm/")).await.says("You are on the list");
    }

    /// TRUST A25, M3: programs look at links before people do; looking confirms nothing.
    async fn looking_at_the_confirmation_page_confirms_nothing(app: TestApp) {
        app.subscribe("ann@example.org").await;
        let link = app.last_mail("ann@example.org").link("/confirm/");
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let visitor = app.visitor();
            visitor.send(visitor.request(method, &link).header("purpose", "prefetch")).await;
        }
        assert_eq!(state(&app, "ann@example.org").await, Some(SubscriptionState::Pending));
    }

    /// TRUST A25: the page presses for who looks at it where the letter asked about all that it shows: what somebody else asked for in their
    /// name meanwhile waits for a press of their own, also in a tab that a browser opens again.
    async fn the_page_presses_for_what_its_letter_asked(app: TestApp) {
        publishing::make_list(&app.site, ("appeals", "Appeals", Visibility::Public), None).await.expect("made").expect("free");
        let presses = async |link: &str| app.visitor().open(link).await.body.contains("data-press");
        app.subscribe("ann@example.org").await;
        let link = app.last_mail("ann@example.org").link("/confirm/");
        assert!(presses(&link).await);
        // Impatience is no reason to ask for a press.
        app.subscribe("ann@example.org").await;
        assert!(presses(&link).await);
        let form = app.visitor().open(&link).await.form("/confirm/");
        app.visitor().submit_and_follow(&form).await;
        let digest = app.list().await;
        let all = subscribers::lists::all(&app.site.db).await.expect("a read");
        let appeals = all.iter().find(|one| one.id != digest).expect("the other").id.to_string();
        let stranger = filled(&app, "/subscribe", "ann@example.org").await.with("list", &appeals);
        app.visitor().submit_and_follow(&stranger).await.says("Check your mail");
        let again = app.visitor().open(&link).await;
        again.says("Appeals");
        assert!(!again.body.contains("data-press"), "{}", again.body);
        // Who left asks once more, and a new letter asks about that; the tab of before stays as it is.
        let ann = app.reader_row("ann@example.org").await;
        subscribers::leave_by_staff(&app.site, ann, digest, "by phone").await.expect("gone");
        app.advance(std::time::Duration::from_secs(2 * 86_400));
        app.subscribe("ann@example.org").await;
        assert!(!presses(&link).await);
        let new = app.last_mail("ann@example.org").link("/confirm/");
        assert_ne!(new, link);
        assert!(!app.visitor().open(&new).await.body.contains("You are on the list"));
    }

    /// TRUST A22: a known address, one that waits, one that left and a new one get the same bytes.
    async fn the_form_answers_every_address_the_same(app: TestApp) {
        app.reader("known@example.org").await;
        app.subscribe("waiting@example.org").await;
        let mut answers = Vec::new();
        for email in ["known@example.org", "waiting@example.org", "new@example.org"] {
            let form = filled(&app, "/subscribe", email).await;
            let visitor = app.visitor();
            let answer = visitor.submit(&form).await;
            let mut headers = answer.headers.clone();
            headers.remove("date");
            // Where it leads names what was typed, sealed, and nothing else of it.
            let leads_to = headers.remove("location").expect("it leads on");
            let after = visitor.follow(leads_to.to_str().expect("an address")).await;
            after.says(email);
            answers.push((answer.status, headers, answer.body, after.status, after.body.replace(email, "them")));
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0], answers[2]);
        app.drain().await;
        assert_eq!(app.mails("known@example.org").len(), 1, "the one from before");
        assert_eq!(app.mails("waiting@example.org").len(), 1, "the one from before");
        assert_eq!(app.mails("new@example.org").len(), 1);
    }

    /// TRUST A24, A1, M29: what a stranger typed as a name reaches nobody, and the mail offers no one-click leaving.
    async fn the_confirmation_mail_holds_nothing_that_was_typed(app: TestApp) {
        let form = filled(&app, "/subscribe", "ann@example.org").await;
        let form = form.with("name", "{{secret}} Buy my watches at https://evil.example");
        app.visitor().submit_and_follow(&form).await;
        app.drain().await;
        let mail = app.last_mail("ann@example.org");
        let raw = String::from_utf8_lossy(&mail.raw).into_owned();
        assert!(!raw.contains("watches") && !raw.contains("evil.example"), "{raw}");
        assert!(mail.header("List-Unsubscribe").is_none() && mail.header("List-Unsubscribe-Post").is_none());
        assert!(!mail.html.contains("<img"), "no pixel");
    }

    /// A form with mistakes comes back with what was typed.
    async fn a_form_with_mistakes_comes_back_with_its_values(app: TestApp) {
        let visitor = app.visitor();
        let form = visitor.open("/subscribe").await.form("/subscribe");
        let again = visitor.submit_and_follow(&form.with("email", "not <an> address").with("name", "Ann")).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        again.says("Enter an email address in the form").says("Tick the box");
        let form = again.form("/subscribe");
        assert_eq!((form.value("email"), form.value("name")), (Some("not <an> address"), Some("Ann")));
    }

    /// TRUST A24: what fills in every field is no person.
    async fn a_program_that_fills_in_every_field_joins_nobody(app: TestApp) {
        let form = filled(&app, "/subscribe", "victim@example.org").await.with("website", "https://spam.example");
        app.visitor().submit_and_follow(&form).await.says("Check your mail");
        assert_eq!(state(&app, "victim@example.org").await, None);
    }

    /// TRUST A13: what the form does not ask is refused, and a list that it does not offer is not joined by it.
    async fn what_the_form_does_not_offer_is_not_taken(app: TestApp) {
        change(&app.site.db, "insert into list (id, public_id, slug, name, description, visibility, created_at) values (999, 'aside', 'aside', 'Aside', '', 'private', 7)").await;
        let form = filled(&app, "/subscribe", "ann@example.org").await;
        let more = app.visitor().submit_and_follow(&form.clone().with("role", "owner")).await;
        assert_eq!(more.status, StatusCode::BAD_REQUEST);
        let hidden = app.visitor().submit_and_follow(&form.with("list", "999")).await;
        assert!(hidden.status.is_client_error(), "{}", hidden.status);
        assert_eq!(state(&app, "ann@example.org").await, None);
    }

    /// TRUST A24: the link grows old; then the form is the way.
    async fn an_old_confirmation_link_says_what_to_do(app: TestApp) {
        app.subscribe("ann@example.org").await;
        let link = app.last_mail("ann@example.org").link("/confirm/");
        app.advance(DAY * 8);
        let page = app.visitor().open(&link).await;
        assert_eq!(page.status, StatusCode::GONE);
        page.says("This link is too old");
        let forged = format!("{}x", app.url("/confirm/AAAA"));
        app.visitor().open(&forged).await.says("This link does not work");
    }

    /// TRUST A30, A22: pages of a token are never stored, and send no referrer.
    async fn pages_of_a_token_leave_no_trace(app: TestApp) {
        app.subscribe("ann@example.org").await;
        let page = app.visitor().open(&app.last_mail("ann@example.org").link("/confirm/")).await;
        let checkout = app.payments.provider.checkout_origin();
        for (name, value) in HeaderSet::PublicForm.all(Some(&checkout), true) {
            assert_eq!(page.headers.get(&name).and_then(|value| value.to_str().ok()), Some(value.as_str()), "{name}");
        }
    }
}
