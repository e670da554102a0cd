//! Stripe's client against a server that says what a test wants and keeps what it was asked, over real sockets.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    EventsAsked, Every, NewCheckout, PaymentProvider, PaymentState, ProviderError, RecurringState,
    SessionState, Stripe, StripeSettings, stripe::API_VERSION,
};
use crate::{clock::Moment, money::Currency, money::Money};

type Answers = Arc<Mutex<VecDeque<(u16, String)>>>;
type Requests = Arc<Mutex<Vec<String>>>;

struct Server {
    stripe: Stripe,
    requests: Requests,
}

impl Server {
    /// A server that gives these answers in turn; status 0 hangs up without one.
    async fn saying(answers: &[(u16, &str)]) -> Self {
        let answers: VecDeque<_> =
            answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let answers: Answers = Arc::new(Mutex::new(answers));
        let requests: Requests = Requests::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, &answers, &kept).await;
            }
        });
        let settings = StripeSettings {
            secret_key: "sk_test_1".to_owned(),
            // Without the slash at the end, as an operator would type it.
            api_base: format!("http://{address}").parse().expect("an address"),
        };
        let mut stripe = Stripe::new(&settings).expect("a client");
        stripe.waits = Default::default();
        Self { stripe, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer(mut stream: TcpStream, answers: &Answers, requests: &Requests) {
    let mut bytes = Vec::new();
    let mut part = [0; 8_192];
    let text = loop {
        let read = stream.read(&mut part).await.unwrap_or(0);
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 { return } else { continue }
        };
        let wanted = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned))
            .and_then(|length| length.trim().parse().ok())
            .unwrap_or(0);
        if body.len() >= wanted || read == 0 {
            break text;
        }
    };
    // Whatever is asked, the version is pinned.
    assert!(text.contains(&format!("stripe-version: {API_VERSION}\r\n")), "{text}");
    requests.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    let next = answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let Some((status, body)) = next.filter(|(status, _)| *status > 0) else { return };
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
}

fn checkout(every: Every) -> NewCheckout {
    NewCheckout {
        idempotency_key: "checkout:abc".to_owned(),
        every,
        amount_minor: 1_500,
        currency: "EUR".to_owned(),
        description: "Donation to The Lamplighter".to_owned(),
        email: "ann@example.org".to_owned(),
        donation: "abc".to_owned(),
        recurring: (every == Every::Month).then(|| "xyz".to_owned()),
        success_url: "https://magazine.example.org/thanks/abc".to_owned(),
        cancel_url: "https://magazine.example.org/donate".to_owned(),
        expires_at: Some(1_800_002_100),
    }
}

const MADE: &str = r#"{"id":"cs_1","object":"checkout.session","url":"https://checkout.example.com/cs_1"}"#;
const BUSY: &str = r#"{"error":{"type":"api_error","message":"busy"}}"#;

