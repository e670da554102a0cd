//! Amounts of money: whole minor units and a currency, never a float.

mod limits;
mod typed;

use std::fmt;

pub use iso_currency::Currency;

pub use self::limits::{GiftLimits, is_whole, of as sensible_limits, provider_most};

/// An amount in minor units of a currency: `Money { minor: 1500, currency: EUR }` is fifteen euros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units: cents for EUR, whole yen for JPY.
    pub minor: i64,
    /// The ISO 4217 currency.
    pub currency: Currency,
}

/// Why a typed amount was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not digits with an optional decimal part.
    #[error("Type an amount in figures, such as 15 or 15.50.")]
    NotANumber,
    /// "1,500" is fifteen hundred to one reader and one and a half to another: nobody guesses, the person is asked.
    #[error("Do you mean {whole} or {}? Please write it so, with nothing between the thousands.", .part.figures())]
    TwoMeanings {
        /// The amount if the mark stands between thousands.
        whole: i64,
        /// The amount if it begins the decimal places.
        part: Money,
    },
    /// It names a currency that gifts are not taken in here.
    #[error("Amounts here are in {}. Please type how much that is.", .0.code())]
    OtherCurrency(Currency),
    /// More decimals than the currency has, or than are paid in it.
    #[error("That amount has more decimal places than are paid in this currency.")]
    TooPrecise,
    /// Zero or below.
    #[error("The amount must be more than zero.")]
    NotPositive,
    /// Larger than any gift this system takes.
    #[error("That amount is too large.")]
    TooLarge,
}

/// The largest amount parsed, in minor units: the provider takes twelve digits at most, and a sum of many does not overflow.
const LARGEST_MINOR: i64 = 999_999_999_999;

/// Paid in whole units, though the provider counts them in hundredths: the last two digits of an amount are zeros.
const WHOLE_IN_HUNDREDTHS: [&str; 4] = ["HUF", "ISK", "TWD", "UGX"];

/// The currency of an ISO 4217 code in either case, if gifts can be taken in it.
///
/// Currencies with three decimals are refused: the provider rounds them to tens, which a ledger in thousandths cannot show.
#[must_use]
pub fn currency(code: &str) -> Option<Currency> {
    Currency::from_code(&code.to_ascii_uppercase()).filter(|known| exponent(*known) <= 2)
}

/// Decimal places of the currency's minor unit, as the payment provider counts them.
#[must_use]
pub fn exponent(currency: Currency) -> u32 {
    // The provider treats these as having no minor unit, which for some differs from ISO 4217.
    const WHOLE: [&str; 15] = [
        "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF",
        "MGA",
    ];
    const THREE: [&str; 6] = ["BHD", "JOD", "KWD", "OMR", "TND", "IQD"];
    match currency.code() {
        code if WHOLE.contains(&code) => 0,
        code if THREE.contains(&code) => 3,
        _ => 2,
    }
}

impl AmountError {
    /// The two amounts that it asks about, if it does.
    #[must_use]
    pub fn readings(&self) -> Option<[Money; 2]> {
        let Self::TwoMeanings { whole, part } = self else { return None };
        let units = 10_i64.pow(exponent(part.currency));
        Some([Money::new(whole * units, part.currency), *part])
    }
}

impl Money {
    /// An amount of that many minor units.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads what a person typed: "15", "15.5", "15,50", "1 500", "1,500.00", "1.500.000", "15 €", "€15", "15,-".
    ///
    /// # Errors
    /// An [`AmountError`] that tells the person what to change; [`AmountError::TwoMeanings`] where a single mark before three
    /// digits may stand between thousands or begin the decimal places.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, AmountError> {
        typed::read(text, currency)
    }

    /// The figures alone, such as "15.00" or "-3.50" or, in yen, "1500".
    #[must_use]
    pub fn figures(self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        let units = self.minor.unsigned_abs();
        match exponent(self.currency) {
            0 => format!("{sign}{units}"),
            places => {
                let base = 10_u64.pow(places);
                format!("{sign}{}.{:0width$}", units / base, units % base, width = places as usize)
            }
        }
    }
}

