//! Files of settings: `NAME=value` lines.
//!
//! Nothing in one is passed over in silence: a line that might mean something else to another program that reads such files
//! is understood as everybody means it, or refused with its number.

use super::table::{SETTINGS, file_of};

/// What is wrong with a value that is no text, behind its name.
pub(super) const NO_UTF8: &str = "has signs that are not UTF-8; write it in UTF-8";

/// A file as text; or each line that is none.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Vec<String>> {
    str::from_utf8(bytes).map_err(|_| {
        let lines = bytes.split(|byte| *byte == b'\n').zip(1..);
        let wrong = lines.filter(|(line, _)| str::from_utf8(line).is_err());
        wrong.map(|(line, number)| format!("line {number}: {} {NO_UTF8}", begun(line))).collect()
    })
}

/// The name of a setting on a line that is no text; its value is nobody's to see.
fn begun(line: &[u8]) -> String {
    let name = line.split(|byte| *byte == b'=').next().unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    let name = name.trim().trim_start_matches("export ");
    if SETTINGS.iter().any(|one| one.name == name) { name.to_owned() } else { "it".to_owned() }
}

/// The settings in a text, in the order of its lines; or every mistake in it, each with its line.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, Vec<String>> {
    let mut found: Vec<(String, String, usize)> = Vec::new();
    let mut mistakes = Vec::new();
    for (line, number) in text.trim_start_matches('\u{feff}').lines().zip(1..) {
        match setting(line) {
            Ok(None) => {}
            Ok(Some((name, value))) => match found.iter().find(|(known, ..)| *known == name) {
                Some((.., first)) => {
                    mistakes.push(format!("line {number}: {name} stands on line {first} already; keep one"));
                }
                None => found.push((name, value, number)),
            },
            Err(why) => mistakes.push(format!("line {number}: {why}")),
        }
    }
    if mistakes.is_empty() {
        Ok(found.into_iter().map(|(name, value, _)| (name, value)).collect())
    } else {
        Err(mistakes)
    }
}

/// The setting on a line; none on an empty line or a comment.
fn setting(line: &str) -> Result<Option<(String, String)>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    let Some((name, value)) = line.split_once('=') else {
        return Err("it is not NAME=value".to_owned());
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // What stands there may be a piece of a secret: it is shown only if it looks like a name of ours.
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(
            "what stands before the = is not a name: NAME=value, without spaces around the =".to_owned()
        );
    }
    if let Some(why) = unknown(name) {
        return Err(why);
    }
    let value = value_of(value).map_err(|why| format!("{name}: {why}"))?;
    Ok(Some((name.to_owned(), value)))
}

/// Why a name means nothing here.
fn unknown(name: &str) -> Option<String> {
    let is_known =
        SETTINGS.iter().any(|setting| name == setting.name || Some(name) == file_of(setting).as_deref());
    (!is_known).then(|| match near(name) {
        Some(near) => format!("there is no setting {name}; did you mean {near}?"),
        None => "there is no setting of that name; `broadside settings` lists them all. A value that goes on over several lines stands in quotes, or in a file of its own".to_owned(),
    })
}

/// The setting whose name somebody may have meant.
fn near(name: &str) -> Option<String> {
    let names =
        SETTINGS.iter().flat_map(|setting| [Some(setting.name.to_owned()), file_of(setting)]).flatten();
    let distance = |one: &String| strsim::damerau_levenshtein(one, &name.to_ascii_uppercase());
    names.filter(|one| distance(one) <= one.len() / 5).min_by_key(distance)
}

/// The setting that a name in the environment, where others' names stand, too, is likely meant to be, and the words for it.
pub(super) fn misspelt(name: &str) -> Option<(String, String)> {
    // Ours are all written large.
    let is_as_ours = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if !name.chars().all(is_as_ours) {
        return None;
    }
    Some((near(name)?, unknown(name)?))
}

/// What a value in the environment may not look like: a comment that whoever read the file did not take for one.
pub(super) fn swallowed_comment(value: &str) -> bool {
    value
        .split_once('#')
        .is_some_and(|(before, _)| before.ends_with(char::is_whitespace) && !before.trim().is_empty())
}

/// A value as a shell reads it, without what a shell would put in the place of `$`.
fn value_of(text: &str) -> Result<String, String> {
    let text = text.trim_start();
    match text.chars().next() {
        Some('\'') => {
            let (inner, rest) = text[1..].split_once('\'').ok_or("the quote at its beginning has no end")?;
            nothing_after(rest)?;
            Ok(inner.to_owned())
        }
        Some('"') => {
            let mut value = String::new();
            let mut rest = text[1..].chars();
            loop {
                match rest.next() {
                    None => return Err("the quote at its beginning has no end".to_owned()),
                    Some('"') => break,
                    Some('\\') => match rest.next() {
                        Some(c @ ('"' | '\\' | '$' | '`')) => value.push(c),
                        _ => {
                            return Err("a \\ in quotes stands before \", \\, $ or ` only; use ' for quotes"
                                .to_owned());
                        }
                    },
                    Some(c) => value.push(c),
                }
            }
            if is_of_a_shell(&value) {
                return Err(LITERALLY.to_owned());
            }
            nothing_after(rest.as_str())?;
            Ok(value)
        }
        _ => {
            // A # inside of a word belongs to it; behind a space it begins a comment.
            let end = text
                .char_indices()
                .find(|(at, c)| *c == '#' && (*at == 0 || text[..*at].ends_with(char::is_whitespace)))
                .map_or(text.len(), |(at, _)| at);
            let value = text[..end].trim_end();
            if value.contains(['"', '\'']) {
                return Err("a quote in the middle: put the whole value into quotes".to_owned());
            }
            if value.contains(['\\', '`']) || is_of_a_shell(value) {
                return Err(LITERALLY.to_owned());
            }
            Ok(value.to_owned())
        }
    }
}

