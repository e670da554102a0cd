//! What must be so at the end of every history: each difference between our rows and book and what the provider has, by what finds it.
//!
//! The rule: what is expected is read from the sandbox's own objects alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use broadside::{
    clock::Moment,
    donations,
    sandbox::{Charged, Rhythm, StripeServer},
};
use serde_json::Value;

use crate::support::{TestApp, app::BEGINNING, database::rows, mail::Mail};

/// What the judge cannot know of the provider.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Whether everything that another program left was taken over.
    pub adopted: bool,
    /// Payments that are a shop's.
    pub sold: BTreeSet<String>,
    /// Subscriptions whose supporters were told that they are over, and when.
    pub ended: Vec<(String, Moment)>,
    /// The keys of what was asked to be sent back at the desk.
    pub refunds_asked: Vec<String>,
    /// Changes that supporters asked for, and those that were confirmed at once.
    pub changes_asked: usize,
    pub changes_made: usize,
}

/// Who finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finds {
    /// The book, against the provider's.
    Book,
    /// Each gift, against its charge or bill.
    Gifts,
    /// Each regular gift, against its subscription.
    Regular,
    /// Our own comparison.
    Comparison,
    /// Our own audit.
    Audit,
    /// Whether somebody was charged twice, or after the end, or got twice what was sent back once.
    Charges,
    Receipts,
    Letters,
    /// What was left to do.
    Work,
}

type Found = Vec<(Finds, String)>;

/// Accounts and currencies.
type Sums = BTreeMap<(String, String), i64>;

fn word<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

fn number(object: &Value, field: &str) -> i64 {
    object[field].as_i64().unwrap_or_default()
}

/// All objects of one of the API's kinds that anything ever happened to, as they are now, the newest first.
pub fn objects(stripe: &StripeServer, kind: &str) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let events = stripe.events();
    let named = events.iter().map(|event| &event["data"]["object"]).filter(|own| own["object"] == kind);
    let mut all: Vec<Value> = named
        .filter(|own| seen.insert(word(own, "id").to_owned()))
        .filter_map(|own| stripe.object(word(own, "id")))
        .collect();
    // The first news of each was that it was made.
    let made: HashMap<String, usize> = events
        .iter()
        .enumerate()
        .map(|(at, event)| (word(&event["data"]["object"], "id").to_owned(), at))
        .collect();
    all.sort_by_key(|own| made[word(own, "id")]);
    all
}

/// Everything that moved on the balance, found by what moved it.
fn movements(stripe: &StripeServer, moved_by: &[&[Value]]) -> Vec<Value> {
    let mut names = Vec::new();
    for own in moved_by.iter().copied().flatten() {
        names.extend(
            ["balance_transaction", "failure_balance_transaction"].map(|field| word(own, field).to_owned()),
        );
        let of_dispute = own["balance_transactions"].as_array().into_iter().flatten();
        names.extend(of_dispute.map(|moved| word(moved, "id").to_owned()));
    }
    names.iter().filter_map(|id| stripe.object(id)).collect()
}

/// What the provider has.
pub struct Theirs {
    charges: Vec<Charged>,
    ours: BTreeSet<String>,
    subscriptions: Vec<Value>,
    invoices: Vec<Value>,
    refunds: Vec<Value>,
    disputes: Vec<Value>,
    movements: Vec<Value>,
    sessions: Vec<Value>,
    /// What lies on the balance, by its own book.
    balances: BTreeMap<String, i64>,
    intents: HashMap<String, Value>,
    /// When each charge was begun, in seconds: a bank takes days over one.
    begun: HashMap<String, i64>,
}

