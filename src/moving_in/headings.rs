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
];

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
    if let Some((_, state)) = SAD.iter().find(|(part, _)| plain.contains(part)) {
        return if is_date { Guess::SadDate(*state) } else { Guess::Status(*state) };
    }
    if plain == "left" {
        return Guess::SadDate(State::Left);
    }
    if is_date
        && ["confirm", "verif", "bestätig", "bestaetig", "validat"].iter().any(|part| plain.contains(part))
    {
        return Guess::Confirmed;
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
    let no = match yes {
        State::OnList => State::Left,
        _ => State::OnList,
    };
    Some(match plain.as_str() {
        "true" | "yes" | "y" | "1" | "on" | "x" | "ja" | "oui" | "si" | "sí" | "t" | "wahr" | "vrai" => yes,
        "false" | "no" | "n" | "0" | "off" | "nein" | "non" | "f" | "falsch" | "faux" | "nee" | "none"
        | "never" => no,
        "" if yes != State::OnList => State::OnList,
        "subscribed" | "active" | "enabled" | "confirmed" | "optedin" | "optin" | "regular" | "verified"
        | "onthelist" | "onlist" | "aktiv" | "angemeldet" | "abonniert" | "mailable" | "valid"
        | "deliverable" => State::OnList,
        _ => return sad(value),
    })
}

/// What a cell says that speaks of mail that is not wanted or does not arrive, whatever its heading.
pub(super) fn sad(value: &str) -> Option<State> {
    if value.len() > 60 {
        return None;
    }
    Some(match plain(value).as_str() {
        "unsubscribed" | "unsubscribe" | "unsub" | "optout" | "optedout" | "left" | "cancelled"
        | "canceled" | "cancelado" | "deleted" | "removed" | "inactive" | "disabled" | "donotmail"
        | "donotemail" | "donotcontact" | "churned" | "abgemeldet" | "inaktiv" | "gelöscht" | "désabonné"
        | "désinscrit" | "baja" | "disiscritto" | "uitgeschreven" | "archived" | "former" | "withdrawn"
        | "revoked" | "nomail" | "dnc" | "erased" | "forgotten" | "unsubscriber" => State::Left,
        "bounced" | "bounce" | "hardbounce" | "hardbounced" | "softbounce" | "softbounced" | "cleaned"
        | "undeliverable" | "invalid" | "malformed" | "dead" | "unzustellbar" | "rebotado"
        | "invalidemail" => State::Bounced,
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

/// What the name of a file says of everybody in it; none if nothing.
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
    ];
    let plain = plain(name.rsplit(['/', '\\']).next().unwrap_or(name));
    NAMES.iter().find(|(part, _)| plain.contains(part)).map(|(_, state)| *state)
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
