//! What each automatic mail is told: one typed context a mail, each with a sample.
//!
//! Notices are stored as a template's name and this context as JSON, and rendered when they are sent.

use serde::{Deserialize, Serialize, Serializer};

/// A mail that has a folder of templates.
pub trait EmailTemplate: Serialize {
    /// The folder's name.
    const NAME: &'static str;
    /// The links that differ from one copy to the next, of those that are written again and again: all else is rendered once.
    const OWN: &'static [&'static str] = &[];

    /// A context with every optional value present: templates are checked and shown with it.
    fn sample() -> Self;
}

/// Letters about money, for the roles that see it.
pub const OF_MONEY: &[&str] = &[
    Receipt::NAME,
    GiftReturned::NAME,
    PaymentFailed::NAME,
    PaymentFailedAgain::NAME,
    PaymentAction::NAME,
    GiftFailed::NAME,
    CardExpiring::NAME,
    DebitRevoked::NAME,
    NewGiftAddress::NAME,
    YearlyNotice::NAME,
    MonthlyChanged::NAME,
    GiftsStatement::NAME,
    RecurringCancelled::NAME,
];

/// Letters to somebody of the team, who may be a reader, too.
pub const OF_THE_TEAM: &[&str] = &[
    SignInLink::NAME,
    TeamInvite::NAME,
    EditionHeld::NAME,
    EditionPaused::NAME,
    CopiesCameBack::NAME,
    NothingTaken::NAME,
    JobStopped::NAME,
    WorkGivenUp::NAME,
    SomethingWrong::NAME,
    SignInRefused::NAME,
    FormClosed::NAME,
    MonthlyNotEnded::NAME,
    MoneyNews::NAME,
];

/// The magazine, as every mail names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The magazine's name.
    pub magazine: String,
    /// The legal name of whoever publishes it.
    #[serde(serialize_with = "on_one_line")]
    pub legal_name: String,
    /// The postal address; its lines are joined with commas.
    #[serde(serialize_with = "on_one_line")]
    pub postal_address: String,
    /// An address that a person reads.
    pub contact_email: String,
    /// The magazine's own site.
    pub site_url: String,
}

fn on_one_line<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let lines: Vec<&str> =
        text.lines().map(|line| line.trim().trim_end_matches(',')).filter(|line| !line.is_empty()).collect();
    serializer.serialize_str(&lines.join(", "))
}

impl Sender {
    /// A magazine that does not exist.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            magazine: "The Tidewater Review".into(),
            legal_name: "Tidewater Press Cooperative Ltd".into(),
            postal_address: "14 Harbour Street, Porthaven PV1 2AB, Exampleshire".into(),
            contact_email: "letters@tidewater.example.org".into(),
            site_url: "https://tidewater.example.org/".into(),
        }
    }
}

/// Asks a new reader to confirm; carries nothing that the person who typed the address could choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmSubscription {
    /// Who writes.
    pub sender: Sender,
    /// The lists asked for, by the names staff gave them.
    pub lists: Vec<String>,
    /// The page with the button that confirms.
    pub confirm_url: String,
    /// How long the link works, such as "7 days".
    pub valid_for: String,
}

impl EmailTemplate for ConfirmSubscription {
    const NAME: &'static str = "confirm_subscription";
    const OWN: &'static [&'static str] = &["confirm_url"];

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            lists: vec!["The weekly".into(), "Appeals".into()],
            confirm_url: "https://news.example.org/confirm/sample".into(),
            valid_for: "7 days".into(),
        }
    }
}

/// Tells whoever typed their address into the form that they are on the list; carries nothing that a stranger could choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlreadyReader {
    /// Who writes.
    pub sender: Sender,
    /// The lists that they are on.
    pub lists: Vec<String>,
    /// The page of the reader's choices.
    pub preferences_url: String,
}

impl EmailTemplate for AlreadyReader {
    const NAME: &'static str = "already_reader";
    const OWN: &'static [&'static str] = &["preferences_url"];

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            lists: vec!["The weekly".into(), "Appeals".into()],
            preferences_url: "https://news.example.org/preferences/sample".into(),
        }
    }
}