impl Theirs {
    pub fn of(app: &TestApp, marks: &Marks) -> Self {
        let stripe = app.sandbox.stripe();
        let named = |object: &Value, field: &str| object["metadata"][field].is_string();
        let is_ours = |own: &Value| marks.adopted || named(own, "broadside_recurring");
        let mut subscriptions = stripe.subscriptions();
        subscriptions.retain(is_ours);
        let known: BTreeSet<String> = subscriptions.iter().map(|own| word(own, "id").to_owned()).collect();
        let intents = objects(stripe, "payment_intent");
        let intents: HashMap<String, Value> =
            intents.into_iter().map(|own| (word(&own, "id").to_owned(), own)).collect();
        let charges = stripe.charges();
        let is_ours = |charged: &&Charged| match &charged.subscription {
            Some(subscription) => known.contains(subscription),
            None => {
                let intent = &charged.payment_intent;
                named(&intents[intent], "broadside_donation") || marks.adopted && !marks.sold.contains(intent)
            }
        };
        let ours = charges.iter().filter(is_ours).map(|charged| charged.charge.clone()).collect();
        let mut invoices = objects(stripe, "invoice");
        invoices.retain(|own| known.contains(word(&own["parent"]["subscription_details"], "subscription")));
        let book = stripe.book();
        let (refunds, disputes) = (objects(stripe, "refund"), objects(stripe, "dispute"));
        let (payouts, taken) = (objects(stripe, "payout"), objects(stripe, "charge"));
        let movements = movements(stripe, &[&taken, &refunds, &disputes, &payouts]);
        Self {
            ours,
            subscriptions,
            invoices,
            refunds,
            disputes,
            movements,
            sessions: stripe.sessions(),
            balances: book
                .balances
                .into_iter()
                .map(|(code, own)| (code.to_uppercase(), own.balance))
                .collect(),
            charges,
            intents,
            begun: taken.iter().map(|own| (word(own, "id").to_owned(), number(own, "created"))).collect(),
        }
    }

    /// The names of the subscriptions.
    pub fn subscriptions(&self) -> Vec<String> {
        self.subscriptions.iter().map(|own| word(own, "id").to_owned()).collect()
    }

    /// The same, with a charge of ours that was made twice.
    pub fn with_one_twice(mut self) -> Self {
        let mut again = self.of_ours().next().expect("a charge").clone();
        again.charge.push_str("_again");
        self.ours.insert(again.charge.clone());
        self.charges.push(again);
        self
    }

    fn of_ours(&self) -> impl Iterator<Item = &Charged> {
        self.charges.iter().filter(|charged| self.ours.contains(&charged.charge))
    }

    fn outside(&self) -> impl Iterator<Item = &Value> {
        self.invoices.iter().filter(|own| number(own, "amount_paid_off_stripe") > 0)
    }

    /// The charge that a movement is of; none for a payout's.
    fn charge_of(&self, movement: &Value) -> Option<String> {
        let source = word(movement, "source");
        let of = |all: &[Value]| {
            all.iter().find(|own| word(own, "id") == source).map(|own| word(own, "charge").to_owned())
        };
        match source.split('_').next() {
            Some("po") => None,
            Some("re" | "pyr") => of(&self.refunds),
            Some("du") => of(&self.disputes),
            _ => Some(source.to_owned()),
        }
    }

    /// What the accounts of our book should be; what lies at the provider together with what is others'.
    fn sums(&self) -> Sums {
        let mut sums = Sums::new();
        let mut add = |account: &str, code: &str, minor: i64| {
            *sums.entry((account.to_owned(), code.to_uppercase())).or_default() += minor;
        };
        for (code, minor) in &self.balances {
            add("provider:stripe and others", code, *minor);
        }
        for moved in &self.movements {
            let (code, net) = (word(moved, "currency"), number(moved, "net"));
            match self.charge_of(moved) {
                None => add("bank", code, -number(moved, "amount")),
                Some(charge) if self.ours.contains(&charge) => add("fees", code, number(moved, "fee")),
                // What is others' is no matter of ours, wherever it lies.
                Some(_) => add("provider:stripe and others", code, -net),
            }
        }
        for charged in self.of_ours() {
            let account = if charged.rhythm == Rhythm::Once { "income:once" } else { "income:monthly" };
            add(account, &charged.currency, -charged.amount);
        }
        for own in self.outside() {
            let (code, minor) = (word(own, "currency"), number(own, "amount_paid_off_stripe"));
            add("income:monthly", code, -minor);
            add("bank", code, minor);
        }
        for refund in self.refunds.iter().filter(|own| self.ours.contains(word(own, "charge"))) {
            let times = i64::from(refund["balance_transaction"].is_string())
                - i64::from(refund["failure_balance_transaction"].is_string());
            add("refunds", word(refund, "currency"), times * number(refund, "amount"));
        }
        for dispute in self.disputes.iter().filter(|own| self.ours.contains(word(own, "charge"))) {
            for moved in dispute["balance_transactions"].as_array().into_iter().flatten() {
                let sign = -number(moved, "amount").signum();
                add("disputed", word(dispute, "currency"), sign * number(dispute, "amount"));
            }
        }
        sums.retain(|_, minor| *minor != 0);
        sums
    }

