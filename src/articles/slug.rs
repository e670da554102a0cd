//! Names in addresses, made from titles.

const LONGEST: usize = 80;

/// A readable name of lower-case ASCII letters, figures and hyphens; empty if the title has none to give.
pub(super) fn slug(title: &str) -> String {
    let mut slug = String::with_capacity(title.len());
    for letter in title.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => slug.push(letter),
            // An apostrophe joins: "don't" is one word.
            '\'' | '’' => {}
            _ => match latin(letter) {
                Some(plain) => slug.push_str(plain),
                None if slug.is_empty() || slug.ends_with('-') => {}
                None => slug.push('-'),
            },
        }
    }
    if slug.len() > LONGEST {
        slug.truncate(LONGEST + 1);
        let whole_words = slug.rfind('-').filter(|at| *at > LONGEST / 2).unwrap_or(LONGEST);
        slug.truncate(whole_words);
    }
    slug.trim_end_matches('-').to_owned()
}

/// The slug itself, then numbered ones, for the first that is free.
pub(super) fn candidates(base: &str) -> impl Iterator<Item = String> {
    let base = if base.is_empty() { "article".to_owned() } else { base.to_owned() };
    let numbered = base.clone();
    std::iter::once(base.clone()).chain((2..10).map(move |n| format!("{numbered}-{n}"))).chain(
        std::iter::repeat_with(move || {
            let random = crate::token::public_id();
            format!("{base}-{}", &random[..8])
        })
        .take(10),
    )
}

fn latin(letter: char) -> Option<&'static str> {
    Some(match letter {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ğ' | 'ģ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => "i",
        'ķ' => "k",
        'ļ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'ō' | 'ő' => "o",
        'ö' | 'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ß' => "ss",
        'ť' | 'ţ' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' | 'ű' | 'ų' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_becomes_a_readable_name() {
        assert_eq!(slug("Russia: The Great Betrayal"), "russia-the-great-betrayal");
        assert_eq!(slug("  “Don’t”, she said — twice!  "), "dont-she-said-twice");
        assert_eq!(slug("Große Café-Straße"), "grosse-cafe-strasse");
        assert_eq!(slug("Правда"), "");
        assert!(slug(&"word ".repeat(40)).len() <= LONGEST);
    }

    #[test]
    fn a_taken_name_is_numbered() {
        assert_eq!(candidates("tide").take(3).collect::<Vec<_>>(), ["tide", "tide-2", "tide-3"]);
        assert_eq!(candidates("").next().as_deref(), Some("article"));
    }
}