/// With its sign where the currency has a well-known one: "€15.00", "A$5.00"; otherwise "15.00 SEK".
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.currency {
            Currency::EUR => "€",
            Currency::GBP => "£",
            Currency::USD => "$",
            Currency::AUD => "A$",
            Currency::NZD => "NZ$",
            Currency::CAD => "C$",
            Currency::JPY => "¥",
            other => return write!(f, "{} {}", self.figures(), other.code()),
        };
        match self.figures().strip_prefix('-') {
            Some(figures) => write!(f, "-{sign}{figures}"),
            None => write!(f, "{sign}{}", self.figures()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_amounts_become_minor_units() {
        let parse = |text| Money::parse(text, Currency::EUR).map(|money| money.minor);
        for (typed, minor) in [
            ("15", 1_500),
            ("15,5", 1_550),
            ("15.", 1_500),
            ("0.50", 50),
            (" 1 500.00 ", 150_000),
            ("1 500", 150_000),
            ("1'500.50", 150_050),
            ("1,500.00", 150_000),
            ("1.500,5", 150_050),
            ("1.500.000", 150_000_000),
            ("1500.50", 150_050),
        ] {
            assert_eq!(parse(typed), Ok(minor), "{typed}");
        }
        for typed in ["1500", "1,500", "1.500", "1500.00", "1 500"] {
            assert_eq!(Money::parse(typed, Currency::JPY).map(|money| money.minor), Ok(1_500), "{typed}");
        }
        for (currency, code) in
            [(Currency::HUF, "HUF"), (Currency::ISK, "ISK"), (Currency::TWD, "TWD"), (Currency::UGX, "UGX")]
        {
            for typed in ["1 500", "1,500", "1.500", "1,500.00"] {
                assert_eq!(
                    Money::parse(typed, currency).map(|money| money.minor),
                    Ok(150_000),
                    "{typed} {code}"
                );
            }
        }
    }

    /// What could mean two things is asked, with both of them in the question.
    #[test]
    fn an_amount_that_could_mean_two_things_is_asked() {
        let asked = |text, currency| Money::parse(text, currency).map_err(|error| error.to_string());
        for typed in ["1,500", "1.500", "1,505"] {
            let error = asked(typed, Currency::EUR).expect_err(typed);
            assert!(error.contains("Do you mean 150") && error.contains(" or 1.50?"), "{error}");
        }
        assert!(asked("1,000", Currency::USD).expect_err("two").contains("1000 or 1.00?"));
        for typed in ["15 50", "1 5", "1,50,00", "1.500,00.0", "1,5000,000", "15,00.00", "1 500 00"] {
            assert_eq!(Money::parse(typed, Currency::EUR), Err(AmountError::NotANumber), "{typed}");
        }
    }

    /// TRUST A27: amounts that a person could tamper with are refused with a reason.
    #[test]
    fn tampered_amounts_are_refused() {
        let parse = |text| Money::parse(text, Currency::EUR);
        assert_eq!(parse("0"), Err(AmountError::NotPositive));
        assert_eq!(parse("-5"), Err(AmountError::NotPositive));
        assert_eq!(parse("1e12"), Err(AmountError::NotANumber));
        assert_eq!(parse("999999999999999999999"), Err(AmountError::TooLarge));
        assert_eq!(parse("-"), Err(AmountError::NotANumber));
        assert_eq!(parse("0.001"), Err(AmountError::TooPrecise));
        assert_eq!(parse("1.5000"), Err(AmountError::TooPrecise));
        assert_eq!(parse("0,500"), Err(AmountError::TooPrecise));
        assert_eq!(Money::parse("1.50", Currency::ISK), Err(AmountError::TooPrecise));
        assert_eq!(parse("NaN"), Err(AmountError::NotANumber));
        assert_eq!(Money::parse("1.5", Currency::JPY), Err(AmountError::TooPrecise));
        assert_eq!(currency("KWD"), None);
    }

    /// TRUST A27: whatever the length of what is posted, it is read once, in little room, and refused.
    #[test]
    fn an_amount_of_any_length_is_refused() {
        for long in ["-", "- ", "0", "1,", "1.000", " ", "\u{202f}", "-1", "9"] {
            let text = long.repeat(60_000);
            for currency in [Currency::EUR, Currency::JPY] {
                let refused = Money::parse(&text, currency).expect_err(long);
                assert!(refused.to_string().len() < 200, "{long}");
            }
        }
        assert_eq!(Money::parse("--5", Currency::EUR), Err(AmountError::NotANumber));
    }

    #[test]
    fn amounts_read_as_people_write_them() {
        assert_eq!(Money::new(1500, Currency::EUR).to_string(), "€15.00");
        assert_eq!(Money::new(-305, Currency::GBP).to_string(), "-£3.05");
        assert_eq!(Money::new(500, Currency::JPY).to_string(), "¥500");
        assert_eq!(Money::new(500, Currency::SEK).to_string(), "5.00 SEK");
    }
}
