//! Amounts of money: whole minor units and a currency, never a float.

use std::fmt;

pub use iso_currency::Currency;

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
    /// More decimals than the currency has.
    #[error("That amount has more decimal places than the currency.")]
    TooPrecise,
    /// Zero or below.
    #[error("The amount must be more than zero.")]
    NotPositive,
    /// Larger than any gift this system takes.
    #[error("That amount is too large.")]
    TooLarge,
}

/// The largest amount parsed: a billion minor units, far above any gift, far below overflow of a sum.
const LARGEST_MINOR: i64 = 1_000_000_000;

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

impl Money {
    /// An amount of that many minor units.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads what a person typed: "15", "15.5", "15,50", "1 500".
    ///
    /// # Errors
    /// An [`AmountError`] that tells the person what to change.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, AmountError> {
        let text: String =
            text.trim().chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}')).collect();
        let text = text.replace(',', ".");
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if text.starts_with('-') && digits(whole.trim_start_matches('-')) && digits(part) {
            return Err(AmountError::NotPositive);
        }
        if whole.is_empty() || !digits(whole) || !digits(part) {
            return Err(AmountError::NotANumber);
        }
        let places = exponent(currency) as usize;
        let part = part.trim_end_matches('0');
        if part.len() > places {
            return Err(AmountError::TooPrecise);
        }
        let minor: i64 = format!("{whole}{part:0<places$}").parse().map_err(|_| AmountError::TooLarge)?;
        match minor {
            0 => Err(AmountError::NotPositive),
            1..=LARGEST_MINOR => Ok(Self { minor, currency }),
            _ => Err(AmountError::TooLarge),
        }
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
        assert_eq!(parse("15"), Ok(1500));
        assert_eq!(parse("15,5"), Ok(1550));
        assert_eq!(parse(" 1 500.00 "), Ok(150_000));
        assert_eq!(Money::parse("1500", Currency::JPY).map(|money| money.minor), Ok(1500));
    }

    /// TRUST A27: amounts that a person could tamper with are refused with a reason.
    #[test]
    fn tampered_amounts_are_refused() {
        let parse = |text| Money::parse(text, Currency::EUR);
        assert_eq!(parse("0"), Err(AmountError::NotPositive));
        assert_eq!(parse("-5"), Err(AmountError::NotPositive));
        assert_eq!(parse("1e12"), Err(AmountError::NotANumber));
        assert_eq!(parse("999999999999999999999"), Err(AmountError::TooLarge));
        assert_eq!(parse("0.001"), Err(AmountError::TooPrecise));
        assert_eq!(parse("NaN"), Err(AmountError::NotANumber));
        assert_eq!(Money::parse("1.5", Currency::JPY), Err(AmountError::TooPrecise));
        assert_eq!(currency("KWD"), None);
    }

    #[test]
    fn amounts_read_as_people_write_them() {
        assert_eq!(Money::new(1500, Currency::EUR).to_string(), "€15.00");
        assert_eq!(Money::new(-305, Currency::GBP).to_string(), "-£3.05");
        assert_eq!(Money::new(500, Currency::JPY).to_string(), "¥500");
        assert_eq!(Money::new(500, Currency::SEK).to_string(), "5.00 SEK");
    }
}