    /// How a gift that was paid stands, and what of it is not ours any more.
    fn standing(&self, charged: &Charged) -> (&'static str, i64) {
        let of = |own: &&Value| word(own, "charge") == charged.charge;
        let back: i64 = self
            .refunds
            .iter()
            .filter(of)
            .filter(|own| matches!(word(own, "status"), "succeeded" | "pending" | "requires_action"))
            .map(|own| number(own, "amount"))
            .sum();
        let disputes: Vec<(&str, i64)> =
            self.disputes.iter().filter(of).map(|own| (word(own, "status"), number(own, "amount"))).collect();
        let is = |states: &[&str]| disputes.iter().any(|(state, _)| states.contains(state));
        let open = ["needs_response", "under_review", "appeal_needs_response", "appeal_under_review"];
        let taken = disputes
            .iter()
            .filter(|(state, _)| open.contains(state) || ["lost", "prevented"].contains(state));
        let away = back + taken.map(|(_, minor)| minor).sum::<i64>();
        let stands = if is(&open) {
            "disputed"
        } else if is(&["lost", "prevented"]) {
            "dispute_lost"
        } else if back >= charged.amount {
            "refunded"
        } else if back > 0 {
            "partly_refunded"
        } else if is(&["won"]) {
            "dispute_won"
        } else {
            "paid"
        };
        (stands, away)
    }
}

/// Everything that is not as it should be.
pub async fn judge(app: &TestApp, marks: &Marks) -> Found {
    let theirs = Theirs::of(app, marks);
    let mut found = Found::new();
    book(app, &theirs, &mut found).await;
    gifts(app, &theirs, &mut found).await;
    regular(app, &theirs, &mut found).await;
    charges(&theirs, marks, &mut found);
    receipts(app, &mut found).await;
    letters(app, &theirs, marks, &mut found).await;
    compared(app, &mut found).await;
    work(app, &mut found).await;
    found
}

async fn book(app: &TestApp, theirs: &Theirs, found: &mut Found) {
    const SUMS: &str = "select account, currency, cast(sum(amount_minor) as bigint) from ledger_entry group by account, currency";
    let (mut ours, mut all) = (Sums::new(), BTreeMap::<String, i64>::new());
    for (account, code, minor) in rows::<(String, String, i64)>(&app.site.db, SUMS).await {
        *all.entry(code.clone()).or_default() += minor;
        let account = match account.as_str() {
            "provider:stripe" | "others" => "provider:stripe and others",
            // Where each currency comes to nothing and all else is right, so is this.
            "exchange" => continue,
            other => other,
        };
        // What the exchange gave lies at the provider.
        *ours.entry((account.to_owned(), code)).or_default() += minor;
    }
    ours.retain(|_, minor| *minor != 0);
    for (code, minor) in all.into_iter().filter(|(_, minor)| *minor != 0) {
        found.push((Finds::Book, format!("everything in {code} comes to {minor}")));
    }
    let expected = theirs.sums();
    let accounts: BTreeSet<_> = ours.keys().chain(expected.keys()).collect();
    for account in accounts {
        let (is, should) = (ours.get(account).unwrap_or(&0), expected.get(account).unwrap_or(&0));
        if is != should {
            found.push((Finds::Book, format!("{account:?} is {is} and should be {should}")));
        }
    }
}

async fn gifts(app: &TestApp, theirs: &Theirs, found: &mut Found) {
    const GIFTS: &str = "select coalesce(d.provider_payment_id, ''), coalesce(d.provider_invoice_id, ''), d.kind, d.amount_minor,
        d.currency, s.standing, cast(s.back_minor as bigint) from donation d join gift_standing s on s.donation_id = d.id
        where d.state = 'paid' order by d.id";
    type Gift = (String, String, i64, String, String, i64);
    let mut ours = BTreeMap::<(String, String), Gift>::new();
    for (payment, invoice, kind, minor, code, standing, back) in
        rows::<(String, String, String, i64, String, String, i64)>(&app.site.db, GIFTS).await
    {
        let name = if payment.is_empty() {
            ("outside".to_owned(), invoice.clone())
        } else {
            ("paid".to_owned(), payment)
        };
        let gift = (invoice, kind, minor, code, standing, back);
        if let Some(other) = ours.insert(name.clone(), gift) {
            found.push((Finds::Gifts, format!("{name:?} is booked twice: {other:?}")));
        }
    }
    let mut expected = BTreeMap::new();
    for charged in theirs.of_ours() {
        let kind = if charged.rhythm == Rhythm::Once { "once" } else { "instalment" };
        let (standing, back) = theirs.standing(charged);
        let gift = (
            charged.invoice.clone().unwrap_or_default(),
            kind.to_owned(),
            charged.amount,
            charged.currency.to_uppercase(),
            standing.to_owned(),
            back,
        );
        expected.insert(("paid".to_owned(), charged.payment_intent.clone()), gift);
    }
    for own in theirs.outside() {
        let (id, minor) = (word(own, "id").to_owned(), number(own, "amount_paid_off_stripe"));
        let gift = (
            id.clone(),
            "instalment".to_owned(),
            minor,
            word(own, "currency").to_uppercase(),
            "paid".to_owned(),
            0,
        );
        expected.insert(("outside".to_owned(), id), gift);
    }
    let names: BTreeSet<_> = ours.keys().chain(expected.keys()).collect();
    for name in names {
        let (is, should) = (ours.get(name), expected.get(name));
        if is != should {
            found.push((Finds::Gifts, format!("{name:?} is {is:?} and should be {should:?}")));
        }
    }
    unpaid(app, theirs, found).await;
}

