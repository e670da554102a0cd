//! Why mail came back, by the words that mail servers use.
//!
//! The idioms of the servers in use, grouped by what they mean; nothing here knows one provider's message as a whole. In
//! a phrase, `*` stands for anything in between. The first group that has a phrase in the text counts, so groups whose
//! words are plainest come first.

use super::Reason;

type Phrases = &'static [&'static str];

const GROUPS: &[(Reason, Phrases)] = &[
    (Reason::Full, FULL),
    (Reason::TooBig, TOO_BIG),
    (Reason::Moved, MOVED),
    (Reason::Disabled, DISABLED),
    (Reason::TakesNoMail, TAKES_NO_MAIL),
    (Reason::Policy, PLAIN_POLICY),
    (Reason::NoHost, NO_HOST),
    (Reason::NoMailbox, NO_MAILBOX),
    (Reason::Policy, POLICY),
    (Reason::TooMuch, TOO_MUCH),
    (Reason::Expired, EXPIRED),
    (Reason::Network, NETWORK),
    (Reason::Server, SERVER),
];

const FULL: Phrases = &[
    "mailbox full", "mailbox is full", "mailfolder is full", "mail box full", "maildir over quota", "mailbox size limit",
    "over quota", "overquota", "quota exceeded", "exceeded quota", "exceed*quota", "out of quota", "exceeds allowed quota",
    "disk quota", "disk full", "not enough space", "insufficient space", "insufficient system storage", "insufficient disk",
    "no space left", "storage full", "out of storage", "storage space", "storage allocation", "inbox is full",
    "mailbox exceeds", "mailbox has exceeded", "mailbox exceeded", "exceeded*mailbox", "mailbox*exceeded the local limit",
    "mailbox too full", "mailbox for user is full", "mailbox quota", "account is full", "account full", "user is over",
    "over the maximum allowed mailbox", "is full. no", "mail directory*full", "too many messages in", "recipient storage full",
    "recipient overquota", "maximum mailbox", "mailbox of the recipient*full", "receiver's mailbox is full",
];

const TOO_BIG: Phrases = &[
    "message too large", "message is too large", "message too big", "message size exceeds", "message size*limit",
    "message exceeds*size", "exceeds*maximum size", "exceeds*size limit", "maximum message size", "max message size",
    "message length exceeds", "size of the message", "too large message", "message file too big", "message larger than",
    "mail too big", "fixed maximum size", "exceeded maximum*size", "size limit exceeded", "attachment is too large",
];

const MOVED: Phrases = &[
    "has moved", "user has moved", "no longer at this address", "mailbox has been moved", "new address is",
    "address has changed", "recipient moved", "please forward to", "user not local; please try", "has been replaced by",
];

const DISABLED: Phrases = &[
    "account disabled", "account is disabled", "account has been disabled", "account is temporarily", "disabled account",
    "account suspended", "account has been suspended", "account is suspended", "account is locked", "account locked",
    "account inactive", "account is inactive", "inactive account", "inactive user", "user is inactive", "mailbox is inactive",
    "mailbox disabled", "mailbox is disabled", "mailbox unavailable or access denied", "mailbox currently suspended",
    "mailbox is suspended", "mailbox suspended", "user suspended", "user is suspended", "domain is suspended",
    "recipient suspend", "suspended account", "temporarily suspended", "temporarily locked", "temporarily blocked",
    "mailbox is frozen", "mailbox frozen", "account that you tried to reach is disabled", "email account*is inactive",
    "account has been temporarily", "delivery to this account is disabled", "not currently active", "account is unavailable",
    "account closed", "account has expired", "account expired", "login disabled", "boite du destinataire*suspendu", "box is archive", "is deactivated", "email account has been inactive",
];

const TAKES_NO_MAIL: Phrases = &[
    "null mx", "no mx record found", "no smtp service", "does not accept mail", "does not accept email", "doesn't accept mail",
    "not accept any mail", "doesn't accept email", "smtp protocol returned a permanent error", "does not receive mail", "does not have an mx or a record", "no mx or a record", "domain*does not receive",
];

/// Words that speak of the sender even where a server adds that the user is unknown to it.
const PLAIN_POLICY: Phrases = &[
    "relay access denied", "relaying denied", "relay denied", "relay not permitted", "unable to relay", "relaying not allowed",
    "not permitted to relay", "relaying prohibited", "no relaying", "relaying is prohibited", "relay operation rejected",
    "not allowed to relay", "we do not relay", "that domain isn't in my list of allowed", "open relay",
    "dmarc", "spf check", "spf fail", "spf record", "sender policy framework", "dkim", "unauthenticated",
    "authentication required", "authentication checks", "must be authenticated", "authentication failed",
    "blacklist", "blocklist", "block list", "blocked using", "blocked by", "black list", "spamhaus", "spamcop", "sorbs", "barracuda",
    "banned sending ip", "banned by", "listed in", "listed by", "dnsbl", " rbl", "reputation",
    "spam", "junk mail", "unsolicited", "bulk email", "virus", "malware", "infected",
    "reverse dns", "ptr record", "rdns", "no ptr", "reverse lookup", "reverse hostname", "cannot find your hostname",
    "cannot find your reverse", "client host rejected", "your ip", "ip address", "sender address rejected", "sender domain",
    "sender rejected", "sender denied", "verify the sender", "sender verify failed", "domain of sender", "sender's address", "from address", "mail from",
    "access denied", "not accept mail from", "rejected your message", "prohibited", "not rfc", "rfc 5322", "rfc5322", "rfc2822",
    "header is missing", "missing a required header", "content rejected", "message content", "policy violation", "violat",
];

