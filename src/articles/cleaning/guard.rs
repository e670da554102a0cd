//! Refuses JSON that is built to exhaust whoever parses it, before anything parses it (TRUST A9).
//!
//! One pass over the bytes without building anything. XML is bounded where its tree is built (`feed/tree.rs`).

/// The most bytes a feed may have.
pub const MOST_BYTES: usize = 10_000_000;

const MOST_JSON_VALUES: usize = 200_000;

/// Why a JSON document is refused; `None` if nothing speaks against parsing it.
#[must_use]
pub fn json_objection(bytes: &[u8]) -> Option<&'static str> {
    let (mut values, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' | b',' if !in_string => values += 1,
            _ => {}
        }
    }
    (values > MOST_JSON_VALUES).then_some("it has too many values")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST A9: it is refused without being parsed.
    #[test]
    fn json_built_to_exhaust_is_refused() {
        let many = format!("{{\"items\":[{}]}}", "{},".repeat(300_000));
        assert!(json_objection(many.as_bytes()).is_some_and(|why| why.contains("too many values")));
        assert_eq!(json_objection(b"{\"a\": \"{[,{[,\\\"{\"}"), None);
    }
}