/// Brings a reader the link to their choices; carries nothing that whoever asked for it could choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoicesLink {
    /// Who writes.
    pub sender: Sender,
    /// The page of the reader's choices.
    pub preferences_url: String,
}

impl EmailTemplate for ChoicesLink {
    const NAME: &'static str = "choices_link";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            preferences_url: "https://news.example.org/preferences/sample".into(),
        }
    }
}

/// Tells a reader until when they rest from mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// Who writes.
    pub sender: Sender,
    /// The day on which mail comes again, as the magazine writes days.
    pub until: String,
    /// The page of the reader's choices.
    pub preferences_url: String,
}

impl EmailTemplate for Paused {
    const NAME: &'static str = "paused";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            until: "3 January 2027".into(),
            preferences_url: "https://news.example.org/preferences/sample".into(),
        }
    }
}

/// Asks the old mailbox whether a reader's mail may go elsewhere. Of the new address it holds no more than a mask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressChangeOld {
    /// Who writes.
    pub sender: Sender,
    /// The new address, masked.
    pub masked: String,
    /// The page with the button that agrees.
    pub agree_url: String,
    /// How long the link works, such as "3 days".
    pub valid_for: String,
}

impl EmailTemplate for AddressChangeOld {
    const NAME: &'static str = "address_change_old";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            masked: "a***@example.org".into(),
            agree_url: "https://news.example.org/address/sample".into(),
            valid_for: "3 days".into(),
        }
    }
}

/// Asks the new mailbox; carries nothing that the person who typed the address could choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressChangeNew {
    /// Who writes.
    pub sender: Sender,
    /// The page with the button that agrees.
    pub confirm_url: String,
    /// How long the link works, such as "3 days".
    pub valid_for: String,
}

impl EmailTemplate for AddressChangeNew {
    const NAME: &'static str = "address_change_new";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            confirm_url: "https://news.example.org/address/sample".into(),
            valid_for: "3 days".into(),
        }
    }
}

/// Tells a reader that somebody asked to have mail sent to their address, which has a subscription of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressIsKnown {
    /// Who writes.
    pub sender: Sender,
    /// The page of the reader's choices.
    pub preferences_url: String,
}

impl EmailTemplate for AddressIsKnown {
    const NAME: &'static str = "address_is_known";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            preferences_url: "https://news.example.org/preferences/sample".into(),
        }
    }
}

/// Tells the old mailbox that a reader's mail goes elsewhere, and how that is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressChanged {
    /// Who writes.
    pub sender: Sender,
    /// The new address, masked.
    pub masked: String,
    /// The page with the button that takes it back.
    pub undo_url: String,
    /// How long the link works, such as "7 days".
    pub valid_for: String,
}

impl EmailTemplate for AddressChanged {
    const NAME: &'static str = "address_changed";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            masked: "a***@example.org".into(),
            undo_url: "https://news.example.org/address/sample".into(),
            valid_for: "7 days".into(),
        }
    }
}

/// Tells the mailbox to which a reader's mail went that the earlier one took it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressTakenBack {
    /// Who writes.
    pub sender: Sender,
    /// Where anybody subscribes.
    pub subscribe_url: String,
}

impl EmailTemplate for AddressTakenBack {
    const NAME: &'static str = "address_taken_back";

    fn sample() -> Self {
        Self { sender: Sender::sample(), subscribe_url: "https://news.example.org/subscribe".into() }
    }
}

/// Greets a reader who has joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Who writes.
    pub sender: Sender,
    /// In words of staff; empty for the usual one.
    pub subject: String,
    /// What they joined, with what its staff have to say.
    pub lists: Vec<Welcomed>,
    /// The form alone put them there: it may have been somebody else who filled it in.
    pub by_form: bool,
    /// The page of the reader's choices.
    pub preferences_url: String,
    /// The reader's unsubscribe page.
    pub unsubscribe_url: String,
}

