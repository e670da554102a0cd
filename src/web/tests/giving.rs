//! The pages of giving, through HTTP, against a payment provider in memory.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use data_encoding::HEXLOWER;

use crate::{
    donations::{self, tests::fake::Fake},
    payments::{PaymentState, Payments, SessionState, WebhookSecrets},
    staff::Role,
    subscribers::machines,
    support::{
        database::{Fixture, TestDb, both_engines},
        pages::Web,
    },
    web::router,
};

const SECRET: &str = "whsec_test";

#[derive(Clone)]
struct Giving {
    web: Web,
    provider: Arc<Fake>,
}

impl Fixture for Giving {
    async fn start(db: TestDb) -> Self {
        let mut web = Web::start(db).await;
        let provider = Arc::new(Fake::default());
        let payments = Payments {
            provider: provider.clone(),
            webhook_secrets: WebhookSecrets::new([SECRET.to_owned()]),
        };
        web.app = web.app.clone().with_payments(payments);
        // Nobody takes any time while the clock stands still.
        web.app.quickest_form = Duration::ZERO;
        web.router = router(web.app.clone());
        Self { web, provider }
    }
}

impl Giving {
    /// Fills in the form and comes back with the gift's public id.
    async fn give(&self, every: &str) -> String {
        let made = machines::mark(&self.web.app.site);
        let form = [
            ("made", made.as_str()),
            ("amount", "25.00"),
            ("own_amount", ""),
            ("every", every),
            ("email", "ann@example.org"),
            ("name", "Ann"),
            ("e", ""),
        ];
        let answer = self.web.post("/donate", "", &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let to = answer.header("location").to_owned();
        to.strip_prefix("https://checkout.example.com/cs_").expect("the checkout page").to_owned()
    }

    async fn hook(&self, signature: &str, body: String) -> StatusCode {
        let request = Request::post("/hooks/stripe").header("stripe-signature", signature);
        self.web.send(request.body(Body::from(body)).expect("a request")).await.status
    }

    /// Tells of an object, signed, and lets the inbox be worked on.
    async fn tell(&self, id: &str, kind: &str, object: &str) {
        let at = self.web.app.site.now().unix_seconds();
        let body = format!(
            r#"{{"id":"{id}","type":"{kind}","created":{at},"livemode":false,"data":{{"object":{{"id":"{object}"}}}}}}"#
        );
        assert_eq!(self.hook(&sign(at, &body), body).await, StatusCode::OK);
        donations::process_inbox(&self.web.app.site, self.provider.as_ref()).await.expect("a round");
    }

    async fn thanks(&self, gift: &str) -> String {
        let token = donations::thanks_token(&self.web.app.site, gift);
        self.web.get(&format!("/thanks/{token}"), "").await.body
    }
}

fn sign(at: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let mac = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    format!("t={at},v1={}", HEXLOWER.encode(mac.as_ref()))
}

both_engines! {
    /// Without a key the page says so, and nothing can be sent to it.
    async fn donations_are_off_without_a_provider_and_say_so(web: Web) {
        let page = web.get("/donate", "").await;
        assert!(page.body.contains("Donations are switched off"));
        let answer = web.post("/donate", "", &[("amount", "5"), ("every", "once")]).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(web.post("/hooks/stripe", "", &[]).await.status, StatusCode::NOT_FOUND);
    }

    /// The form leads to the checkout, which the policy lets it do, and says who gets the money; it subscribes nobody (TRUST L2).
    async fn the_donation_form_leads_to_the_checkout(giving: Giving) {
        let page = giving.web.get("/donate?every=month", "").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            page.header("content-security-policy").contains("form-action 'self' https://checkout.example.com;")
        );
        for said in ["€25", "You give to <strong>The Lamplighter</strong>", "value=\"month\" checked"] {
            assert!(page.body.contains(said), "{said} is missing");
        }
        assert!(!page.body.contains("type=\"checkbox\""));
        let gift = giving.give("month").await;
        let listed = donations::find_donation(&giving.web.app.site.db, &gift).await.expect("a read").expect("it is there");
        assert_eq!((listed.amount().as_str(), listed.is_monthly()), ("€25.00", true));
    }

