//! What the styles and names of pasted HTML mean: word processors write bold as a style, and lists as paragraphs.

/// What a style says of the words in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Whether it makes them bold, or says that they are not.
    pub bold: Option<bool>,
    pub italic: bool,
    pub struck: bool,
    pub above: bool,
    pub below: bool,
    /// They are not seen, or are the sign of a list's item.
    pub gone: bool,
}

impl Look {
    pub(super) fn of(style: &str) -> Self {
        let mut look = Self::default();
        for (name, value) in properties(style) {
            let is = |word: &str| value.split_whitespace().any(|one| one.eq_ignore_ascii_case(word));
            match name.as_str() {
                "font-weight" => {
                    let number = value.parse::<u32>().unwrap_or_default();
                    look.bold = Some(is("bold") || is("bolder") || number >= 600);
                }
                "font-style" => look.italic = is("italic") || is("oblique"),
                "text-decoration" | "text-decoration-line" => look.struck |= is("line-through"),
                "vertical-align" => (look.above, look.below) = (is("super"), is("sub")),
                "display" => look.gone |= is("none"),
                "mso-list" => look.gone |= is("ignore"),
                "mso-hide" => look.gone |= is("all"),
                _ => {}
            }
        }
        look
    }
}

/// The level of the list that a paragraph of Word's is an item of.
pub(super) fn word_level(style: &str) -> Option<usize> {
    let (_, value) = properties(style).find(|(name, _)| name == "mso-list")?;
    let level = value.split_whitespace().find_map(|word| word.strip_prefix("level"))?;
    level.parse().ok().filter(|level| (1..=9).contains(level))
}

fn properties(style: &str) -> impl Iterator<Item = (String, &str)> {
    let pairs = style.split(';').filter_map(|pair| pair.split_once(':'));
    pairs.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
}

/// Whether the sign of an item is a number or a letter with a full stop: such lists have an order.
pub(super) fn is_number(sign: &str) -> bool {
    let sign = sign.trim().trim_start_matches('(');
    let word: String = sign.chars().take_while(|c| c.is_alphanumeric()).collect();
    !word.is_empty() && word.chars().count() <= 6 && sign[word.len()..].starts_with(['.', ')'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_say_what_words_look_like() {
        let bold = Look { bold: Some(true), ..Look::default() };
        assert_eq!(Look::of("font-size:11pt; FONT-WEIGHT: 700"), bold);
        assert_eq!(Look::of("font-weight:normal").bold, Some(false));
        assert!(Look::of("font-style:italic;text-decoration:underline line-through").struck);
        assert!(Look::of("mso-list:Ignore").gone);
        assert_eq!(word_level("text-indent:-18.0pt;mso-list:l0 level2 lfo1"), Some(2));
        assert_eq!(word_level("mso-list:Ignore"), None);
        for (sign, number) in
            [("1.", true), ("iv)", true), ("(a)", true), ("·", false), ("o", false), ("§", false)]
        {
            assert_eq!(is_number(sign), number, "{sign}");
        }
    }
}