/// A list that somebody joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcomed {
    /// The list's name.
    pub name: String,
    /// Paragraphs by staff; may be none.
    pub words: Vec<String>,
}

impl EmailTemplate for Welcome {
    const NAME: &'static str = "welcome";
    const OWN: &'static [&'static str] = &["preferences_url", "unsubscribe_url"];

    fn sample() -> Self {
        let words = "Every Friday at seven we send you what we have written in the week. Write back: a person reads it.";
        Self {
            sender: Sender::sample(),
            subject: "Good to have you".into(),
            lists: vec![
                Welcomed { name: "The weekly".into(), words: vec![words.into(), "The editors".into()] },
                Welcomed { name: "Appeals".into(), words: Vec::new() },
            ],
            by_form: true,
            preferences_url: "https://news.example.org/preferences/sample".into(),
            unsubscribe_url: "https://news.example.org/unsubscribe/sample".into(),
        }
    }
}

/// The link to what is held about a reader, which they asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyOfData {
    /// Who writes.
    pub sender: Sender,
    /// The page with what is held.
    pub copy_url: String,
    /// How long the link works, such as "a day".
    pub valid_for: String,
}

impl EmailTemplate for CopyOfData {
    const NAME: &'static str = "copy_of_data";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            copy_url: "https://news.example.org/your-data/sample".into(),
            valid_for: "a day".into(),
        }
    }
}

/// Asks a reader whether they want to be forgotten, which somebody asked for on the page of their choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EraseRequest {
    /// Who writes.
    pub sender: Sender,
    /// The page that says what goes and what stays, with the button that forgets them.
    pub forget_url: String,
    /// How long the link works, such as "a day".
    pub valid_for: String,
}

impl EmailTemplate for EraseRequest {
    const NAME: &'static str = "erase_request";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            forget_url: "https://news.example.org/forget-me/sample".into(),
            valid_for: "a day".into(),
        }
    }
}

/// Tells somebody that they are off a list, where the magazine says good-bye.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodBye {
    /// Who writes.
    pub sender: Sender,
    /// What they left, by the names staff gave it.
    pub lists: Vec<String>,
    /// The page with the button that takes it back.
    pub undo_url: String,
    /// The page of the reader's choices.
    pub preferences_url: String,
}

impl EmailTemplate for GoodBye {
    const NAME: &'static str = "good_bye";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            lists: vec!["The weekly".into(), "Appeals".into()],
            undo_url: "https://news.example.org/unsubscribe/sample".into(),
            preferences_url: "https://news.example.org/preferences/sample".into(),
        }
    }
}

/// The receipt for one gift, given once or as one payment of a regular gift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who writes, and who received the gift.
    pub sender: Sender,
    /// The supporter's name, or "supporter".
    pub donor_name: String,
    /// The amount with its currency, such as "€15.00".
    pub amount: String,
    /// How often a regular gift comes, such as "every month"; none for a single gift.
    pub every: Option<String>,
    /// The day of the gift, such as "3 March 2026".
    pub date: String,
    /// The receipt's own number.
    pub receipt_number: String,
    /// Where a regular gift is changed or stopped; none for a single gift.
    pub manage_url: Option<String>,
    /// The page to give, which knows them by this address.
    pub give_url: String,
    /// Where all their gifts and receipts are, for some weeks.
    pub gifts_url: Option<String>,
}

impl EmailTemplate for Receipt {
    const NAME: &'static str = "receipt";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            donor_name: "Ada Okafor".into(),
            amount: "€15.00".into(),
            every: Some("every month".into()),
            date: "3 March 2026".into(),
            receipt_number: "2026-000123".into(),
            manage_url: Some("https://news.example.org/giving/sample".into()),
            give_url: "https://news.example.org/donate?s=sample".into(),
            gifts_url: Some("https://news.example.org/supporter/sample".into()),
        }
    }
}

/// A one-time link by which someone on the team signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInLink {
    /// Who writes.
    pub sender: Sender,
    /// The page with the button that signs in.
    pub sign_in_url: String,
    /// How long the link works, such as "10 minutes".
    pub valid_for: String,
}

