//! An amount as people type it: with a sign or a code, with marks between thousands, in the digits of their own script.
//!
//! Nothing is guessed. What could mean two things is asked, and what names another currency is not taken for ours.

use super::{AmountError, Currency, Money, limits};

/// The most characters that are read as an amount: the largest has not half as many, with every mark between its digits.
const LONGEST: usize = 40;

/// The first of ten digits that follow one another, of each script that writes its numbers as ours are written (Unicode, Nd).
const NOUGHTS: &[u32] = &[
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6,
    0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0,
    0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
];

/// What stands beside an amount in the place of the code, in small letters, and the currencies that are called so.
const NAMES: &[(&str, &str)] = &[
    ("€", "EUR"),
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("£", "GBP EGP FKP GIP LBP"),
    ("pound", "GBP EGP FKP GIP LBP"),
    ("pounds", "GBP EGP FKP GIP LBP"),
    (
        "$",
        "USD AUD CAD NZD SGD HKD TWD MXN CLP COP ARS UYU BBD BMD BND BSD BZD DOP FJD GYD JMD KYD LRD NAD SBD SRD TTD XCD",
    ),
    ("dollar", "USD AUD CAD NZD SGD HKD TWD BBD BMD BND BSD BZD FJD GYD JMD KYD LRD NAD SBD SRD TTD XCD"),
    ("dollars", "USD AUD CAD NZD SGD HKD TWD BBD BMD BND BSD BZD FJD GYD JMD KYD LRD NAD SBD SRD TTD XCD"),
    ("us$", "USD"),
    ("a$", "AUD"),
    ("au$", "AUD"),
    ("c$", "CAD"),
    ("ca$", "CAD"),
    ("nz$", "NZD"),
    ("s$", "SGD"),
    ("hk$", "HKD"),
    ("nt$", "TWD"),
    ("mx$", "MXN"),
    ("r$", "BRL"),
    ("¥", "JPY CNY"),
    ("yen", "JPY"),
    ("円", "JPY"),
    ("元", "CNY TWD HKD"),
    ("kr", "SEK NOK DKK ISK"),
    ("krónur", "ISK"),
    ("fr", "CHF XAF XOF XPF GNF RWF BIF DJF KMF CDF"),
    ("sfr", "CHF"),
    ("zł", "PLN"),
    ("zl", "PLN"),
    ("kč", "CZK"),
    ("kc", "CZK"),
    ("ft", "HUF"),
    ("forint", "HUF"),
    ("lei", "RON MDL"),
    ("leu", "RON MDL"),
    ("₴", "UAH"),
    ("₺", "TRY"),
    ("tl", "TRY"),
    ("₽", "RUB"),
    ("₹", "INR"),
    ("rs", "INR PKR LKR NPR MUR SCR"),
    ("₩", "KRW"),
    ("원", "KRW"),
    ("₪", "ILS"),
    ("฿", "THB"),
    ("₫", "VND"),
    ("đ", "VND"),
    ("₱", "PHP"),
    ("₦", "NGN"),
    ("₵", "GHS"),
    ("₸", "KZT"),
    ("₾", "GEL"),
    ("rp", "IDR"),
    ("rm", "MYR"),
    ("r", "ZAR"),
    ("ksh", "KES"),
    ("ush", "UGX"),
    ("tsh", "TZS"),
];

/// What was typed, in plain digits and marks: no sign, no code, no letters.
struct Plain {
    digits: String,
    is_negative: bool,
}

pub(super) fn read(text: &str, currency: Currency) -> Result<Money, AmountError> {
    let Plain { digits, is_negative } = plain(text, currency)?;
    let money = read_positive(&digits, currency)?;
    if is_negative { Err(AmountError::NotPositive) } else { Ok(money) }
}

