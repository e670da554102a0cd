//! Of whom a word is said: by the name that stands nearest to it.

use super::{Phrases, us::OURS};

/// How far apart the two may stand.
const NEAR: usize = 40;

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// Of a thing: a command, a file, the message.
    Things,
    /// Nothing is named.
    Nobodys,
    /// Of a domain that is named, and nobody says whose it is.
    Domains,
    /// Of who sends.
    Ours,
    /// Of whom it is for.
    Readers,
}

/// Names of whom it is for, and of what they have.
const READERS: Phrases = &[
    "user",
    "recipient",
    "mailbox",
    "mail box",
    "account",
    "address",
    "alias",
    "inbox",
    "addressee",
    "local part",
    "rcpt",
    "customer",
    "member",
    "person",
    "subscriber",
    "benutzer",
    "empfänger",
    "postfach",
    "konto",
    "adres",
    "destinat",
    "utilisateur",
    "boite",
    "boîte",
    "compte",
    "usuario",
    "usuário",
    "cuenta",
    "conta",
    "buzon",
    "buzón",
    "direccion",
    "dirección",
    "endereço",
    "caixa",
    "utente",
    "casella",
    "indirizzo",
    "gebruiker",
    "ontvanger",
    "użytkownik",
    "uzytkownik",
    "odbiorc",
    "skrzynk",
    "användare",
    "mottagare",
    "bruger",
    "modtager",
    "bruker",
    "пользовател",
    "получател",
    "адрес",
    "ящик",
    "用户",
    "用戶",
    "收件人",
    "帐号",
    "账号",
    "邮箱",
    "ユーザ",
    "宛先",
    "受信者",
    "アドレス",
    "사용자",
    "수신자",
    "adresát",
    "kullanıcı",
    "alıcı",
    "címzett",
];

/// Names of things that may be missing, too.
const THINGS: Phrases = &[
    "message",
    "mail",
    "command",
    "file",
    "type",
    "parameter",
    "argument",
    "error",
    "reason",
    "record",
    "certificate",
    "signature",
    "attachment",
    "service",
    "feature",
    "option",
    "charset",
    "encoding",
    "header",
    "directory",
    "nachricht",
    "befehl",
    "datei",
    "anhang",
    "fehler",
    "dienst",
    "commande",
    "fichier",
    "erreur",
    "comando",
    "archivo",
    "mensaje",
    "命令",
    "文件",
    "コマンド",
    "ファイル",
];

/// Of whom any of these words is said; none if none of them is. Of several the reader comes first: what is said of them at any
/// place is about them. Where two names are equally near, the sender's is the milder reading, and a thing's says least.
pub fn whose(plain: &str, words: &[Phrases]) -> Option<Whose> {
    let places = words
        .iter()
        .flat_map(|words| words.iter())
        .flat_map(|word| plain.match_indices(word).map(|(at, _)| (at, at + word.len())));
    places.map(|(at, end)| nearest(plain, at, end)).max()
}

fn nearest(plain: &str, at: usize, end: usize) -> Whose {
    let near = |names: Phrases, whose: Whose| {
        let found = names.iter().filter_map(|name| name_near(plain, at, end, name));
        found
            .min()
            .map(|(distance, name)| (distance, if is_of_ours(plain, name) { Whose::Ours } else { whose }))
    };
    let names = [near(OURS, Whose::Ours), near(READERS, Whose::Readers), near(THINGS, Whose::Things)];
    let named = names.into_iter().flatten();
    named.min_by_key(|(distance, _)| *distance).map_or_else(|| unnamed(plain, at, end), |(_, whose)| whose)
}

/// Of something that no table knows, or of nothing at all: then no word stands beside it.
fn unnamed(plain: &str, at: usize, end: usize) -> Whose {
    let ends = |c: char| matches!(c, '.' | ':' | ';' | ',' | '>' | '(' | ')' | '<' | '…');
    let before = &plain[plain.floor_char_boundary(at.saturating_sub(NEAR))..at];
    let says = |word: &&str| matches!(*word, "does" | "did" | "do" | "is" | "was" | "could");
    if before.split_whitespace().rev().find(|word| !says(word)).is_some_and(is_domain) {
        return Whose::Domains;
    }
    let before = before.rsplit(ends).next().unwrap_or_default();
    let after = plain[end..plain.floor_char_boundary(end + NEAR)].split(ends).next().unwrap_or_default();
    let is_bare = !before.contains(char::is_alphabetic) && !after.contains(char::is_alphabetic);
    if is_bare { Whose::Nobodys } else { Whose::Things }
}

fn is_domain(word: &str) -> bool {
    let labels: Vec<&str> = word.split('.').collect();
    labels.len() > 1
        && labels
            .iter()
            .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'))
        && labels.last().is_some_and(|top| top.chars().all(char::is_alphabetic))
}

/// How far a name stands from a place in the text, before it or behind, if it is near; and where.
fn name_near(plain: &str, at: usize, end: usize, name: &str) -> Option<(usize, usize)> {
    let from = plain.floor_char_boundary(at.saturating_sub(NEAR));
    let before = plain[from..at].rfind(name).map(|found| (at - from - found - name.len(), from + found));
    let after = &plain[end..plain.floor_char_boundary(end + NEAR)];
    let after = after.find(name).map(|found| (found, end + found));
    before.into_iter().chain(after).min()
}

/// "Sender's address", "your email account", "client IP address": a name that is said to be the sender's.
fn is_of_ours(plain: &str, name: usize) -> bool {
    const NEVER: Phrases = &["recipient", "rcpt", "addressee", "destinat", "empfänger"];
    const BETWEEN: Phrases = &["'s", "email", "e-mail", "mail", "domain", "ip", "source", "header"];
    const BELONGS: Phrases = &[
        "your", "ihre", "ihr", "votre", "vostra", "vostro", "client", " ip", " ip-", "source", "from",
        "return", "bounce", "reply", "envelope",
    ];
    if NEVER.iter().any(|word| plain[name..].starts_with(word)) {
        return false;
    }
    let before = plain[plain.floor_char_boundary(name.saturating_sub(NEAR))..name].trim_end();
    let between = BETWEEN.iter().find_map(|word| before.strip_suffix(word)).map(str::trim_end);
    let ends = |before: &str| BELONGS.iter().chain(OURS).any(|word| before.ends_with(word));
    ends(before) || between.is_some_and(ends)
}