impl EmailTemplate for SignInLink {
    const NAME: &'static str = "sign_in_link";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            sign_in_url: "https://news.example.org/desk/sign-in/sample".into(),
            valid_for: "10 minutes".into(),
        }
    }
}

/// Invites someone to the team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamInvite {
    /// Who writes.
    pub sender: Sender,
    /// The name of whoever invites.
    pub invited_by: String,
    /// The role with its article, such as "an editor".
    pub role: String,
    /// The page on which the invitation is accepted.
    pub accept_url: String,
    /// How long the link works, such as "7 days".
    pub valid_for: String,
}

impl EmailTemplate for TeamInvite {
    const NAME: &'static str = "team_invite";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            invited_by: "Marta Lind".into(),
            role: "an editor".into(),
            accept_url: "https://news.example.org/desk/invitation/sample".into(),
            valid_for: "7 days".into(),
        }
    }
}

/// Tells an owner that an edition missed its moment and waits for a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditionHeld {
    /// Who writes.
    pub sender: Sender,
    /// The edition's subject.
    pub subject: String,
    /// When it was to go out, such as "3 March 2026, 14:05 UTC".
    pub due: String,
    /// Whether no mail can be made of it; otherwise its moment was missed.
    pub is_broken: bool,
    /// The edition's page at the desk.
    pub edition_url: String,
}

impl EmailTemplate for EditionHeld {
    const NAME: &'static str = "edition_held";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            subject: "The last ferry to Skarholm".into(),
            due: "3 March 2026, 14:05 UTC".into(),
            is_broken: false,
            edition_url: "https://news.example.org/desk/editions/sample".into(),
        }
    }
}

/// Tells an owner that an edition was paused by the program itself and waits for a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditionPaused {
    /// Who writes.
    pub sender: Sender,
    /// The edition's subject.
    pub subject: String,
    /// Why, in a sentence without its full stop.
    pub why: String,
    /// The edition's page at the desk.
    pub edition_url: String,
}

impl EmailTemplate for EditionPaused {
    const NAME: &'static str = "edition_paused";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            subject: "The last ferry to Skarholm".into(),
            why: "A mail provider refuses our mail, whoever it is for: 550 5.7.26 Unauthenticated mail is not accepted"
                .into(),
            edition_url: "https://news.example.org/desk/editions/sample".into(),
        }
    }
}

/// Tells an owner that so many copies of an edition came back for good that somebody has to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiesCameBack {
    /// Who writes.
    pub sender: Sender,
    /// The edition's subject.
    pub subject: String,
    /// How many copies came back.
    pub copies: i64,
    /// Of how many that were sent.
    pub of: i64,
    /// What mail providers say most often, without addresses.
    pub words: String,
    /// The page of bounces at the desk.
    pub bounces_url: String,
}

impl EmailTemplate for CopiesCameBack {
    const NAME: &'static str = "copies_came_back";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            subject: "The last ferry to Skarholm".into(),
            copies: 214,
            of: 1_950,
            words: "550 5.1.1 User unknown".into(),
            bounces_url: "https://news.example.org/desk/bounces".into(),
        }
    }
}

/// Tells an owner that domains have taken nothing of an edition for long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NothingTaken {
    /// Who writes.
    pub sender: Sender,
    /// The edition's subject.
    pub subject: String,
    /// One paragraph for each domain: since when, how many readers wait, what it says, and until when it is asked.
    pub domains: Vec<String>,
    /// The edition's page at the desk.
    pub edition_url: String,
}

impl EmailTemplate for NothingTaken {
    const NAME: &'static str = "nothing_taken";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            subject: "The last ferry to Skarholm".into(),
            domains: vec![
                "mail.example.org has taken nothing since 3 March 2026, 14:05 UTC. 1,204 readers wait for it. It says: 451 4.7.1 Try again later. What it has not taken by 7 March 2026, 14:05 UTC is given up.".into(),
            ],
            edition_url: "https://news.example.org/desk/editions/sample".into(),
        }
    }
}