/// The fields of a request's body, decoded.
fn fields(request: &str) -> Vec<(String, String)> {
    let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

/// What is asked of Stripe, to the letter. (These names are those of Stripe's published request types.)
#[tokio::test]
async fn a_checkout_is_asked_for_in_stripes_own_words() {
    let server = Server::saying(&[(200, MADE), (200, MADE)]).await;
    let made = server.stripe.create_checkout(&checkout(Every::Once)).await.expect("a page");
    assert_eq!(made.url, "https://checkout.example.com/cs_1");
    server.stripe.create_checkout(&checkout(Every::Month)).await.expect("a page");
    let requests = server.requests();
    for request in &requests {
        let head = request.split("\r\n\r\n").next().expect("a head").to_ascii_lowercase();
        assert!(head.starts_with("post /v1/checkout/sessions "), "{head}");
        assert!(head.contains("idempotency-key: checkout:abc"));
        assert!(head.contains("authorization: bearer sk_test_1"));
    }
    let common = |monthly: bool| {
        let place = if monthly { "subscription_data" } else { "payment_intent_data" };
        let mut all = vec![
            ("cancel_url".to_owned(), "https://magazine.example.org/donate".to_owned()),
            ("client_reference_id".to_owned(), "abc".to_owned()),
            ("customer_email".to_owned(), "ann@example.org".to_owned()),
            ("expires_at".to_owned(), "1800002100".to_owned()),
            ("line_items[0][price_data][currency]".to_owned(), "eur".to_owned()),
            (
                "line_items[0][price_data][product_data][name]".to_owned(),
                "Donation to The Lamplighter".to_owned(),
            ),
            ("line_items[0][price_data][unit_amount]".to_owned(), "1500".to_owned()),
            ("line_items[0][quantity]".to_owned(), "1".to_owned()),
            ("metadata[broadside_donation]".to_owned(), "abc".to_owned()),
            ("mode".to_owned(), if monthly { "subscription" } else { "payment" }.to_owned()),
            ("success_url".to_owned(), "https://magazine.example.org/thanks/abc".to_owned()),
            (format!("{place}[description]"), "Donation to The Lamplighter".to_owned()),
            (format!("{place}[metadata][broadside_donation]"), "abc".to_owned()),
        ];
        if monthly {
            all.push(("line_items[0][price_data][recurring][interval]".to_owned(), "month".to_owned()));
            all.push(("metadata[broadside_recurring]".to_owned(), "xyz".to_owned()));
            all.push((format!("{place}[metadata][broadside_recurring]"), "xyz".to_owned()));
        }
        all.sort();
        all
    };
    for (request, monthly) in requests.iter().zip([false, true]) {
        let mut sent = fields(request);
        sent.sort();
        assert_eq!(sent, common(monthly));
    }
}

/// TRUST D6: whatever goes wrong on the way, every attempt carries the one stored key.
#[tokio::test]
async fn a_busy_or_silent_provider_is_asked_again_with_the_same_key() {
    let server = Server::saying(&[(503, BUSY), (0, ""), (200, MADE)]).await;
    server.stripe.create_checkout(&checkout(Every::Once)).await.expect("a page in the end");
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.contains("idempotency-key: checkout:abc")));
    assert!(requests.iter().all(|request| fields(request) == fields(&requests[0])));
}

#[tokio::test]
async fn an_error_says_whether_the_same_call_may_follow() {
    let refusal = r#"{"error":{"type":"invalid_request_error","code":"amount_too_small","message":"no"}}"#;
    let server = Server::saying(&[(400, refusal)]).await;
    let error = server.stripe.create_checkout(&checkout(Every::Once)).await.expect_err("a refusal");
    assert_eq!(
        error,
        ProviderError::Refused { status: 400, code: "amount_too_small".to_owned(), message: "no".to_owned() }
    );
    assert_eq!(server.requests().len(), 1, "a refusal is not asked again");

    let server = Server::saying(&[(429, BUSY), (409, BUSY), (500, BUSY)]).await;
    let error = server.stripe.payment("pi_1").await.expect_err("busy for ever");
    assert!(matches!(error, ProviderError::Retryable { status: 500, .. }));

    // An answer that cannot be read is no refusal: Stripe may have acted.
    let server = Server::saying(&[(200, "{"), (502, "<html>"), (200, "[]")]).await;
    let error = server.stripe.create_checkout(&checkout(Every::Once)).await.expect_err("nothing to read");
    assert!(matches!(error, ProviderError::Unknown(_)));
    assert!(error.may_work_later());

    let unknown = NewCheckout { currency: "???".to_owned(), ..checkout(Every::Once) };
    let server = Server::saying(&[]).await;
    assert!(server.stripe.create_checkout(&unknown).await.is_err());
}