/// Gifts that are not paid, against their checkout pages.
async fn unpaid(app: &TestApp, theirs: &Theirs, found: &mut Found) {
    let states = "select public_id, state from donation order by id";
    let ours: HashMap<String, String> =
        rows::<(String, String)>(&app.site.db, states).await.into_iter().collect();
    for session in &theirs.sessions {
        let Some(gift) = session["metadata"]["broadside_donation"].as_str() else { continue };
        let is = ours.get(gift).map(String::as_str);
        let intent = match session["invoice"].as_str() {
            Some(invoice) => theirs
                .invoices
                .iter()
                .find(|own| word(own, "id") == invoice)
                .map_or("", |own| word(own, "status")),
            None => theirs.intents.get(word(session, "payment_intent")).map_or("", |own| word(own, "status")),
        };
        let should: &[&str] = match (word(session, "status"), word(session, "payment_status")) {
            // The bill that a declined card left may be marked as paid by hand: the book is held against that.
            ("expired", _) => &["expired", "paid"],
            ("open", _) => &["checkout_open"],
            (_, "paid") => &["paid"],
            // On its way; or it did not come, and perhaps another card paid later.
            _ if matches!(intent, "processing" | "open") => &["pending", "failed"],
            _ => &["failed", "paid"],
        };
        if !is.is_some_and(|is| should.contains(&is)) {
            found.push((Finds::Gifts, format!("the gift of {session} is {is:?} and should be {should:?}")));
        }
    }
}

async fn regular(app: &TestApp, theirs: &Theirs, found: &mut Found) {
    const REGULAR: &str =
        "select provider_subscription_id, state, amount_minor, currency, every_count, every_unit,
        coalesce(next_at, 0), coalesce(ends_at, 0), coalesce(rests_until, 0) from recurring_donation
        where provider_subscription_id is not null order by id";
    type Regular = (String, i64, String, i64, String, i64, i64, i64);
    let mut ours = BTreeMap::new();
    for (id, state, minor, code, count, unit, next, ends, rests) in
        rows::<(String, String, i64, String, i64, String, i64, i64, i64)>(&app.site.db, REGULAR).await
    {
        let second = |at: i64| at / 1_000_000;
        let is: Regular = (state, minor, code, count, unit, second(next), second(ends), second(rests));
        ours.insert(id, is);
    }
    let mut known = BTreeSet::new();
    for own in &theirs.subscriptions {
        let id = word(own, "id");
        known.insert(id.to_owned());
        let rests = !own["pause_collection"].is_null();
        let state = match word(own, "status") {
            "canceled" | "incomplete_expired" => "cancelled",
            "active" | "trialing" | "past_due" if rests => "paused",
            "active" | "trialing" => "active",
            "incomplete" => "pending",
            other => other,
        };
        let Some(is) = ours.get(id) else {
            // What never began is nobody's: nothing was ever paid of it, and its checkout is over.
            let of_it = |bill: &&Value| word(&bill["parent"]["subscription_details"], "subscription") == id;
            let is_paid = theirs.invoices.iter().filter(of_it).any(|bill| word(bill, "status") == "paid");
            let never_began = match word(own, "status") {
                "incomplete" | "incomplete_expired" => true,
                "canceled" => !is_paid,
                _ => false,
            };
            if !never_began {
                found.push((Finds::Regular, format!("{id} is {state} and not known here")));
            }
            continue;
        };
        let items: Vec<&Value> = own["items"]["data"].as_array().into_iter().flatten().collect();
        let whole: i64 = items
            .iter()
            .map(|item| number(&item["price"], "unit_amount") * item["quantity"].as_i64().unwrap_or(1))
            .sum();
        // The one coupon that a history has takes a quarter off.
        let off = if own["discounts"].as_array().is_some_and(|all| !all.is_empty()) {
            (whole as f64 / 4.0).round() as i64
        } else {
            0
        };
        let every = &items[0]["price"]["recurring"];
        let next = items.iter().map(|item| number(item, "current_period_end")).min().unwrap_or_default();
        let minor = if whole - off > 0 { whole - off } else { is.1 };
        let should: Regular = (
            state.to_owned(),
            minor,
            word(own, "currency").to_uppercase(),
            every["interval_count"].as_i64().unwrap_or(1),
            word(every, "interval").to_owned(),
            next,
            number(own, "cancel_at"),
            number(&own["pause_collection"], "resumes_at"),
        );
        let is_same = match state {
            // Of what is over nobody asks how often it was.
            "cancelled" => is.0 == "cancelled",
            _ => *is == should,
        };
        if !is_same {
            found.push((Finds::Regular, format!("{id} is {is:?} and should be {should:?}")));
        }
    }
    for id in ours.keys().filter(|id| !known.contains(*id)) {
        found.push((Finds::Regular, format!("{id} is here, and not theirs")));
    }
}

