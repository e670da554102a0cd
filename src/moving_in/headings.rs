//! What a heading says its column holds, in whatever case and spelling.
//!
//! The rule: a heading that may say that somebody is not to be mailed is never passed over, in the languages of our readers; and a
//! cell that says so counts, whatever its heading.

use super::state::State;

/// A heading without what people write differently: `E-Mail` is `email`.
pub(super) fn plain(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What a column seems to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guess {
    Email,
    Name,
    FirstName,
    LastName,
    /// When they joined.
    Joined,
    Ip,
    List,
    /// When they left, bounced or complained, as it seems.
    SadDate(State),
    /// When they confirmed; who has none may never have.
    Confirmed,
    /// How they stand; true or yes in it means the state, if it is one of these words.
    Status(State),
    Nothing,
}

/// The heading that we give to what says from which table of an archive a line is.
pub(super) const OF_TABLE: &str = "Table in the archive";

const EMAIL: &[&str] = &[
    "email",
    "emailaddress",
    "mail",
    "mailaddress",
    "emailadresse",
    "mailadresse",
    "emailaddresse",
    "useremail",
    "subscriberemail",
    "contactemail",
    "primaryemail",
    "emailid",
    "adresseemail",
    "adressemail",
    "courriel",
    "correo",
    "correoelectronico",
    "correoelectrónico",
    "indirizzoemail",
    "emailadres",
    "eposta",
    "epost",
    "epostadresse",
    "epostadress",
    "endereçodeemail",
    "adresemail",
    "電子メール",
    "メールアドレス",
];
const NAME: &[&str] = &[
    "name",
    "fullname",
    "displayname",
    "subscribername",
    "vollername",
    "nomcomplet",
    "nombrecompleto",
    "naam",
    "nome",
    "nombre",
    "nom",
];
const FIRST_NAME: &[&str] = &[
    "firstname",
    "fname",
    "givenname",
    "forename",
    "vorname",
    "prénom",
    "prenom",
    "primernombre",
    "voornaam",
    "förnamn",
    "fornavn",
    "imię",
];
const LAST_NAME: &[&str] = &[
    "lastname",
    "lname",
    "surname",
    "familyname",
    "nachname",
    "nomdefamille",
    "apellido",
    "apellidos",
    "cognome",
    "achternaam",
    "efternamn",
    "etternavn",
    "nazwisko",
];
const IP: &[&str] = &[
    "ip",
    "ipaddress",
    "optinip",
    "signupip",
    "subscribedip",
    "subscriptionip",
    "confirmip",
    "confirmationip",
    "registrationip",
];
const LIST: &[&str] = &["list", "lists", "listname", "mailinglist"];

/// Parts of headings that speak of mail that somebody does not want or get, with what a yes in the column means.
const SAD: &[(&str, State)] = &[
    ("nonsubscri", State::Unconfirmed),
    ("notsubscri", State::Left),
    ("unsub", State::Left),
    ("optout", State::Left),
    ("optedout", State::Left),
    ("optsout", State::Left),
    ("donot", State::Left),
    ("dontmail", State::Left),
    ("dontemail", State::Left),
    ("dnc", State::Left),
    ("nomail", State::Left),
    ("noemail", State::Left),
    ("cancel", State::Left),
    ("churn", State::Left),
    ("revoke", State::Left),
    ("withdr", State::Left),
    ("leftat", State::Left),
    ("lefton", State::Left),
    ("leftdate", State::Left),
    ("dateleft", State::Left),
    ("deleted", State::Left),
    ("removed", State::Left),
    ("removal", State::Left),
    ("disabled", State::Left),
    ("inactive", State::Left),
    ("deactiv", State::Left),
    ("archived", State::Left),
    ("erase", State::Left),
    ("forgotten", State::Left),
    ("exclude", State::Left),
    ("abgemeldet", State::Left),
    ("abmeld", State::Left),
    ("austrag", State::Left),
    ("ausgetragen", State::Left),
    ("austritt", State::Left),
    ("widerruf", State::Left),
    ("gelöscht", State::Left),
    ("geloescht", State::Left),
    ("gekündigt", State::Left),
    ("inaktiv", State::Left),
    ("désabonn", State::Left),
    ("desabonn", State::Left),
    ("désinscri", State::Left),
    ("desinscri", State::Left),
    ("supprim", State::Left),
    ("baja", State::Left),
    ("cancelad", State::Left),
    ("eliminad", State::Left),
    ("disiscri", State::Left),
    ("cancellat", State::Left),
    ("uitgeschreven", State::Left),
    ("afgemeld", State::Left),
    ("verwijderd", State::Left),
    ("descadastr", State::Left),
    ("avregistr", State::Left),
    ("avanmäl", State::Left),
    ("avmeld", State::Left),
    ("frameld", State::Left),
    ("afmeld", State::Left),
    ("wypisan", State::Left),
    ("bounc", State::Bounced),
    ("clean", State::Bounced),
    ("undeliver", State::Bounced),
    ("invalid", State::Bounced),
    ("unzustellbar", State::Bounced),
    ("rebot", State::Bounced),
    ("rimbalz", State::Bounced),
    ("rejet", State::Bounced),
    ("hardfail", State::Bounced),
    ("softfail", State::Bounced),
    ("complain", State::Complained),
    ("spam", State::Complained),
    ("abuse", State::Complained),
    ("junk", State::Complained),
    ("beschwerde", State::Complained),
    ("plainte", State::Complained),
    ("queja", State::Complained),
    ("klacht", State::Complained),
    ("reclam", State::Complained),
    ("blocklist", State::Blocked),
    ("blacklist", State::Blocked),
    ("denylist", State::Blocked),
    ("suppress", State::Blocked),
    ("blocked", State::Blocked),
    ("banned", State::Blocked),
    ("gesperrt", State::Blocked),
    ("gesperd", State::Blocked),
    ("bloqu", State::Blocked),
    ("geblokkeerd", State::Blocked),
    ("quarantin", State::Blocked),
    ("abbestell", State::Left),
    ("kündig", State::Left),
    ("kuendig", State::Left),
    ("storn", State::Left),
    ("résili", State::Left),
    ("resili", State::Left),
    ("refus", State::Left),
    ("declin", State::Left),
    ("reject", State::Left),
    ("objected", State::Left),
    ("objection", State::Left),
    ("widerspr", State::Left),
    ("opposition", State::Left),
    ("opzeg", State::Left),
    ("opgezegd", State::Left),
    ("resign", State::Left),
    ("donotsend", State::Left),
    ("unwanted", State::Left),
    ("unerwünscht", State::Left),
    ("deceas", State::Left),
    ("verstorb", State::Left),
    ("gestorben", State::Left),
    ("overled", State::Left),
    ("décéd", State::Left),
    ("fallecid", State::Left),
    ("decedut", State::Left),
    ("avliden", State::Left),
    ("erasure", State::Left),
    ("onhold", State::Bounced),
    ("retour", State::Bounced),
    ("sperr", State::Blocked),
    ("suspend", State::Blocked),
];

/// The same as whole words, for they are parts of others: recommended, household.
const SAD_WORDS: &[(&str, State)] = &[
    ("lapsed", State::Left),
    ("quit", State::Left),
    ("stop", State::Left),
    ("stopped", State::Left),
    ("ended", State::Left),
    ("beendet", State::Left),
    ("gone", State::Left),
    ("paused", State::Left),
    ("dead", State::Left),
    ("died", State::Left),
    ("hold", State::Bounced),
    ("npai", State::Bounced),
];

/// Words that turn another round, before it or behind it: Kein Newsletter, Not consented.
const NOT: &[&str] = &[
    "no", "not", "never", "non", "without", "kein", "keine", "keinen", "keiner", "nicht", "ohne", "nie",
    "pas", "sans", "sin", "senza", "geen", "niet", "zonder", "ikke", "ingen", "inga", "inte", "ej", "utan",
    "sem", "não", "nao", "bez",
];

/// Parts of headings that speak of mail: a column with one of them may say who is not to be mailed.
const OF_MAIL: &[&str] = &[
    "mail",
    "contact",
    "kontakt",
    "contatt",
    "send",
    "sent",
    "envoi",
    "envio",
    "versand",
    "stop",
    "optin",
    "news",
    "abonn",
    "letter",
    "brief",
    "market",
    "werb",
    "consen",
    "einwillig",
    "zustimm",
    "allow",
    "permi",
    "erlaub",
    "autoris",
    "authoris",
    "authoriz",
    "subscri",
    "suscri",
    "iscri",
    "inscri",
    "accept",
    "pause",
    "expir",
    "receiv",
    "empfang",
    "ontvang",
    "frequency",
    "courriel",
    "correo",
    "communication",
];
/// Such parts that are whole words.
const OF_MAIL_WORDS: &[&str] = &[
    "opt", "ok", "end", "ends", "until", "bis", "ende", "fin", "hasta", "einde", "slut", "out", "off", "abo",
    "post", "reason",
];
/// What ends.
const ENDS: &[&str] = &["end", "ends", "until", "bis", "ende", "fin", "hasta", "einde", "slut", "out", "off"];
/// Beside them what somebody may not be.
const OF_STANDING: &[&str] = &[
    "call",
    "wish",
    "wunsch",
    "want",
    "activ",
    "aktiv",
    "valid",
    "angemeldet",
    "regist",
    "member",
    "confirm",
    "bestätigt",
];
/// The last word of headings that speak of something else, though a part of them is of mail: Contact name, Postcode.
const OF_ELSE: &[&str] = &[
    "name",
    "person",
    "no",
    "nr",
    "owner",
    "id",
    "phone",
    "telefon",
    "tel",
    "mobile",
    "number",
    "nummer",
    "count",
    "code",
    "address",
    "adresse",
    "source",
    "city",
    "ort",
    "url",
    "postcode",
    "postleitzahl",
    "postalcode",
    "plz",
    "company",
    "lat",
    "long",
    "title",
    "country",
];
/// Parts of headings of days that speak of something else.
const OTHER_DAYS: &[&str] = &[
    "birth",
    "geburt",
    "naiss",
    "nacim",
    "nascita",
    "geboorte",
    "födel",
    "dob",
    "last",
    "letzt",
    "changed",
    "modified",
    "updated",
    "geändert",
    "opened",
    "open",
    "click",
    "login",
    "order",
    "purchase",
    "donat",
    "gift",
    "paid",
    "payment",
    "renew",
];

/// What a column seems to say against mail by its heading; none if nothing.
fn forbids(words: &[String], plain: &str) -> Option<State> {
    let is_of_mail = |word: &String| {
        OF_MAIL.iter().chain(OF_STANDING).any(|part| word.contains(part))
            || OF_MAIL_WORDS.contains(&word.as_str())
    };
    // Contact no: a number.
    let is_a_number = words.last().is_some_and(|last| last == "no");
    let is_no = |word: &String| NOT.contains(&word.as_str());
    SAD.iter()
        .find(|(part, _)| plain.contains(part))
        .or_else(|| SAD_WORDS.iter().find(|(word, _)| words.iter().any(|one| one == word)))
        .map(|(_, state)| *state)
        .or_else(|| {
            (!is_a_number && words.iter().any(is_no) && words.iter().any(is_of_mail)).then_some(State::Left)
        })
}

/// Whether a column that nobody understands speaks of mail by its heading.
pub(super) fn speaks_of_mail(heading: &str) -> bool {
    let words = words(heading);
    let is_of_else = words.last().is_some_and(|last| OF_ELSE.contains(&last.as_str()));
    !is_of_else
        && words.iter().any(|word| {
            // In a word, not across words: last open.
            OF_MAIL.iter().any(|part| word.contains(part)) || OF_MAIL_WORDS.contains(&word.as_str())
        })
}

/// Whether a column of days that nobody understands may be of days since when somebody is not mailed.
pub(super) fn may_be_such_a_day(heading: &str) -> bool {
    let plain = plain(heading);
    !OTHER_DAYS.iter().any(|part| plain.contains(part))
}

/// Parts of headings that speak of how somebody stands; a yes means that they may be mailed.
const STANDS: &[&str] = &[
    "status",
    "statut",
    "estado",
    "stato",
    "subscrib",
    "subscription",
    "optin",
    "optedin",
    "active",
    "enabled",
    "consent",
    "gdpr",
    "dsgvo",
    "rgpd",
    "permission",
    "einwillig",
    "zustimm",
    "consentement",
    "consenso",
    "toestemming",
    "marketing",
    "mailable",
    "deliverab",
    "newsletter",
    "aktiv",
    "abonn",
    "angemeldet",
    "suscri",
    "iscritt",
    "verified",
    "confirm",
    "bestätigt",
    "bestaetigt",
    "validated",
    "valid",
    "mayemail",
    "canemail",
    "acceptsmail",
    "acceptsemail",
    "receive",
    "membertype",
    "subscribertype",
    "reason",
    "lifecycle",
];

const JOINED: &[&str] = &[
    "joined",
    "created",
    "optin",
    "signup",
    "signedup",
    "registered",
    "registration",
    "subscribed",
    "subscription",
    "added",
    "angemeldet",
    "anmeld",
    "erstellt",
    "inscri",
    "start",
    "member since",
    "membersince",
    "since",
];

/// Parts of headings that say that there is a moment in the column.
fn is_of_a_date(words: &[String], plain: &str) -> bool {
    const WORDS: &[&str] = &[
        "at",
        "on",
        "date",
        "time",
        "datetime",
        "timestamp",
        "am",
        "datum",
        "le",
        "fecha",
        "data",
        "zeit",
        "day",
        "when",
        "seit",
        "zum",
        "vom",
        "depuis",
        "op",
        "ts",
        "utc",
    ];
    words.iter().any(|word| WORDS.contains(&word.as_str()))
        || ["date", "time", "datum"].iter().any(|end| plain.ends_with(end) || plain.starts_with(end))
        || plain.ends_with("at") && SAD.iter().any(|(part, _)| plain.contains(part))
}

/// The words of a heading, also where capitals begin them.
fn words(heading: &str) -> Vec<String> {
    let (mut words, mut before) = (vec![String::new()], ' ');
    for c in heading.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() && before.is_lowercase() {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().expect("there is one").extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What a heading says.
pub(super) fn guess(heading: &str) -> Guess {
    let (plain, words) = (plain(heading), words(heading));
    let is = |known: &[&str]| known.contains(&plain.as_str());
    match () {
        () if heading == OF_TABLE => return Guess::Status(State::OnList),
        () if is(EMAIL) => return Guess::Email,
        () if is(FIRST_NAME) => return Guess::FirstName,
        () if is(LAST_NAME) => return Guess::LastName,
        () if is(NAME) => return Guess::Name,
        () if is(IP) => return Guess::Ip,
        () if is(LIST) => return Guess::List,
        () => {}
    }
    let is_date = is_of_a_date(&words, &plain);
    if let Some(state) = forbids(&words, &plain) {
        return if is_date { Guess::SadDate(state) } else { Guess::Status(state) };
    }
    if plain == "left" {
        return Guess::SadDate(State::Left);
    }
    if is_date
        && ["confirm", "verif", "bestätig", "bestaetig", "validat"].iter().any(|part| plain.contains(part))
    {
        return Guess::Confirmed;
    }
    // The end of a subscription is not its beginning; what it is, a person says.
    if words.iter().any(|word| ENDS.contains(&word.as_str())) || plain.contains("expir") {
        return Guess::Nothing;
    }
    if is_date && JOINED.iter().any(|part| plain.contains(part))
        || is(&["created", "joined", "registered", "date"])
    {
        return Guess::Joined;
    }
    if plain == "state" || STANDS.iter().any(|part| plain.contains(part)) || plain == "type" {
        return Guess::Status(State::OnList);
    }
    Guess::Nothing
}

/// What a word of such a column means, as far as anybody would guess it. `yes` is what a yes means in it.
pub(super) fn meant(value: &str, yes: State) -> Option<State> {
    let plain = plain(value);
    if plain.is_empty() && !value.trim().chars().all(|c| "-–—.".contains(c)) {
        // A mark of some kind: in a column that speaks against mail it does, too.
        return if yes == State::OnList { None } else { Some(yes) };
    }
    let no = match yes {
        State::OnList => State::Left,
        _ => State::OnList,
    };
    Some(match plain.as_str() {
        "true" | "yes" | "y" | "1" | "on" | "x" | "ja" | "j" | "oui" | "o" | "si" | "sí" | "s" | "sim"
        | "tak" | "t" | "wahr" | "vrai" => yes,
        "false" | "no" | "n" | "0" | "off" | "nein" | "non" | "f" | "falsch" | "faux" | "nee" | "nej"
        | "nei" | "não" | "nao" | "nie" | "none" | "never" | "niemals" | "jamais" | "nunca" | "nooit" => no,
        "" if yes != State::OnList => State::OnList,
        "subscribed" | "active" | "enabled" | "confirmed" | "optedin" | "optin" | "regular" | "verified"
        | "onthelist" | "onlist" | "aktiv" | "angemeldet" | "abonniert" | "mailable" | "valid"
        | "deliverable" => State::OnList,
        _ => return sad(value),
    })
}

/// What a cell says that speaks of mail that is not wanted or does not arrive, whatever its heading: in a word, at its beginning, or
/// anywhere in it.
pub(super) fn sad(value: &str) -> Option<State> {
    let value: String = value.chars().take(400).collect();
    let whole = plain(&value);
    sad_word(&whole)
        .or_else(|| SAID_ANYWHERE.iter().find(|(part, _)| whole.contains(part)).map(|(_, state)| *state))
        .or_else(|| (value.len() <= 60).then(|| sad_word(words(&value).first()?))?)
}

/// What speaks against mail wherever it stands in a cell.
const SAID_ANYWHERE: &[(&str, State)] = &[
    ("nonsubscri", State::Unconfirmed),
    ("unsub", State::Left),
    ("donotmail", State::Left),
    ("donotemail", State::Left),
    ("donotcontact", State::Left),
    ("donotsend", State::Left),
    ("donotwrite", State::Left),
    ("dontmail", State::Left),
    ("dontemail", State::Left),
    ("dontcontact", State::Left),
    ("dontsend", State::Left),
    ("optout", State::Left),
    ("optedout", State::Left),
    ("nomoremail", State::Left),
    ("nomoreemail", State::Left),
    ("nonewsletter", State::Left),
    ("abgemeldet", State::Left),
    ("abbestell", State::Left),
    ("ausgetragen", State::Left),
    ("gekündigt", State::Left),
    ("gekuendigt", State::Left),
    ("keinnewsletter", State::Left),
    ("keinenewsletter", State::Left),
    ("keinemail", State::Left),
    ("nichtanschreiben", State::Left),
    ("désabonn", State::Left),
    ("desabonn", State::Left),
    ("désinscri", State::Left),
    ("desinscri", State::Left),
    ("résilié", State::Left),
    ("nepascontacter", State::Left),
    ("nepasenvoyer", State::Left),
    ("dadodebaja", State::Left),
    ("dadadebaja", State::Left),
    ("disiscri", State::Left),
    ("opgezegd", State::Left),
    ("uitgeschreven", State::Left),
    ("afgemeld", State::Left),
    ("deceased", State::Left),
    ("verstorben", State::Left),
    ("overleden", State::Left),
    ("décédé", State::Left),
    ("bounce", State::Bounced),
    ("undeliverable", State::Bounced),
    ("unzustellbar", State::Bounced),
    ("markedasspam", State::Complained),
    ("reportedspam", State::Complained),
    ("spamcomplaint", State::Complained),
    ("blocklist", State::Blocked),
    ("blacklist", State::Blocked),
];

fn sad_word(plain: &str) -> Option<State> {
    Some(match plain {
        "unsubscribed" | "unsubscribe" | "unsub" | "optout" | "optedout" | "left" | "cancelled"
        | "canceled" | "cancelado" | "deleted" | "removed" | "inactive" | "disabled" | "donotmail"
        | "donotemail" | "donotcontact" | "churned" | "abgemeldet" | "inaktiv" | "gelöscht" | "désabonné"
        | "désinscrit" | "baja" | "disiscritto" | "uitgeschreven" | "archived" | "former" | "withdrawn"
        | "revoked" | "nomail" | "dnc" | "erased" | "forgotten" | "unsubscriber" | "quit" | "lapsed"
        | "stopped" | "refused" | "refusé" | "resigned" | "storniert" | "abmeldung" | "kündigung" => {
            State::Left
        }
        "bounced" | "bounce" | "hardbounce" | "hardbounced" | "softbounce" | "softbounced" | "cleaned"
        | "undeliverable" | "invalid" | "malformed" | "dead" | "unzustellbar" | "rebotado"
        | "invalidemail" | "npai" => State::Bounced,
        "complained" | "complaint" | "complainer" | "spam" | "spammy" | "spamcomplaint" | "markedasspam"
        | "reportedspam" | "abuse" | "junk" | "beschwerde" => State::Complained,
        "blocklisted" | "blacklisted" | "blocked" | "suppressed" | "banned" | "denylisted" | "gesperrt"
        | "quarantined" => State::Blocked,
        "unconfirmed"
        | "pending"
        | "notconfirmed"
        | "unverified"
        | "unactivated"
        | "awaitingconfirmation"
        | "nonsubscribed"
        | "notsubscribed"
        | "unbestätigt"
        | "neverconfirmed"
        | "transactional" => State::Unconfirmed,
        _ => return None,
    })
}

/// Whether it is a yes or a no: what that means hangs on the column.
pub(super) fn is_yes_or_no(value: &str) -> bool {
    meant(value, State::OnList) != meant(value, State::Bounced) || value.trim().is_empty()
}

/// What a word means in a column of which nobody knows what it is: a yes may be either.
pub(super) fn meant_anywhere(value: &str) -> Option<State> {
    if is_yes_or_no(value) { None } else { meant(value, State::OnList) }
}

/// What the name of a file, or of a sheet, says of everybody in it; none if nothing.
pub(super) fn of_file_name(name: &str) -> Option<State> {
    const NAMES: &[(&str, State)] = &[
        ("nonsubscri", State::Unconfirmed),
        ("unconfirmed", State::Unconfirmed),
        ("unsub", State::Left),
        ("optout", State::Left),
        ("optedout", State::Left),
        ("abgemeldet", State::Left),
        ("désabonn", State::Left),
        ("bounce", State::Bounced),
        ("cleaned", State::Bounced),
        ("complain", State::Complained),
        ("spam", State::Complained),
        ("suppress", State::Blocked),
        ("blocklist", State::Blocked),
        ("blacklist", State::Blocked),
        ("blocked", State::Blocked),
        ("gesperrt", State::Blocked),
        ("sperrliste", State::Blocked),
        ("donotmail", State::Left),
        ("donotemail", State::Left),
        ("donotcontact", State::Left),
        ("inactive", State::Left),
        ("inaktiv", State::Left),
        ("cancel", State::Left),
        ("abmeld", State::Left),
        ("abbestell", State::Left),
        ("austritt", State::Left),
        ("ausgetreten", State::Left),
        ("ausgetragen", State::Left),
        ("gekündigt", State::Left),
        ("gekuendigt", State::Left),
        ("kündigung", State::Left),
        ("storniert", State::Left),
        ("widerruf", State::Left),
        ("ehemalig", State::Left),
        ("verstorben", State::Left),
        ("deceased", State::Left),
        ("desabonn", State::Left),
        ("désinscri", State::Left),
        ("desinscri", State::Left),
        ("résili", State::Left),
        ("disiscri", State::Left),
        ("opgezegd", State::Left),
        ("uitgeschreven", State::Left),
        ("afgemeld", State::Left),
        ("unzustellbar", State::Bounced),
        ("undeliver", State::Bounced),
    ];
    const WORDS: &[&str] = &["left", "gone", "quit", "lapsed", "stop", "stopped", "former", "bajas", "baja"];
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let (plain, words) = (plain(name), words(name));
    let by_word = || words.iter().any(|word| WORDS.contains(&word.as_str())).then_some(State::Left);
    NAMES.iter().find(|(part, _)| plain.contains(part)).map(|(_, state)| *state).or_else(by_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST L6: whatever may say that somebody is not to be mailed is seen.
    #[test]
    fn headings_are_read_as_people_write_them() {
        for heading in ["E-mail", "email address", "E-Mail-Adresse", "EMAIL", "Email Address", "user_email"] {
            assert_eq!(guess(heading), Guess::Email, "{heading}");
        }
        for (heading, state) in [
            ("unsubscribed_at", State::Left),
            ("Cancel date", State::Left),
            ("UNSUB_TIME", State::Left),
            ("deletedAt", State::Left),
            ("Abgemeldet am", State::Left),
            ("bounced_at", State::Bounced),
            ("CLEAN_TIME", State::Bounced),
            ("Date of complaint", State::Complained),
        ] {
            assert_eq!(guess(heading), Guess::SadDate(state), "{heading}");
        }
        for heading in [
            "status",
            "state",
            "subscribed",
            "Opt-out",
            "do_not_email",
            "is_active",
            "Email permission status",
            "newsletter",
            "EMAIL_BLACKLISTED",
            "hard bounce",
            "type",
            "Statut",
            "GDPR",
            "verified",
            "suppressed",
            "Member Status",
        ] {
            assert!(matches!(guess(heading), Guess::Status(_)), "{heading}: {:?}", guess(heading));
        }
        assert_eq!(guess("confirmed_at"), Guess::Confirmed);
        for heading in
            ["created_at", "OPTIN_TIME", "Subscription time", "Date joined", "signup date", "Start date"]
        {
            assert_eq!(guess(heading), Guess::Joined, "{heading}");
        }
        for heading in ["notes", "city", "Phone Number", "country", "tags", "uuid", "MEMBER_RATING"] {
            assert_eq!(guess(heading), Guess::Nothing, "{heading}");
        }
    }

    #[test]
    fn words_are_read_as_people_write_them() {
        assert_eq!(meant("Yes", State::Blocked), Some(State::Blocked));
        assert_eq!(meant("No", State::Blocked), Some(State::OnList));
        assert_eq!(meant("FALSE", State::OnList), Some(State::Left));
        assert_eq!(meant("", State::OnList), None, "nobody said how they stand");
        assert_eq!(meant("Do not e-mail", State::OnList), Some(State::Left));
        assert_eq!(meant("gold", State::OnList), None);
        assert_eq!(of_file_name("/tmp/unsubscribed_export.csv"), Some(State::Left));
        assert_eq!(of_file_name("nonsubscribed_members.csv"), Some(State::Unconfirmed));
        assert_eq!(of_file_name("readers.csv"), None);
    }
}