/// The objects have a hundred fields more; one that is missing or new must not matter.
#[tokio::test]
async fn objects_are_read_as_far_as_they_matter() {
    let session = r#"{"id":"cs_1","object":"checkout.session","status":"complete","payment_status":"unpaid",
        "mode":"subscription","created":1800000000,"metadata":{"broadside_donation":"abc","broadside_recurring":"xyz","x":"y"},
        "amount_total":1500,"currency":"eur","payment_intent":null,"subscription":"sub_1","invoice":"in_1",
        "customer_email":null,"customer_details":{"email":"ann@example.org","name":"Ann","phone":null},
        "a_new_field":{"deep":[1,2.5,null]}}"#;
    let invoice = r#"{"id":"in_1","status":"paid","created":1800000000,"status_transitions":{"paid_at":1800000060},"amount_paid":1500,"currency":"eur","billing_reason":"subscription_create",
        "customer_email":"ann@example.org","next_payment_attempt":null,
        "parent":{"type":"subscription_details","subscription_details":{"subscription":"sub_1","metadata":{}}},
        "payments":{"object":"list","data":[{"id":"inpay_1","status":"paid",
        "payment":{"type":"payment_intent","payment_intent":"pi_1"}}]}}"#;
    let subscription = r#"{"id":"sub_1","status":"past_due","customer":"cus_1","metadata":{},"created":1800000000,"ended_at":null,
        "items":{"object":"list","data":[{"id":"si_1","quantity":3,"price":{"unit_amount":500,"currency":"eur"}}]}}"#;
    let customer =
        r#"{"id":"cus_1","email":"ann@example.org","invoice_settings":{"default_payment_method":"pm_1"}}"#;
    let method = r#"{"id":"pm_1","card":{"brand":"visa","last4":"4242","exp_month":4,"exp_year":2031}}"#;
    let payment = r#"{"id":"pi_1","status":"requires_payment_method","amount":1500,"amount_received":0,"currency":"eur",
        "latest_charge":{"id":"ch_1","created":1800000000,"balance_transaction":null},
        "metadata":{"broadside_donation":"abc"}}"#;
    let arrived = r#"{"id":"pi_2","status":"succeeded","amount":1500,"amount_received":1500,"currency":"eur","metadata":{},
        "latest_charge":{"id":"ch_2","created":1800000000,"balance_transaction":{"id":"txn_1","type":"charge","amount":1500,"currency":"eur","created":1800500000,"fee":74}}}"#;
    let server = Server::saying(&[
        (200, session),
        (200, invoice),
        (200, subscription),
        (200, customer),
        (200, method),
        (200, payment),
        (200, arrived),
    ])
    .await;
    let fifteen = Some(Money::new(1_500, Currency::EUR));

    let session = server.stripe.checkout_session("cs_1").await.expect("a session");
    assert_eq!((session.state, session.every, session.total), (SessionState::Unpaid, Every::Month, fifteen));
    assert_eq!(session.ours.recurring.as_deref(), Some("xyz"));
    assert_eq!((session.email.as_deref(), session.name.as_deref()), (Some("ann@example.org"), Some("Ann")));

    let invoice = server.stripe.invoice("in_1").await.expect("an invoice");
    assert!(invoice.paid && invoice.first && invoice.amount == fifteen);
    assert_eq!(invoice.paid_at, Some(Moment::from_unix_seconds(1_800_000_060)));
    assert_eq!((invoice.subscription.as_deref(), invoice.payment.as_deref()), (Some("sub_1"), Some("pi_1")));
    assert!(server.requests()[1].starts_with("GET /v1/invoices/in_1?expand"));

    let subscription = server.stripe.subscription("sub_1").await.expect("a subscription");
    assert_eq!((subscription.state, subscription.amount), (RecurringState::PastDue, fifteen));
    let paid_by = subscription.terms.method.expect("what its customer pays with");
    assert_eq!((paid_by.brand.as_str(), paid_by.expires.as_str()), ("Visa", "2031-04"));

    let payment = server.stripe.payment("pi_1").await.expect("a payment");
    assert_eq!((payment.state, payment.amount), (PaymentState::NotPaid, fifteen));
    assert_eq!(payment.paid_at, None);

    let arrived = server.stripe.payment("pi_2").await.expect("a payment");
    assert_eq!(arrived.state, PaymentState::Succeeded);
    assert_eq!(arrived.paid_at, Some(Moment::from_unix_seconds(1_800_500_000)), "not when the attempt began");
}