fn plain(text: &str, currency: Currency) -> Result<Plain, AmountError> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c));
    if text.chars().nth(LONGEST).is_some() {
        return Err(AmountError::NotANumber);
    }
    let text: String = text.chars().filter(|c| !is_invisible(*c)).map(as_ours).collect();
    let is_digit = |c: char| c.is_ascii_digit();
    let (Some(first), Some(last)) = (text.find(is_digit), text.rfind(is_digit)) else {
        return Err(AmountError::NotANumber);
    };
    let (before, digits, after) = (&text[..first], &text[first..=last], &text[last + 1..]);
    // "-15", "-€15" and "€-15"; one sign.
    let is_negative = before.matches('-').count() == 1;
    let before = if is_negative { before.replacen('-', " ", 1) } else { before.to_owned() };
    // "15,-" and "15.—" are fifteen and no part; "15." was just not gone on with.
    let after = after.trim_start();
    let (mark, after) = match after.chars().next() {
        Some(mark @ ('.' | ',')) => (Some(mark), &after[1..]),
        _ => (None, after),
    };
    let dashes = after.len() - after.trim_start_matches('-').len();
    let (after, digits) = match (mark, dashes) {
        (None, 0) => (after, digits.to_owned()),
        (Some(_), 0) if after.trim().is_empty() => (after, digits.to_owned()),
        (Some(mark), 1..=2) => (&after[dashes..], format!("{digits}{mark}00")),
        _ => return Err(AmountError::NotANumber),
    };
    let named = [before.as_str(), after].map(|name| is_ours(name, currency));
    if named.contains(&Named::Nothing) {
        return Err(AmountError::NotANumber);
    }
    if named.contains(&Named::Another) {
        return Err(AmountError::OtherCurrency(currency));
    }
    Ok(Plain { digits, is_negative })
}

/// What stands before or behind the digits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    /// Our currency, or none.
    Ours,
    /// A currency that is not ours.
    Another,
    /// No currency.
    Nothing,
}

fn is_ours(name: &str, currency: Currency) -> Named {
    let name = name.trim().trim_end_matches('.').to_lowercase();
    if name.is_empty() {
        return Named::Ours;
    }
    let known = NAMES.iter().find(|(one, _)| *one == name).map(|(_, codes)| *codes);
    let is_code = name.len() == 3 && name.is_ascii();
    let code = is_code.then(|| Currency::from_code(&name.to_ascii_uppercase())).flatten();
    match (code, known) {
        (Some(code), _) if code == currency => Named::Ours,
        (_, Some(codes)) if codes.split(' ').any(|code| code == currency.code()) => Named::Ours,
        (None, None) => Named::Nothing,
        _ => Named::Another,
    }
}

/// Marks of direction and the like, which come along when something is copied.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{61c}' | '\u{feff}')
}

/// A character as we write it: digits of other scripts, full-width marks, the longer dashes.
fn as_ours(c: char) -> char {
    let code = u32::from(c);
    let digit = NOUGHTS.iter().find(|nought| (**nought..**nought + 10).contains(&code));
    if let Some(digit) = digit.and_then(|nought| char::from_digit(code - nought, 10)) {
        return digit;
    }
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => '-',
        '\u{ff0c}' | '\u{66b}' => ',',
        '\u{ff0e}' => '.',
        '\u{66c}' | '\u{ff07}' => '\'',
        '\u{ff04}' => '$',
        '\u{ffe1}' => '£',
        '\u{ffe5}' => '¥',
        c if c.is_whitespace() => ' ',
        c => c,
    }
}

fn read_positive(text: &str, currency: Currency) -> Result<Money, AmountError> {
    let (whole, part) = split(text, currency)?;
    let places = super::exponent(currency) as usize;
    let paid_places = if limits::is_whole(currency) { 0 } else { places };
    // "1500.00" yen are 1500 yen: noughts say nothing.
    if part.len() > paid_places && !matches!(part, "0" | "00") {
        return Err(AmountError::TooPrecise);
    }
    let part = if part.len() > places { "" } else { part };
    let minor = format!("{whole}{part:0<places$}").parse().map_err(|_| AmountError::TooLarge)?;
    match minor {
        0 => Err(AmountError::NotPositive),
        1..=super::LARGEST_MINOR => Ok(Money { minor, currency }),
        _ => Err(AmountError::TooLarge),
    }
}

