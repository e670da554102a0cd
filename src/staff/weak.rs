//! Which passwords are too easy to guess. What everybody would try first is refused, and says so; nobody is asked for a capital
//! letter or a figure (NIST SP 800-63B section 3.1.1.2, ASVS 6.2.4).
//!
//! The commonest passwords of twelve characters and more are no list of thousands: they are a common word or a walk over the
//! keyboard, stretched by figures, by a year, or by saying it twice. So they are known by what they are made of. What somebody
//! would have to guess is added up piece by piece, in the cheapest way to read it, and the sum must be large enough.

use std::{collections::HashSet, sync::LazyLock};

use crate::email_address::EmailAddress;

/// The fewest characters a password may have (NIST SP 800-63B asks for 8 or more).
pub const SHORTEST: usize = 12;
/// The most bytes a password may have, so that nobody makes us hash a book.
pub const LONGEST: usize = 1_000;

/// Why a password was not taken, in words for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than 12 characters.
    #[error("Use at least 12 characters. A few words in a row make a good password.")]
    TooShort,
    /// More than 1,000 bytes.
    #[error("That password is too long. Use fewer than 1,000 characters.")]
    TooLong,
    /// What strangers try first.
    #[error(
        "That password is one of the first that strangers try. Use a few words in a row that do not belong together."
    )]
    Common,
    /// Little more than what everybody knows of them.
    #[error(
        "That password is little more than your name, your address or the magazine’s name. Use a few other words in a row."
    )]
    Own,
}

/// What everybody knows of whoever chooses the password.
#[derive(Clone, Copy, Debug)]
pub struct AboutWhom<'a> {
    pub email: &'a EmailAddress,
    pub name: &'a str,
    /// The name of the magazine; empty before it has one.
    pub magazine: &'a str,
}

/// Checks the rules for a new password.
///
/// # Errors
/// A [`PasswordError`] that tells the person what to change.
pub fn check(password: &str, about: AboutWhom<'_>) -> Result<(), PasswordError> {
    if password.chars().count() < SHORTEST {
        return Err(PasswordError::TooShort);
    }
    if password.len() > LONGEST {
        return Err(PasswordError::TooLong);
    }
    let typed = bare(password);
    let distinct: HashSet<char> = typed.iter().copied().collect();
    let said_once = once(&typed);
    if distinct.len() < FEWEST_DIFFERENT
        || (said_once.len() < typed.len() && said_once.len() < SHORTEST_TWICE)
    {
        return Err(PasswordError::Common);
    }
    if to_guess(said_once, &[]) < ENOUGH {
        return Err(PasswordError::Common);
    }
    if to_guess(said_once, &own_words(about)) < ENOUGH {
        return Err(PasswordError::Own);
    }
    Ok(())
}

/// So many different characters at least.
const FEWEST_DIFFERENT: usize = 5;
/// What is said over and over must be as long as this.
const SHORTEST_TWICE: usize = 8;
/// What each piece adds.
const LETTER: u32 = 2;
const FIGURE_OR_SIGN: u32 = 1;
const WORD: u32 = 3;
const OWN_WORD: u32 = 1;
const PATTERN: u32 = 2;
/// The least sum: more than two common words with a figure, or four walks over the keyboard.
const ENOUGH: u32 = 9;
/// What stands behind so many characters is not looked at.
const FAR_ENOUGH: usize = 64;

/// In small letters, without what is put between words.
fn bare(text: &str) -> Vec<char> {
    let between = |c: &char| !c.is_whitespace() && !matches!(c, '-' | '_' | '.');
    text.chars().filter(between).flat_map(char::to_lowercase).collect()
}

/// The part that is said over and over, or all of it.
fn once(typed: &[char]) -> &[char] {
    let repeats = |length: &usize| typed.iter().enumerate().all(|(at, c)| *c == typed[at % length]);
    let length = (1..=typed.len() / 2).find(repeats).unwrap_or(typed.len());
    &typed[..length]
}

/// The sum of the pieces, in the cheapest way to read them.
fn to_guess(typed: &[char], own: &[Vec<char>]) -> u32 {
    let typed = &typed[..typed.len().min(FAR_ENOUGH)];
    let mut cheapest = vec![u32::MAX; typed.len() + 1];
    cheapest[0] = 0;
    for at in 0..typed.len() {
        let (rest, so_far) = (&typed[at..], cheapest[at]);
        let mut piece = |length: usize, cost: u32| {
            cheapest[at + length] = cheapest[at + length].min(so_far + cost);
        };
        piece(1, if typed[at].is_alphabetic() { LETTER } else { FIGURE_OR_SIGN });
        if is_year(rest) {
            piece(4, PATTERN);
        }
        for length in 3..=rest.len() {
            if is_pattern(&rest[..length]) {
                piece(length, PATTERN);
            }
        }
        for word in WORDS.iter().filter(|word| begins_with(rest, word)) {
            piece(word.len(), WORD);
        }
        for word in own.iter().filter(|word| begins_with(rest, word)) {
            piece(word.len(), OWN_WORD);
        }
    }
    cheapest[typed.len()]
}