const NO_HOST: Phrases = &[
    "host unknown", "unknown host", "host not found", "host or domain name not found", "domain not found", "unknown domain",
    "no such domain", "domain does not exist", "domain name not found", "nxdomain", "couldn't find any host named",
    "could not find any host named", "unrouteable address", "unroutable", "no route to domain", "domain*doesn't exist", "domain*could not be found",
    "name service error", "no such host", "invalid domain", "bad destination host", "bad destination system", "recipient's domain", "unresolvable", "name or service not known", "illegal host/domain name found", "no mail server known",
    "name server: host not found", "host name lookup failure", "domain is not valid", "domain part does not exist", "domain mentioned in email address is unknown", "domain isn't known",
];

const NO_MAILBOX: Phrases = &[
    "user unknown", "unknown user", "unknown local", "unknown local part", "unknown recipient", "recipient unknown", "unknown account", "unknown address", "unknown mailbox", "unknown or illegal", "unknown in local recipient",
    "no such user", "no such mailbox", "no such recipient", "no such address", "no such account", "no such email", "no such person", "no such customer", "no such local", "no such id",
    "no mailbox here", "no mailbox by that name", "no mailbox found", "no mailbox", "mailbox not found", "mailbox unavailable", "mailbox does not exist", "mailbox doesn't exist", "mailbox is unavailable", "mailbox not available", "mailbox name not allowed", "mailbox invalid", "invalid mailbox", "mailbox not exist", "mailbox*does not exist",
    "user not found", "user not exist", "user does not exist", "user doesn't exist", "user doesn't have", "users doesn't exist", "user*not listed", "user*does not exist", "user*doesn't have a", "user is unknown", "user invalid", "user reject", "user no longer", "user cannot be found",
    "not listed in", "not a valid user", "not a known user", "not a valid mailbox", "not a valid recipient", "not our customer", "not known here", "not known at this site", "not exist", "doesn't exist", "does not exist", "don't exist", "no longer exists", "no longer valid", "no longer available", "no longer on", "no longer in use", "no longer work",
    "recipient not found", "recipientnotfound", "recipient does not exist", "recipient no longer", "recipient address is invalid", "recipient name is not recognized", "recipient not exist", "recipient is not exist", "recipient not accepted", "recipient rejected", "recipient is not local", "recipient invalid", "recipient*not found", "recipient*unknown", "bad destination mailbox", "bad address", "bad recipient", "invalid recipient", "invalid address", "invalid user", "invalid email", "invalid local", "incorrect address", "illegal user", "illegal alias",
    "address unknown", "address not found", "address does not exist", "address not known", "address invalid", "address error", "address not present", "address no longer", "address you entered couldn't be found", "address*wasn't found", "address*couldn't be found", "address*not found", "address*may be misspelled",
    "account not found", "account does not exist", "account doesn't exist", "account*does not exist", "account unknown", "account not available", "account has been deleted", "account deleted", "mailbox deleted", "deleted user", "deactivated mailbox", "closed mailbox",
    "no account by that name", "no user by that name", "doesn't have a*account", "does not have an account", "non-existent", "nonexistent", "unable to find recipient", "can't create user output", "destination user unknown", "destination addresses were unknown", "no valid recipients", "not valid recipients", "couldn't be found or is invalid", "adr.exrecipnotfound", "name not found", "person*not found", "your envelope recipient has been denied",
    "vdeliver: invalid or unknown virtual user", "delivery to*user unknown", "unknown_user", "undeliverable address", "destinataire inconnu", "utilisateur inconnu", "unbekannter", "no existe", "inesistente",
];

const POLICY: Phrases = &[
    "policy", "policies", "blocked", "rejected for", "not authorized", "not authorised", "unauthorized", "not allowed", "not permitted", "permission denied", "denied", "security", "restricted", "refused to accept", "not accepted from", "not welcome", "filtered", "filter",
];

const TOO_MUCH: Phrases = &[
    "too many", "rate limit", "ratelimit", "throttl", "try again later", "exceeded*limit", "limit exceeded", "sending rate", "unexpected volume", "deferred due to", "temporarily deferred",
];

const EXPIRED: Phrases = &[
    "expired", "giving up", "gave up", "too long", "retry timeout", "not been delivered", "timed out", "timeout", "could not be delivered for", "undelivered after", "delivery time", "multiple retries", "could not send message for",
];

const NETWORK: Phrases = &[
    "connection refused", "connection reset", "connection lost", "could not connect", "cannot connect", "unable to connect", "no route to host", "network", "not reachable", "unreachable", "socket error", "loop", "hop count", "too many hops", "conversation with*timed", "lost connection", "not responding", "network is unreachable", "temporary dns", "mail forwarding loop",
];

const SERVER: Phrases = &[
    "local error", "system error", "mail system", "internal error", "temporarily unavailable", "service unavailable", "command", "mailer error", "procmail", "pipe to", "config", "server error", "ldap", "syntax error", "protocol error", "unexpected failure", "try again", "local configuration", "out of memory", "permission",
];

/// What the words mean, if they mean anything that is known.
pub fn reason(plain: &str) -> Option<Reason> {
    GROUPS.iter().find(|(_, phrases)| phrases.iter().any(|phrase| says(plain, phrase))).map(|(reason, _)| *reason)
}

/// Whether a text says a phrase; `*` may stand for up to 80 letters.
fn says(text: &str, phrase: &str) -> bool {
    let Some((first, second)) = phrase.split_once('*') else { return text.contains(phrase) };
    text.match_indices(first).any(|(at, _)| {
        let after = &text[at + first.len()..];
        after.find(second).is_some_and(|gap| gap <= 80)
    })
}