/// Tells an owner that something which runs by itself does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStopped {
    /// Who writes.
    pub sender: Sender,
    /// What stands still, in a sentence without its full stop.
    pub what: String,
    /// Since when, such as "3 March 2026, 14:05 UTC".
    pub since: String,
    /// The machine, and which part of the program.
    pub place: String,
    /// What it said, for whoever looks after the server.
    pub why: String,
    /// The front page of the desk.
    pub desk_url: String,
}

impl EmailTemplate for JobStopped {
    const NAME: &'static str = "job_stopped";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            what: "Your feeds are not read: new articles do not come in".into(),
            since: "3 March 2026, 14:05 UTC".into(),
            place: "news-1 (serve)".into(),
            why: "called `Option::unwrap()` on a `None` value".into(),
            desk_url: "https://news.example.org/desk".into(),
        }
    }
}

/// Tells a treasurer or an owner that work was given up, or has failed for too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkGivenUp {
    /// Who writes.
    pub sender: Sender,
    /// What did not work, in a sentence without its full stop.
    pub what: String,
    /// Whether it goes on being tried.
    pub goes_on: bool,
    /// What it means and what to do, in a sentence or two.
    pub means: String,
    /// Why the last of it did not work.
    pub why: String,
    /// Where it is shown at the desk.
    pub page_url: String,
}

impl EmailTemplate for WorkGivenUp {
    const NAME: &'static str = "work_given_up";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            what: "3 messages of the payment service could not be applied".into(),
            goes_on: false,
            means: "A gift may not be counted and have no receipt. Try again once what it says is put right; or look for the payment at the payment service.".into(),
            why: "the payment provider refused (status 401, invalid_request_error): Invalid API Key provided"
                .into(),
            page_url: "https://news.example.org/desk/donations".into(),
        }
    }
}

/// Tells an owner what turned bad since somebody last looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SomethingWrong {
    /// Who writes.
    pub sender: Sender,
    /// What is wrong and what to do next, a sentence or two each.
    pub problems: Vec<String>,
    /// The machine, and which part of the program.
    pub place: String,
    /// The page with everything that was looked at.
    pub desk_url: String,
}

impl EmailTemplate for SomethingWrong {
    const NAME: &'static str = "something_wrong";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            problems: vec![
                "public address: the certificate of https://news.example.org/ ended on 3 March 2026, 14:05 UTC, so browsers turn away. Renew it, and let the proxy load it.".into(),
                "disk: 80 MB are free where the data is: soon nothing can be written down, and nothing is sent. Make room (old backups, logs), or move DATA_DIR to a larger disk.".into(),
            ],
            place: "news-1 (serve)".into(),
            desk_url: "https://news.example.org/desk/doctor".into(),
        }
    }
}

/// Tells an owner that a mail service does not take our password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInRefused {
    /// Who writes.
    pub sender: Sender,
    /// Host and port.
    pub relay: String,
    /// Since when, such as "3 March 2026, 14:05 UTC".
    pub since: String,
    /// What it said last.
    pub words: String,
    /// The front page of the desk.
    pub desk_url: String,
}

impl EmailTemplate for SignInRefused {
    const NAME: &'static str = "sign_in_refused";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            relay: "mail.example.org:587".into(),
            since: "3 March 2026, 14:05 UTC".into(),
            words: "535 5.7.8 Wrong user or password".into(),
            desk_url: "https://news.example.org/desk".into(),
        }
    }
}

/// Tells an owner that a form which everybody shares was closed for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormClosed {
    /// Who writes.
    pub sender: Sender,
    /// Which form, and what became of it, as the beginning of a sentence.
    pub what: String,
    /// Since when nobody was let through, such as "3 March 2026, 14:05 UTC".
    pub since: String,
    /// Until when.
    pub until: String,
    /// What that was for whoever came: a sentence.
    pub told: String,
    /// What it means if a program is at it: a sentence or two.
    pub means: String,
    /// The front page of the desk.
    pub desk_url: String,
}