/// Whether a shell would put something in the place of a part of it.
fn is_of_a_shell(value: &str) -> bool {
    value.contains("$(") || value.contains("${")
}

const LITERALLY: &str = "nothing is put in the place of \\, ` or $ here: write the value itself, in single quotes if it has such signs";

/// Behind a closing quote there may be a comment and nothing else.
fn nothing_after(rest: &str) -> Result<(), String> {
    let is_comment = rest.starts_with(char::is_whitespace) && rest.trim_start().starts_with('#');
    if rest.trim().is_empty() || is_comment {
        Ok(())
    } else {
        Err("something stands behind its closing quote".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Result<String, String> {
        match parse(line) {
            Ok(found) => Ok(found.into_iter().next().map(|(_, value)| value).unwrap_or_default()),
            Err(mistakes) => Err(mistakes.join("; ")),
        }
    }

    /// Every way to write a value that people bring from shells, systemd and containers.
    #[test]
    fn a_value_is_what_who_wrote_it_meant() {
        for (line, value) in [
            ("LOG=info", "info"),
            ("  LOG = info".trim_start(), ""),
            ("export LOG=info", "info"),
            ("LOG=info # as usual", "info"),
            ("LOG=info\t# as usual\r", "info"),
            ("LOG=", ""),
            ("LOG= # nothing", ""),
            ("LOG=\"info\" # c", "info"),
            ("LOG='in fo'", "in fo"),
            ("LOG=\"in # fo\"", "in # fo"),
            ("LOG=\"a\\\"b\\\\c\"", "a\"b\\c"),
            ("SMTP_URL=smtp://a:b#c@h?tls=none", "smtp://a:b#c@h?tls=none"),
            ("\u{feff}LOG=info", "info"),
            ("# LOG=info", ""),
        ] {
            match one(line) {
                Ok(found) => assert_eq!(found, value, "{line}"),
                Err(why) => assert!(line.contains(" = "), "{line}: {why}"),
            }
        }
    }

    /// What is not understood is said with its line, and what to do.
    #[test]
    fn what_is_not_understood_is_refused() {
        for (text, words) in [
            ("LOG", "line 1: it is not NAME=value"),
            ("\nLOG=\"info", "line 2: LOG: the quote at its beginning has no end"),
            ("LOG='a'b", "LOG: something stands behind its closing quote"),
            ("LOG=a\"b\"", "LOG: a quote in the middle"),
            ("LOG =info", "without spaces around the ="),
            ("SECRET=$(openssl rand -hex 32)", "write the value itself"),
            ("SECRET=\"${OTHER}\"", "write the value itself"),
            ("LOG=info\\", "write the value itself"),
            ("LOG=a\nLOG=b", "line 2: LOG stands on line 1 already"),
            ("DATABSE_URL=x", "there is no setting DATABSE_URL; did you mean DATABASE_URL?"),
            ("smtp_url=x", "did you mean SMTP_URL?"),
            ("DATABASE_URL_FLIE=x", "did you mean DATABASE_URL_FILE?"),
            ("COLOUR=red", "there is no setting of that name; `broadside settings`"),
            ("LISTEN_FILE=x", "there is no setting of that name"),
        ] {
            let why = one(text).expect_err(text);
            assert!(why.contains(words), "{text}: {why}");
        }
    }

    /// A secret that goes on over two lines is not shown for it.
    #[test]
    fn no_piece_of_a_secret_is_shown() {
        for text in [
            "SECRET=\nq83vEjRWcanary8=",
            "SMTP_URL=\"smtp://a:b@h\nsmtp://ann:canary@h?tls=none\"",
            "SECRET='a\ncanary'",
        ] {
            let why = one(text).expect_err(text);
            assert!(!why.contains("canary"), "{why}");
        }
    }

    /// Names of others are theirs.
    #[test]
    fn what_others_put_into_the_environment_is_let_be() {
        for name in
            ["PATH", "HOME", "LANG", "LOGNAME", "LISTEN_FDS", "LISTEN_PID", "DATA", "HOSTNAME", "SMTP_HOST"]
        {
            assert_eq!(misspelt(name), None);
        }
        assert!(misspelt("STRIPE_SECRT_KEY").is_some());
        assert!(
            swallowed_comment("127.0.0.1:3000   # only from here") && !swallowed_comment("smtp://a:b#c@h")
        );
    }
}