/// The words that common passwords are made of, our own choice of them.
static WORDS: LazyLock<Vec<Vec<char>>> = LazyLock::new(|| {
    include_str!("common_words.txt").split_whitespace().map(|word| word.chars().collect()).collect()
});

fn own_words(about: AboutWhom<'_>) -> Vec<Vec<char>> {
    let email = about.email.key();
    let (local, domain) = email.rsplit_once('@').unwrap_or((&email, ""));
    let whole = [email.as_str(), local, domain, about.name, about.magazine];
    let parts = whole.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    let mut words: Vec<Vec<char>> = whole.iter().copied().chain(parts).map(bare).collect();
    words.retain(|word| word.len() >= 3);
    words
}

/// Whether it begins with that word, as people disguise letters.
fn begins_with(typed: &[char], word: &[char]) -> bool {
    let is = |typed: char, letter: char| {
        typed == letter
            || matches!(
                (typed, letter),
                ('@' | '4', 'a')
                    | ('8', 'b')
                    | ('3', 'e')
                    | ('9', 'g')
                    | ('1' | '!', 'i' | 'l')
                    | ('0', 'o')
                    | ('$' | '5', 's')
                    | ('7' | '+', 't')
                    | ('2', 'z')
            )
    };
    typed.len() >= word.len() && typed.iter().zip(word).all(|(typed, letter)| is(*typed, *letter))
}

fn is_year(typed: &[char]) -> bool {
    matches!(typed, ['1', '9', a, b, ..] | ['2', '0', a, b, ..] if a.is_ascii_digit() && b.is_ascii_digit())
}

/// One character again and again, the alphabet in order, figures at equal steps, two such by turns, or a walk over the
/// keyboard.
fn is_pattern(typed: &[char]) -> bool {
    let mut each_once = typed.to_vec();
    each_once.dedup();
    let code = |c: char| i64::from(u32::from(c));
    let steps: Vec<i64> = each_once.windows(2).map(|pair| code(pair[1]) - code(pair[0])).collect();
    let in_order = steps.len() >= 2
        && steps.iter().all(|step| *step == steps[0])
        && (steps[0].abs() == 1 || each_once.iter().all(char::is_ascii_digit));
    let turns = |step: i64| typed.windows(3).all(|three| code(three[2]) - code(three[0]) == step);
    let by_turns = typed.len() >= 6 && (turns(1) || turns(-1));
    steps.is_empty()
        || by_turns
        || in_order && each_once.iter().all(char::is_ascii_alphanumeric)
        || is_walk(typed)
}

/// The keys of a keyboard as most have it, and what they write with Shift.
const KEYS: [(&str, &str); 4] = [
    ("1234567890-=", "!@#$%^&*()_+"),
    ("qwertyuiop[]", "qwertyuiop{}"),
    ("asdfghjkl;'", "asdfghjkl:\""),
    ("zxcvbnm,./", "zxcvbnm<>?"),
];
/// How far each row is set off to the right, in quarters of a key.
const SET_OFF: [i32; 4] = [0, 2, 3, 5];

/// Where a key is: its row, and how far to the right in quarters of a key.
fn key(c: char) -> Option<(i32, i32)> {
    (0..).zip(KEYS).zip(SET_OFF).find_map(|((row, (plain, shift)), set_off)| {
        let column =
            plain.chars().position(|key| key == c).or_else(|| shift.chars().position(|key| key == c))?;
        Some((row, i32::try_from(column).ok()? * 4 + set_off))
    })
}

