//! Reading mail as a reader does: finding the link to press.

/// The path of the first link in a message that begins with `start`, whatever encoding its line breaks went through.
pub(super) fn path(raw: &[u8], start: &str) -> Option<String> {
    let text = decode_quoted_printable(raw);
    let at = text.find(start)?;
    let end = text[at..].find(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | ')'));
    Some(text[at..end.map_or(text.len(), |end| at + end)].to_owned())
}

/// The value of a header on one line, without folding.
pub(super) fn header(raw: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(raw);
    let head = text.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
    head.split("\r\n").find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// RFC 2045 section 6.7, forgiving: what is no escape stays as it is.
fn decode_quoted_printable(raw: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match (byte, after) {
            (b'=', [b'\r', b'\n', after @ ..]) => after,
            (b'=', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                match std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok())
                {
                    Some(decoded) => bytes.push(decoded),
                    None => bytes.extend_from_slice(&[b'=', *high, *low]),
                }
                after
            }
            _ => {
                bytes.push(byte);
                after
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_found_across_soft_line_breaks() {
        let raw = b"Subject: x\r\nList-Unsubscribe:\r\n <https://x.example/u>\r\n\r\nGo to http://x.exa=\r\nmple/confirm/a=3Db now";
        assert_eq!(path(raw, "/confirm/").as_deref(), Some("/confirm/a=b"));
        assert_eq!(header(raw, "list-unsubscribe").as_deref(), Some("<https://x.example/u>"));
    }
}
