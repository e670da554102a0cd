//! One command line of SMTP, read strictly (RFC 5321 section 4.1).

/// What a client asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    Ehlo(&'a str),
    Helo(&'a str),
    Auth { mechanism: String, initial: Option<&'a str> },
    Mail(Path<'a>),
    Rcpt(Path<'a>),
    Data,
    Rset,
    Noop,
    Vrfy,
    Help,
    Quit,
}

/// The address between angle brackets, and the parameters behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path<'a> {
    pub(super) address: &'a str,
    pub(super) parameters: Vec<(String, &'a str)>,
}

/// Why a line is no command: the reply to give.
pub(super) type Refusal = (u16, &'static str);

const SYNTAX: Refusal = (501, "5.5.4 Syntax error in parameters");

/// Reads one line, without its CRLF.
pub(super) fn parse(line: &str) -> Result<Command<'_>, Refusal> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim_end_matches(' ');
    let alone = |command| if rest.is_empty() { Ok(command) } else { Err(SYNTAX) };
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" if !rest.is_empty() => Ok(Command::Ehlo(rest)),
        "HELO" if !rest.is_empty() => Ok(Command::Helo(rest)),
        "EHLO" | "HELO" => Err((501, "5.5.4 Say who you are")),
        "AUTH" => {
            let (mechanism, initial) = match rest.split_once(' ') {
                Some((mechanism, initial)) => (mechanism, Some(initial)),
                None => (rest, None),
            };
            Ok(Command::Auth { mechanism: mechanism.to_ascii_uppercase(), initial })
        }
        "MAIL" => Ok(Command::Mail(path(rest, "FROM:")?)),
        "RCPT" => {
            let path = path(rest, "TO:")?;
            if path.address.is_empty() {
                Err((501, "5.1.3 A recipient needs an address"))
            } else {
                Ok(Command::Rcpt(path))
            }
        }
        "DATA" => alone(Command::Data),
        "RSET" => alone(Command::Rset),
        "QUIT" => alone(Command::Quit),
        "NOOP" => Ok(Command::Noop),
        "VRFY" => Ok(Command::Vrfy),
        "HELP" => Ok(Command::Help),
        _ => Err((500, "5.5.2 Command not known")),
    }
}

fn path<'a>(text: &'a str, keyword: &str) -> Result<Path<'a>, Refusal> {
    let head = text.get(..keyword.len()).ok_or(SYNTAX)?;
    if !head.eq_ignore_ascii_case(keyword) {
        return Err(SYNTAX);
    }
    let rest = text[keyword.len()..].strip_prefix('<').ok_or(SYNTAX)?;
    let end = closing_bracket(rest).ok_or(SYNTAX)?;
    let (address, rest) = (&rest[..end], &rest[end + 1..]);
    if !address.is_empty() && !is_mailbox(address) {
        return Err((553, "5.1.3 The address is not valid"));
    }
    let mut parameters = Vec::new();
    if !rest.is_empty() {
        for parameter in rest.strip_prefix(' ').ok_or(SYNTAX)?.split(' ') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            parameters.push((name.to_ascii_uppercase(), value));
        }
    }
    Ok(Path { address, parameters })
}

/// The bracket that ends the path: one inside a quoted local part does not.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// A local part, an @ and a domain, with nothing in it that a command line cannot carry.
fn is_mailbox(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>()[],;:\\\"@".contains(c);
    let literal = domain.starts_with('[') && domain.ends_with(']');
    let named = domain.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    });
    !local.is_empty()
        && local.len() <= 64
        && (quoted && !local.chars().any(char::is_control) || local.chars().all(plain))
        && (literal || named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_the_standard_writes_them() {
        let read = parse("mail FROM:<a@example.org> SIZE=12 body=8BITMIME").unwrap();
        assert_eq!(
            read,
            Command::Mail(Path {
                address: "a@example.org",
                parameters: vec![("SIZE".to_owned(), "12"), ("BODY".to_owned(), "8BITMIME")],
            })
        );
        assert!(matches!(parse("MAIL FROM:<>"), Ok(Command::Mail(Path { address: "", .. }))));
        assert!(matches!(parse("RCPT TO:<\"a>b\"@example.org>"), Ok(Command::Rcpt(_))));
    }

    /// TRUST A16: what could carry a second command or a second address is refused.
    #[test]
    fn what_is_not_one_plain_address_is_refused() {
        for line in [
            "RCPT TO: <a@example.org>",
            "RCPT TO:a@example.org",
            "RCPT TO:<a@example.org",
            "RCPT TO:<>",
            "RCPT TO:<a b@example.org>",
            "RCPT TO:<a@b@example.org>",
            "RCPT TO:<a@example..org>",
            "RCPT TO:<a@example.org>X",
            "DATA now",
            "XYZZY",
            "",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