/// The digits before and after the decimal mark.
fn split(text: &str, currency: Currency) -> Result<(String, &str), AmountError> {
    const BETWEEN_THOUSANDS: [char; 6] = [' ', '\u{a0}', '\u{202f}', '\'', '\u{2019}', '_'];
    let marks = |mark: char| text.matches(mark).count();
    let last = text.rfind(['.', ',']);
    let decimal = match (marks('.'), marks(','), last) {
        // One mark alone.
        (1, 0, Some(at)) | (0, 1, Some(at)) => {
            let (whole, part) = (&text[..at], &text[at + 1..]);
            let thousands = is_digits(whole)
                && (1..=3).contains(&whole.len())
                && !whole.starts_with('0')
                && part.len() == 3
                && is_digits(part);
            if !thousands {
                Some(at)
            } else if limits::is_whole(currency) {
                // There are no thousandths, nor any other part, of a yen.
                None
            } else {
                let (whole, part) = (format!("{whole}{part}"), format!("{whole}{}", &part[..2]));
                return Err(AmountError::TwoMeanings {
                    whole: whole.parse().unwrap_or_default(),
                    part: Money::new(part.parse().unwrap_or_default(), currency),
                });
            }
        }
        // Both kinds: the last one begins the decimal places, and stands once.
        (dots, commas, Some(at)) if dots > 0 && commas > 0 => {
            Some(at).filter(|at| marks(if text[*at..].starts_with('.') { '.' } else { ',' }) == 1)
        }
        _ => None,
    };
    let (whole, part) = decimal.map_or((text, ""), |at| (&text[..at], &text[at + 1..]));
    let mark = whole.chars().find(|c| !c.is_ascii_digit());
    let digits = match mark {
        None => whole.to_owned(),
        Some(mark) if BETWEEN_THOUSANDS.contains(&mark) || matches!(mark, '.' | ',') => {
            let groups: Vec<&str> = whole.split(mark).collect();
            let in_threes = groups.iter().skip(1).all(|group| group.len() == 3)
                && groups.first().is_some_and(|group| (1..=3).contains(&group.len()));
            if !in_threes {
                return Err(AmountError::NotANumber);
            }
            groups.concat()
        }
        Some(_) => return Err(AmountError::NotANumber),
    };
    if digits.is_empty() || !is_digits(&digits) || !is_digits(part) {
        return Err(AmountError::NotANumber);
    }
    Ok((digits, part))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every currency that gifts are taken in.
    fn currencies() -> impl Strategy<Value = Currency> {
        let codes = limits::SMALL_COIN.iter().flat_map(|(_, codes)| codes.split(' '));
        proptest::sample::select(codes.filter_map(super::super::currency).collect::<Vec<_>>())
    }

    fn minor(text: &str, currency: Currency) -> Result<i64, AmountError> {
        Money::parse(text, currency).map(|money| money.minor)
    }

    proptest! {
        /// TRUST A27: whatever we print is read back as what it was.
        #[test]
        fn what_we_print_is_read_back(currency in currencies(), units in 1_i64..999_999_999, part in 0_i64..100) {
            let paid_in_parts = super::super::exponent(currency) == 2 && !limits::is_whole(currency);
            let money = match super::super::exponent(currency) {
                2 => Money::new(units * 100 + if paid_in_parts { part } else { 0 }, currency),
                _ => Money::new(units, currency),
            };
            for printed in [money.to_string(), money.figures(), format!("{} {}", money.figures(), currency.code())] {
                prop_assert_eq!(Money::parse(&printed, currency), Ok(money), "{}", printed);
            }
        }

        /// As people of either half of the world write it, with the code or with any sign that is known for that currency, before it or behind it.
        #[test]
        fn every_currency_is_read_as_its_people_write_it(currency in currencies(), thousands in 1_i64..100, rest in 0_i64..1_000, part in 0_i64..100) {
            let is_whole = limits::is_whole(currency);
            let units = thousands * 1_000 + rest;
            let meant = match super::super::exponent(currency) {
                2 => units * 100 + if is_whole { 0 } else { part },
                _ => units,
            };
            let signs = NAMES.iter().filter(|(_, codes)| codes.split(' ').any(|code| code == currency.code())).map(|(sign, _)| *sign);
            for sign in signs.chain([currency.code()]) {
                for (between, mark) in [(",", "."), (".", ","), (" ", ","), ("\u{202f}", ","), ("’", ".")] {
                    let whole = format!("{thousands}{between}{rest:03}");
                    let figures = if is_whole { whole } else { format!("{whole}{mark}{part:02}") };
                    for typed in [format!("{figures} {sign}"), format!("{figures}\u{a0}{sign}"), format!("{sign} {figures}"), format!("{sign}{figures}")] {
                        prop_assert_eq!(minor(&typed, currency), Ok(meant), "{} in {}", typed, currency.code());
                    }
                }
            }
        }

        /// Either way of writing thousands means the same as none, where there are decimal places that tell which it is.
        #[test]
        fn the_marks_of_either_half_of_the_world_mean_the_same(units in 1_000_i64..999_999, part in 0_i64..100) {
            let (thousands, rest) = (units / 1_000, units % 1_000);
            let meant = Ok(units * 100 + part);
            for typed in [
                format!("{thousands},{rest:03}.{part:02}"),
                format!("{thousands}.{rest:03},{part:02}"),
                format!("{thousands} {rest:03},{part:02} €"),
                format!("{thousands}’{rest:03}.{part:02}"),
                format!("€{thousands}\u{202f}{rest:03}.{part:02}"),
            ] {
                prop_assert_eq!(minor(&typed, Currency::EUR), meant, "{}", typed);
            }
        }

        /// TRUST A27: no text breaks the reading, and nothing below one comes of any.
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}", currency in currencies()) {
            if let Ok(money) = Money::parse(&text, currency) {
                prop_assert!(money.minor > 0);
            }
        }

        /// One mark before three digits is never taken for either meaning.
        #[test]
        fn one_mark_before_three_digits_is_asked(whole in 1_i64..1_000, part in 0_i64..1_000, mark in "[.,]") {
            let asked = Money::parse(&format!("{whole}{mark}{part:03} €"), Currency::EUR).expect_err("two meanings");
            let readings = asked.readings().expect("two meanings");
            prop_assert_eq!(readings.map(|money| money.minor), [(whole * 1_000 + part) * 100, whole * 100 + part / 10]);
        }
    }

    /// The signs, codes and dashes that stand beside an amount, and the digits of other scripts.
    #[test]
    fn an_amount_is_read_as_people_type_it() {
        for typed in [
            "15 €",
            "€15",
            "€ 15",
            "15€",
            "15,- €",
            "15,-",
            "15.-",
            "15.--",
            "15,—",
            "15,–",
            "15 EUR",
            "eur 15",
            "EUR15.00",
            "15 Euro",
            "15 euros",
            "１５",
            "１５．００",
            "١٥",
            "۱۵",
            "१५",
            "\u{200e}15\u{a0}€\u{200f}",
            " 15. ",
        ] {
            assert_eq!(minor(typed, Currency::EUR), Ok(1_500), "{typed}");
        }
        for typed in
            ["1.000,-", "1.000,- €", "1,000.-", "1'000", "1’000.–", "1 000", "1\u{202f}000,00 €", "١٬٠٠٠"]
        {
            assert_eq!(minor(typed, Currency::EUR), Ok(100_000), "{typed}");
        }
        for (typed, currency, read) in [
            ("$15", Currency::USD, 1_500),
            ("US$15.50", Currency::USD, 1_550),
            ("$15 USD", Currency::USD, 1_500),
            ("$15", Currency::AUD, 1_500),
            ("A$15", Currency::AUD, 1_500),
            ("15 kr", Currency::SEK, 1_500),
            ("kr. 15,50", Currency::DKK, 1_550),
            ("Fr. 15.-", Currency::CHF, 1_500),
            ("１,５００円", Currency::JPY, 1_500),
            ("￥1500", Currency::JPY, 1_500),
            ("1.500 kr.", Currency::ISK, 150_000),
            ("Rs. 1,500.00", Currency::INR, 150_000),
            ("15 zł", Currency::PLN, 1_500),
        ] {
            assert_eq!(minor(typed, currency), Ok(read), "{typed}");
        }
    }

    /// Another currency is not ours, however it is named; and what is no currency is no amount.
    #[test]
    fn another_currency_is_not_taken_for_ours() {
        for (typed, currency) in [
            ("$15", Currency::EUR),
            ("15 USD", Currency::EUR),
            ("15 €", Currency::GBP),
            ("C$15", Currency::USD),
            ("15 kr", Currency::EUR),
        ] {
            assert_eq!(minor(typed, currency), Err(AmountError::OtherCurrency(currency)), "{typed}");
        }
        for typed in [
            "15 apples",
            "fifteen",
            "15-20",
            "15,-,-",
            "--15",
            "15--",
            "15,---",
            "15 %",
            "15e3",
            "0x15",
            "15 50",
            "€",
            ",-",
        ] {
            assert_eq!(minor(typed, Currency::EUR), Err(AmountError::NotANumber), "{typed}");
        }
        for typed in ["-15", "-€15", "€-15", "−15", "-15,- €"] {
            assert_eq!(minor(typed, Currency::EUR), Err(AmountError::NotPositive), "{typed}");
        }
    }
}