impl EmailTemplate for FormClosed {
    const NAME: &'static str = "form_closed";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            what: "The page to give was closed to everybody".into(),
            since: "3 March 2026, 14:05 UTC".into(),
            until: "3 March 2026, 14:20 UTC".into(),
            told: "Whoever came was told when to come back.".into(),
            means: "It may try out stolen cards. No gift counts before it is paid.".into(),
            desk_url: "https://news.example.org/desk".into(),
        }
    }
}

/// Tells a supporter that a month's gift could not be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentFailed {
    /// Who writes.
    pub sender: Sender,
    /// The supporter's name, or "supporter".
    pub donor_name: String,
    /// The amount with its currency.
    pub amount: String,
    /// How often it is taken, such as "every month".
    pub every: String,
    /// The day of the next try, if there is one.
    pub next_try: Option<String>,
    /// Where the card is changed or the gift stopped.
    pub manage_url: String,
}

impl EmailTemplate for PaymentFailed {
    const NAME: &'static str = "payment_failed";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            donor_name: "Ada Okafor".into(),
            amount: "€15.00".into(),
            every: "every month".into(),
            next_try: Some("6 March 2026".into()),
            manage_url: "https://news.example.org/giving/sample".into(),
        }
    }
}

/// Tells a supporter that their regular gift has stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecurringCancelled {
    /// Who writes.
    pub sender: Sender,
    /// The supporter's name, or "supporter".
    pub donor_name: String,
    /// The amount with its currency.
    pub amount: String,
    /// How often it was taken, such as "every month".
    pub every: String,
    /// Regular gifts of theirs that go on, such as "€15.00 every month".
    pub going_on: Vec<String>,
    /// Where to give again.
    pub give_url: String,
}

impl EmailTemplate for RecurringCancelled {
    const NAME: &'static str = "recurring_cancelled";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            donor_name: "Ada Okafor".into(),
            amount: "€15.00".into(),
            every: "every month".into(),
            going_on: vec!["€20.00 every year".into()],
            give_url: "https://news.example.org/give".into(),
        }
    }
}

/// Tells a supporter that their gift, or some of it, was sent back, and corrects its receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftReturned {
    /// Who writes.
    pub sender: Sender,
    /// The supporter's name, or "supporter".
    pub donor_name: String,
    /// What was sent back, with its currency.
    pub amount: String,
    /// The day it was sent back.
    pub date: String,
    /// What was given.
    pub gift_amount: String,
    /// The day it was given.
    pub gift_date: String,
    /// What is left of it; none when all of it was sent back.
    pub left: Option<String>,
    pub receipt_number: String,
}

impl EmailTemplate for GiftReturned {
    const NAME: &'static str = "gift_returned";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            donor_name: "Ann Field".into(),
            amount: "€5.00".into(),
            date: "9 March 2026".into(),
            gift_amount: "€15.00".into(),
            gift_date: "3 March 2026".into(),
            left: Some("€10.00".into()),
            receipt_number: "2026-Q3MZ7K2AXW5D".into(),
        }
    }
}

/// Tells a treasurer that something happened to money at the payment service that needs them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyNews {
    /// Who writes.
    pub sender: Sender,
    /// What happened, a sentence without its full stop.
    pub what: String,
    /// What it means and what to do.
    pub means: String,
    /// Where it is shown at the desk.
    pub page_url: String,
}

impl EmailTemplate for MoneyNews {
    const NAME: &'static str = "money_news";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            what: "A bank takes back a gift of €15.00".into(),
            means: "Answer at the payment service by 17 March 2026, or the money is lost.".into(),
            page_url: "https://news.example.org/desk/donations/sample".into(),
        }
    }
}

/// Tells a supporter once more that a payment has not gone through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentFailedAgain {
    /// Who writes.
    pub sender: Sender,
    /// The supporter's name, or "supporter".
    pub donor_name: String,
    /// The amount with its currency.
    pub amount: String,
    /// The day of the first try.
    pub since: String,
    /// When the payment service tries next, if it does.
    pub next_try: Option<String>,
    /// Whether it is the last letter about it.
    pub last: bool,
    /// Where the gift is changed or stopped.
    pub manage_url: String,
}