/// TRUST D3: the list of events is read to its end.
#[tokio::test]
async fn events_are_listed_page_by_page() {
    let event = |id: &str, at: i64| {
        format!(
            r#"{{"id":"{id}","type":"invoice.paid","created":{at},"livemode":false,"data":{{"object":{{"id":"in_1"}}}}}}"#
        )
    };
    let first = format!(
        r#"{{"object":"list","has_more":true,"data":[{},{}]}}"#,
        event("evt_3", 30),
        event("evt_2", 20)
    );
    let second = format!(r#"{{"object":"list","has_more":false,"data":[{}]}}"#, event("evt_1", 10));
    let server = Server::saying(&[(200, &first), (200, &second)]).await;
    let asked = EventsAsked {
        kinds: &["invoice.paid", "charge.updated"],
        from: Some(Moment::from_unix_seconds(5)),
        until: Some(Moment::from_unix_seconds(50)),
    };
    let page = server.stripe.events(&asked, None).await.expect("a page");
    let ids: Vec<&str> = page.events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["evt_3", "evt_2"]);
    assert_eq!(page.events[1].created, Moment::from_unix_seconds(20));
    assert_eq!(page.next.as_deref(), Some("evt_2"));
    let last = server.stripe.events(&asked, page.next.as_deref()).await.expect("a page");
    assert_eq!((last.events[0].id.as_str(), last.next), ("evt_1", None));
    let requests = server.requests();
    for part in
        ["created%5Bgte%5D=5", "created%5Blt%5D=50", "types%5B%5D=invoice.paid&types%5B%5D=charge.updated"]
    {
        assert!(requests[0].contains(part), "{part}: {}", requests[0]);
    }
    assert!(requests[1].contains("starting_after=evt_2"));
}

/// One that has ended can no longer be cancelled at Stripe; to us that is no error.
#[tokio::test]
async fn cancelling_what_has_ended_is_no_error() {
    let missing = r#"{"error":{"type":"invalid_request_error","code":"resource_missing","message":"no"}}"#;
    let over =
        r#"{"id":"sub_1","status":"canceled","metadata":{},"created":1800000000,"ended_at":1800000500}"#;
    let server = Server::saying(&[(404, missing), (200, over)]).await;
    let ended = server.stripe.cancel_subscription("sub_1", "cancel:xyz").await.expect("over is over");
    assert_eq!(ended.ended_at, Some(Moment::from_unix_seconds(1_800_000_500)));
    assert!(server.requests()[0].starts_with("DELETE /v1/subscriptions/sub_1"));

    let server = Server::saying(&[(404, missing), (404, missing)]).await;
    let error =
        server.stripe.cancel_subscription("sub_1", "cancel:xyz").await.expect_err("never heard of it");
    assert!(error.is_missing());
}

/// What is kept of an error names nobody: not whom the provider refused, nor whoever its words quote.
#[test]
fn what_is_kept_of_an_error_names_nobody() {
    let refused = |code: &str, message: &str| ProviderError::Refused {
        status: 400,
        code: code.to_owned(),
        message: message.to_owned(),
    };
    let typed = refused("email_invalid", "Invalid email address: Ann <ann@example.org>").for_the_record();
    assert!(typed.contains("email_invalid") && !typed.contains("Ann") && !typed.contains('@'), "{typed}");
    let quoted = refused("parameter_invalid", "ann@example.org has no such card").for_the_record();
    assert!(quoted.contains("no such card") && !quoted.contains("ann"), "{quoted}");
}