/// From each key to one beside it: three in a straight line, or four in any.
fn is_walk(typed: &[char]) -> bool {
    let Some(keys) = typed.iter().map(|c| key(*c)).collect::<Option<Vec<_>>>() else { return false };
    let steps: Vec<(i32, i32)> =
        keys.windows(2).map(|pair| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1)).collect();
    let beside = |(down, right): &(i32, i32)| match down {
        0 => right.abs() == 4,
        down => down.abs() == 1 && right.abs() <= 6,
    };
    let straight =
        steps.windows(2).all(|pair| pair[0].0 == pair[1].0 && (pair[0].0 != 0 || pair[0].1 == pair[1].1));
    steps.iter().all(beside) && (straight || typed.len() >= 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(password: &str) -> Result<(), PasswordError> {
        let email = EmailAddress::parse("olive.tanner@lantern.example.org").expect("an address");
        let about = AboutWhom { email: &email, name: "Olive Tanner", magazine: "The March Review" };
        check(password, about)
    }

    /// ASVS 6.2.4: of those that were found in lists of what people use, at this length.
    #[test]
    fn what_strangers_try_first_is_refused() {
        for common in [
            "123456789012",
            "1234567890123",
            "012345678910",
            "987654321098",
            "111111111111",
            "000000000000",
            "121212121212",
            "123123123123",
            "112233445566",
            "123412341234",
            "159753159753",
            "147258369147",
            "abcdefghijkl",
            "abcd1234abcd",
            "abc123abc123",
            "a1b2c3d4e5f6",
            "qwertyuiop12",
            "qwertyuiop[]",
            "qwertyuiopas",
            "qwerty123456",
            "qwerty12345678",
            "1qaz2wsx3edc",
            "zaq12wsxcde3",
            "1q2w3e4r5t6y",
            "q1w2e3r4t5y6",
            "qazwsxedcrfv",
            "qweasdzxc123",
            "asdfghjkl;'\\",
            "zxcvbnm12345",
            "zxcvbnmasdfg",
            "!@#$%^&*()_+",
            "!QAZ2wsx#EDC",
            "qwertzuiop12",
            "azertyuiop12",
            "password1234",
            "password12345",
            "Password123!",
            "P@ssw0rd1234",
            "p@$$w0rd2026!",
            "password2026",
            "passwordpassword",
            "mypassword123",
            "newpassword1!",
            "passwort1234",
            "motdepasse123",
            "contraseña123",
            "iloveyou1234",
            "iloveyou2026",
            "iloveyouiloveyou",
            "letmeinletmein",
            "letmein12345!",
            "welcome12345",
            "Welcome2026!",
            "administrator",
            "Administrator1",
            "adminadmin123",
            "changeme1234",
            "changeme2026!",
            "sunshine1234",
            "princess1234",
            "football2024",
            "monkey123456",
            "dragon123456",
            "superman1234",
            "jessicajessica",
            "michael12345!",
            "liverpool123!",
            "chelsea1905!",
            "summer2026!!!",
            "Sommer-2026-!!",
            "January2026!",
            "trustno1trustno1",
            "hello hello hello",
            "test test test",
            "secret secret",
            "aaaaaaaaaaaaa",
            "aaaaaabbbbbb",
            "aaaabbbbcccc",
            "ababababababab",
            "............",
            "            ",
            "- - - - - - -",
            "master-password-1",
            "Pass-word-1234",
            "internet2026",
        ] {
            assert_eq!(judged(common), Err(PasswordError::Common), "{common}");
        }
    }

    /// ASVS 6.2.11: what everybody knows of the magazine and its people.
    #[test]
    fn the_own_address_and_the_magazines_name_are_refused() {
        for own in [
            "olive.tanner@lantern.example.org",
            "Olive.Tanner@lantern",
            "olivetanner1",
            "Olive Tanner 2026",
            "olivetanner!!",
            "0liveTanner123",
            "olive.tanner.olive.tanner",
            "The March Review",
            "marchreview2026",
            "TheMarchReview!1",
            "march review olive",
            "tanner@MarchReview",
        ] {
            assert_eq!(judged(own), Err(PasswordError::Own), "{own}");
        }
    }

    #[test]
    fn a_few_words_in_a_row_are_a_password_and_so_is_what_a_program_made() {
        for good in [
            "correct horse battery",
            "a lamp for every street",
            "twelve chars",
            "some words in a row",
            "a tide waits for nobody",
            "a lantern on the quay",
            "my olive tree is older",
            "we were poor as mice",
            "the march was long and wet",
            "dessert trees grew here",
            "Kx7#mQ2$vL9p",
            "fjw8qzr3ktbn",
            "830274618539",
            "ulica słoneczna jest długa",
            "青い空と白い雲と赤い花と",
            "tromba-kiosk-vellum",
            "wear a wooden hat",
        ] {
            assert_eq!(judged(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn too_short_and_too_long_say_so() {
        assert_eq!(judged("elevenchars"), Err(PasswordError::TooShort));
        assert_eq!(judged(&"x".repeat(1_001)), Err(PasswordError::TooLong));
        assert_eq!(judged(&"a".repeat(1_000)), Err(PasswordError::Common));
    }
}