impl EmailTemplate for PaymentFailedAgain {
    const NAME: &'static str = "payment_failed_again";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            donor_name: "Ada Okafor".into(),
            amount: "€15.00".into(),
            since: "3 March 2026".into(),
            next_try: Some("10 March 2026".into()),
            last: true,
            manage_url: "https://news.example.org/giving/sample".into(),
        }
    }
}

/// Tells a supporter that their bank wants a payment confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentAction {
    /// Who writes.
    pub sender: Sender,
    /// The supporter's name, or "supporter".
    pub donor_name: String,
    /// The amount with its currency.
    pub amount: String,
    /// The page of the payment service on which it is confirmed.
    pub pay_url: String,
    /// Where the gift is changed or stopped.
    pub manage_url: String,
}

impl EmailTemplate for PaymentAction {
    const NAME: &'static str = "payment_action";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            donor_name: "Ada Okafor".into(),
            amount: "€15.00".into(),
            pay_url: "https://invoice.example.com/i/sample".into(),
            manage_url: "https://news.example.org/giving/sample".into(),
        }
    }
}

/// Tells a supporter that a payment failed which was on its way for days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftFailed {
    /// Who writes.
    pub sender: Sender,
    /// The supporter's name, or "supporter".
    pub donor_name: String,
    /// The amount with its currency.
    pub amount: String,
    /// Where to give again.
    pub give_url: String,
}

impl EmailTemplate for GiftFailed {
    const NAME: &'static str = "gift_failed";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            donor_name: "Ada Okafor".into(),
            amount: "€15.00".into(),
            give_url: "https://news.example.org/donate".into(),
        }
    }
}

/// Tells a supporter that the card which pays their gift runs out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardExpiring {
    /// Who writes.
    pub sender: Sender,
    /// The supporter's name, or "supporter".
    pub donor_name: String,
    /// The amount with its currency.
    pub amount: String,
    /// How often, such as "every month".
    pub every: String,
    /// The card, such as "Visa card ending in 4242".
    pub card: String,
    /// The month until which it is good, such as "March 2026".
    pub expires: String,
    /// Where the gift is changed or stopped.
    pub manage_url: String,
}

impl EmailTemplate for CardExpiring {
    const NAME: &'static str = "card_expiring";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            donor_name: "Ada Okafor".into(),
            amount: "€15.00".into(),
            every: "every month".into(),
            card: "Visa card ending in 4242".into(),
            expires: "March 2026".into(),
            manage_url: "https://news.example.org/giving/sample".into(),
        }
    }
}

/// Tells a supporter that their bank lets no more be taken from their account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebitRevoked {
    /// Who writes.
    pub sender: Sender,
    /// The supporter's name, or "supporter".
    pub donor_name: String,
    /// The amount with its currency.
    pub amount: String,
    /// How often, such as "every month".
    pub every: String,
    /// Where the gift is changed or stopped.
    pub manage_url: String,
}

impl EmailTemplate for DebitRevoked {
    const NAME: &'static str = "debit_revoked";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            donor_name: "Ada Okafor".into(),
            amount: "€15.00".into(),
            every: "every month".into(),
            manage_url: "https://news.example.org/giving/sample".into(),
        }
    }
}

/// Asks whoever reads an address whether the regular gift is theirs that the payment service has it for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewGiftAddress {
    /// Who writes.
    pub sender: Sender,
    /// What is given regularly, such as "€15.00 every month"; none where a supporter asked on their own page.
    pub gift: Option<String>,
    /// Where it is said.
    pub confirm_url: String,
}

impl EmailTemplate for NewGiftAddress {
    const NAME: &'static str = "new_gift_address";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            gift: Some("€15.00 every month".into()),
            confirm_url: "https://news.example.org/gift-address/sample".into(),
        }
    }
}