/// Nobody is charged twice for one thing, nor after they were told that it is over; what was sent back once went back once.
pub fn charges(theirs: &Theirs, marks: &Marks, found: &mut Found) {
    let mut seen = BTreeMap::<String, usize>::new();
    for charged in theirs.of_ours() {
        let what = charged
            .invoice
            .clone()
            .or_else(|| (!charged.session.is_empty()).then(|| charged.session.clone()));
        *seen.entry(what.unwrap_or_else(|| charged.payment_intent.clone())).or_default() += 1;
    }
    for (what, times) in seen.into_iter().filter(|(_, times)| *times > 1) {
        found.push((Finds::Charges, format!("{what} was charged {times} times")));
    }
    let mut pages = BTreeMap::<&str, usize>::new();
    for session in &theirs.sessions {
        *pages.entry(word(&session["metadata"], "broadside_donation")).or_default() += 1;
    }
    for (gift, times) in pages.into_iter().filter(|(_, times)| *times > 1) {
        found.push((Finds::Charges, format!("{gift} has {times} checkout pages")));
    }
    for (subscription, at) in &marks.ended {
        // What the bank was already told to take it takes.
        let begun = |own: &Charged| theirs.begun.get(&own.charge).copied().unwrap_or_default();
        let after = theirs
            .charges
            .iter()
            .filter(|own| own.subscription.as_ref() == Some(subscription) && begun(own) > at.unix_seconds());
        for charged in after {
            found.push((
                Finds::Charges,
                format!("{subscription} was over, and then charged: {}", charged.charge),
            ));
        }
    }
    for key in &marks.refunds_asked {
        let named = |own: &&Value| {
            own["metadata"].as_object().is_some_and(|all| all.values().any(|value| value == key.as_str()))
        };
        let times = theirs.refunds.iter().filter(named).count();
        if times > 1 {
            found.push((Finds::Charges, format!("what was sent back once went back {times} times")));
        }
    }
}

/// One receipt for each gift that is paid; none for what another program took.
async fn receipts(app: &TestApp, found: &mut Found) {
    const RECEIPTS: &str =
        "select d.public_id, d.state, cast(case when d.adopted_at is null then 0 else 1 end as bigint),
        count(r.id) from donation d left join receipt r on r.donation_id = d.id
        group by d.public_id, d.state, d.adopted_at order by d.public_id";
    for (gift, state, adopted, times) in rows::<(String, String, i64, i64)>(&app.site.db, RECEIPTS).await {
        let should = i64::from(state == "paid" && adopted == 0);
        if times != should {
            found.push((
                Finds::Receipts,
                format!("{gift} ({state}, taken over: {adopted}) has {times} receipts"),
            ));
        }
    }
}