    /// TRUST A27: a form with mistakes comes back with what was typed.
    async fn a_form_with_mistakes_keeps_what_was_typed(giving: Giving) {
        let form = [
            ("amount", "5.00"),
            ("own_amount", "-7"),
            ("every", "month"),
            ("email", "<ann>"),
            ("name", "Ann \"A\" <b>"),
            ("e", ""),
        ];
        let answer = giving.web.post("/donate", "", &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        for kept in ["value=\"-7\"", "value=\"month\" checked", "&lt;ann&gt;", "must be more than zero"] {
            assert!(answer.body.contains(kept), "{kept} is missing in {}", answer.body);
        }
        assert!(!answer.body.contains("<b>"));
        let other = [("amount", "5"), ("every", "once"), ("email", "ann@example.org"), ("currency", "JPY")];
        assert_eq!(giving.web.post("/donate", "", &other).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(giving.provider.objects().calls, 0);
    }

    /// TRUST T5, D5: nobody is thanked before the money is there.
    async fn thanks_are_given_for_money_that_is_there_and_for_no_other(giving: Giving) {
        let gift = giving.give("once").await;
        assert!(!giving.thanks(&gift).await.contains("Thank you"));
        let (session, _) = giving.provider.pay_once(&gift, SessionState::Unpaid, PaymentState::Processing);
        giving.tell("evt_1", "checkout.session.completed", &session).await;
        let waiting = giving.thanks(&gift).await;
        assert!(waiting.contains("We are waiting for your bank") && !waiting.contains("Thank you"));
        giving.provider.pay_once(&gift, SessionState::Paid, PaymentState::Succeeded);
        giving.tell("evt_2", "checkout.session.async_payment_succeeded", &session).await;
        let thanks = giving.thanks(&gift).await;
        assert!(
            thanks.contains("Thank you") && thanks.contains("€25.00") && thanks.contains("Receipt no. 2027-"),
            "{thanks}"
        );
        // The bare name of a gift, as logs and the provider have it, opens nothing; who comes back by an old link is not lost.
        let bare = giving.web.get(&format!("/thanks/{gift}"), "").await;
        assert_eq!(bare.status, StatusCode::OK);
        assert!(
            !bare.body.contains("25.00") && !bare.body.contains("Receipt no.") && !bare.body.contains("/giving/")
        );
        let other = giving.web.get(&format!("/thanks/{}", "a".repeat(26)), "").await;
        assert_eq!(other.body, bare.body, "it tells nobody which gifts there are");
        assert_eq!(giving.web.get("/thanks/unknown", "").await.status, StatusCode::NOT_FOUND);
    }

    /// TRUST A18: what the provider did not sign is refused before it is read, and a huge body before it is checked.
    async fn the_hook_takes_nothing_but_genuine_events(giving: Giving) {
        let at = giving.web.app.site.now().unix_seconds();
        let body = r#"{"id":"evt_1","type":"x.y","created":1,"livemode":false,"data":{"object":{"id":"x_1"}}}"#;
        assert_eq!(giving.hook("", body.to_owned()).await, StatusCode::BAD_REQUEST);
        assert_eq!(giving.hook(&sign(at, "{}"), body.to_owned()).await, StatusCode::BAD_REQUEST);
        assert_eq!(giving.hook(&sign(at - 301, body), body.to_owned()).await, StatusCode::BAD_REQUEST);
        let live = body.replace("false", "true");
        assert_eq!(giving.hook(&sign(at, &live), live).await, StatusCode::BAD_REQUEST);
        let huge = "x".repeat(1_048_577);
        assert_eq!(giving.hook(&sign(at, &huge), huge).await, StatusCode::PAYLOAD_TOO_LARGE);
        let unfinished = donations::unfinished(&giving.web.app.site.db).await.expect("a read");
        assert_eq!((unfinished.waiting, unfinished.dead), (0, 0));

        // An unknown kind is taken, so that the provider does not send it for days; what cannot be read is kept for staff.
        assert_eq!(giving.hook(&sign(at, body), body.to_owned()).await, StatusCode::OK);
        assert_eq!(giving.hook(&sign(at, "{"), "{".to_owned()).await, StatusCode::OK);
        let unfinished = donations::unfinished(&giving.web.app.site.db).await.expect("a read");
        assert_eq!((unfinished.waiting, unfinished.dead), (0, 1));
    }

    async fn a_monthly_donation_is_ended_with_one_button(giving: Giving) {
        let gift = giving.give("month").await;
        let (session, _, _) = giving.provider.pay_monthly(&gift);
        giving.tell("evt_1", "checkout.session.completed", &session).await;
        let thanks = giving.thanks(&gift).await;
        let at = thanks.find("/giving/").expect("a link to the monthly donation");
        let path = thanks[at..].split('"').next().expect("the end of the link").to_owned();
        let page = giving.web.get(&path, "").await;
        assert!(page.body.contains("You give €25.00 every month"));
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        let pressed = giving.web.post(&path, "", &[]).await;
        assert_eq!(pressed.status, StatusCode::SEE_OTHER, "{}", pressed.body);
        let ended = giving.web.get(pressed.header("location"), "").await;
        assert!(ended.body.contains("Your regular donation has ended"), "{}", ended.body);
        assert_eq!(giving.web.get("/giving/forged", "").await.status, StatusCode::NOT_FOUND);
    }

    async fn the_treasurer_sees_donations_with_their_lines_in_the_book(giving: Giving) {
        let gift = giving.give("once").await;
        let unpaid = giving.give("once").await;
        let (session, payment) = giving.provider.pay_once(&gift, SessionState::Paid, PaymentState::Succeeded);
        giving.tell("evt_1", "checkout.session.completed", &session).await;
        let (cookie, csrf) = giving.web.session_of(Role::Treasurer).await;
        let list = giving.web.get("/desk/donations", &cookie).await;
        assert_eq!(list.status, StatusCode::OK, "{}", list.body);
        for said in ["1 donation given once", "€25.00", "at the checkout", "Ann", &gift, &unpaid] {
            assert!(list.body.contains(said), "{said} is missing");
        }
        let one = giving.web.get(&format!("/desk/donations/{gift}"), &cookie).await.body;
        for said in ["Held by Stripe", "-€25.00", &payment, "The payment page was gone through", "No. 2027-"] {
            assert!(one.contains(said), "{said} is missing");
        }
        let again = giving.web.post("/desk/donations/events/evt_1", &cookie, &[("csrf", &csrf)]).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND, "an event that was applied is not tried again");
    }
}