/// Tells a supporter of a payment that comes once a year, before it is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearlyNotice {
    /// Who writes.
    pub sender: Sender,
    /// The supporter's name, or "supporter".
    pub donor_name: String,
    /// The amount with its currency.
    pub amount: String,
    /// How often, such as "every year".
    pub every: String,
    /// The day on which it is taken.
    pub date: String,
    /// Where the gift is changed or stopped.
    pub manage_url: String,
}

impl EmailTemplate for YearlyNotice {
    const NAME: &'static str = "yearly_notice";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            donor_name: "Ada Okafor".into(),
            amount: "€15.00".into(),
            every: "every year".into(),
            date: "3 March 2026".into(),
            manage_url: "https://news.example.org/giving/sample".into(),
        }
    }
}

/// Tells a supporter what they changed of their gift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthlyChanged {
    /// Who writes.
    pub sender: Sender,
    /// The supporter's name, or "supporter".
    pub donor_name: String,
    /// What it is now, in a sentence of ours.
    pub what: String,
    /// Whether they did not ask for it here.
    pub unasked: bool,
    /// Where the gift is changed or stopped.
    pub manage_url: String,
}

impl EmailTemplate for MonthlyChanged {
    const NAME: &'static str = "monthly_changed";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            donor_name: "Ada Okafor".into(),
            what: "From 3 March 2026 on you give €20.00 every month.".into(),
            unasked: false,
            manage_url: "https://news.example.org/giving/sample".into(),
        }
    }
}

/// The link to a supporter's own page, for who asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftsLink {
    /// Who writes.
    pub sender: Sender,
    /// The page.
    pub gifts_url: String,
    /// How long it works, such as "a day".
    pub valid_for: String,
}

impl EmailTemplate for GiftsLink {
    const NAME: &'static str = "gifts_link";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            gifts_url: "https://news.example.org/supporter/sample".into(),
            valid_for: "a day".into(),
        }
    }
}

/// What a supporter gave between two days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftsStatement {
    /// Who writes, and who received the gifts.
    pub sender: Sender,
    /// The supporter's name, or "supporter".
    pub donor_name: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// Each gift, the oldest first.
    pub gifts: Vec<StatedGift>,
    /// The sum of each currency.
    pub sums: Vec<String>,
    /// Whether there are more gifts than stand there.
    pub more: bool,
}

/// One gift in a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedGift {
    /// The day it arrived.
    pub date: String,
    /// The amount with its currency.
    pub amount: String,
    /// The number of its receipt; empty of a gift that was taken over from another program.
    pub receipt_number: String,
}

impl EmailTemplate for GiftsStatement {
    const NAME: &'static str = "gifts_statement";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            donor_name: "Ada Okafor".into(),
            from: "1 January 2026".into(),
            to: "31 December 2026".into(),
            gifts: vec![StatedGift {
                date: "3 March 2026".into(),
                amount: "€15.00".into(),
                receipt_number: "2026-000123".into(),
            }],
            sums: vec!["€15.00".into()],
            more: true,
        }
    }
}

/// Tells an owner or treasurer that a monthly gift should have ended, and that the payment service still takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthlyNotEnded {
    /// Who writes.
    pub sender: Sender,
    /// The amount with its currency.
    pub amount: String,
    /// How often, such as "every month".
    pub every: String,
    /// When the supporter asked, such as "3 March 2026, 14:05 UTC".
    pub asked: String,
    /// What the payment service said, without its full stop.
    pub why: String,
    /// What the payment service calls the gift.
    pub subscription: String,
    /// The donations at the desk.
    pub donations_url: String,
}

impl EmailTemplate for MonthlyNotEnded {
    const NAME: &'static str = "monthly_not_ended";

    fn sample() -> Self {
        Self {
            sender: Sender::sample(),
            amount: "€15.00".into(),
            every: "every month".into(),
            asked: "3 March 2026, 14:05 UTC".into(),
            why: "the payment provider refused (status 401, invalid_request_error): Invalid API Key provided"
                .into(),
            subscription: "sub_sample".into(),
            donations_url: "https://news.example.org/desk/donations".into(),
        }
    }
}