/// What arrived: each fact is told once.
async fn letters(app: &TestApp, theirs: &Theirs, marks: &Marks, found: &mut Found) {
    let mailbox = app.sandbox.mailbox();
    let mails: Vec<(String, Mail)> = mailbox
        .messages()
        .iter()
        .map(|one| (one.to.join(" "), Mail::new(mailbox.raw(one.seq).expect("the sandbox keeps its mail"))))
        .collect();
    let about = |subject: &str, text: &str| {
        mails.iter().filter(|(_, mail)| mail.subject.contains(subject) && mail.text.contains(text)).count()
    };
    const NUMBERS: &str = "select r.number, d.email,
        cast((select count(*) from refund b where b.donation_id = d.id and b.state = 'succeeded') as bigint),
        cast((select count(*) from refund b where b.donation_id = d.id) as bigint)
        from receipt r join donation d on d.id = r.donation_id order by r.id";
    for (number, email, away, all) in rows::<(String, String, i64, i64)>(&app.site.db, NUMBERS).await {
        let times = about("Thank you: your receipt", &number);
        if times != usize::from(!email.is_empty()) {
            found.push((Finds::Letters, format!("the receipt {number} came {times} times to {email:?}")));
        }
        let back = about("your corrected receipt", &number) as i64;
        if !email.is_empty() && !(away..=all).contains(&back) {
            found.push((
                Finds::Letters,
                format!("{back} letters say that some of {number} went back: it was {away} to {all} times"),
            ));
        }
    }
    let over = "select email from recurring_donation where state = 'cancelled' and activated_at is not null and email <> ''
        and (adopted_at is null or cancelled_at > adopted_at)";
    let failed = "select count(*) from donation where state = 'failed'";
    let over = rows::<(String,)>(&app.site.db, over).await;
    let mut people: BTreeMap<String, usize> = BTreeMap::new();
    for (email,) in over {
        *people.entry(email).or_default() += 1;
    }
    for (email, should) in &people {
        let told =
            mails.iter().filter(|(to, mail)| to == email && mail.subject.contains("has stopped")).count();
        if told != *should {
            found.push((Finds::Letters, format!("{email} was told {told} times of {should} ends")));
        }
    }
    let (told, in_all) = (about("has stopped", ""), people.values().sum::<usize>());
    if told != in_all {
        found.push((Finds::Letters, format!("{told} letters tell of {in_all} ends")));
    }
    // What did not come by debit may be paid by card later.
    let (told, least) = (
        about("Your gift to The Lamplighter did not arrive", ""),
        rows::<(i64,)>(&app.site.db, failed).await[0].0,
    );
    let did_not_come = |event: &&Value| event["type"] == "checkout.session.async_payment_failed";
    let most = app.sandbox.stripe().events().iter().filter(did_not_come).count();
    if (told as i64) < least || told > most {
        found.push((
            Finds::Letters,
            format!("{told} letters tell of {least} to {most} gifts that did not arrive"),
        ));
    }
    let told = about("was changed", "");
    if !(marks.changes_made..=marks.changes_asked).contains(&told) {
        let (made, asked) = (marks.changes_made, marks.changes_asked);
        found.push((Finds::Letters, format!("{told} letters tell of {made} to {asked} changes")));
    }
    let tried = theirs.invoices.iter().filter(|own| own["attempted"] == true).count();
    for subject in ["did not go through", "asks you to confirm"] {
        let told = about(subject, "");
        if told > tried {
            found.push((Finds::Letters, format!("{told} letters “{subject}” about {tried} bills")));
        }
    }
}

/// Our own comparison and audit find nothing.
async fn compared(app: &TestApp, found: &mut Found) {
    let years = std::time::Duration::from_secs(400 * 86_400);
    let span = (BEGINNING.minus(years), app.site.now());
    let compared = donations::reconcile(&app.site, app.payments.provider.as_ref(), span, false).await;
    for one in compared.expect("a comparison").differences {
        found.push((Finds::Comparison, format!("{} {}: {}", one.what, one.id, one.problem)));
    }
    let audit = donations::audit_money(&app.site.db).await.expect("an audit");
    found.extend(audit.problems.into_iter().map(|problem| (Finds::Audit, problem)));
}

/// Nothing is left to do, and no news were given up.
async fn work(app: &TestApp, found: &mut Found) {
    for (name, figures) in app.queues().await {
        let given_up = if name == "provider-events" { figures.given_up } else { 0 };
        if figures.waiting + given_up > 0 {
            let last = "select type || ' ' || object_id || ' ' || state || ' ' || coalesce(last_error, '') from provider_event
                where state in ('new', 'dead') order by event_id";
            let events = rows::<(String,)>(&app.site.db, last).await;
            found.push((Finds::Work, format!("{name}: {figures:?} {events:?}")));
        }
    }
}
