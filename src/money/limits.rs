//! The least and the most that is given at once, a line for each currency that gifts can be taken in.
//!
//! One number a currency: about one euro in whole units, rounded to what people of that currency would call a small coin. The
//! least gift is that; the most is ten thousand of it, as far as the provider takes so much. A magazine may settle on others.

use super::{Currency, Money, WHOLE_IN_HUNDREDTHS, exponent};

/// The least and the most of a gift, both taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GiftLimits {
    /// The smallest gift.
    pub least: Money,
    /// The largest gift.
    pub most: Money,
}

/// How many of the small coin the largest gift is.
const COINS_AT_MOST: i64 = 10_000;
/// The provider takes amounts of eight digits, in rupiah of twelve.
const EIGHT_DIGITS: i64 = 99_999_999;
const TWELVE_DIGITS: i64 = 999_999_999_999;

/// Whole units that are about one euro.
pub(super) const SMALL_COIN: &[(i64, &str)] = &[
    (1, "AUD BMD BND BSD CAD CHF EUR FKP GBP GIP KYD NZD PAB SGD SHP USD"),
    (2, "AWG AZN BAM BBD BZD FJD TOP"),
    (3, "BYN GEL WST XCD"),
    (4, "AED ILS PEN PGK QAR SAR"),
    (5, "BRL MYR PLN RON"),
    (8, "BOB CNY GTQ HKD MOP SBD TTD"),
    (10, "DKK MAD NOK SEK TJS"),
    (20, "BWP LSL MDL MVR MXN NAD SCR SZL ZAR"),
    (25, "CZK HNL SLE ZMW"),
    (40, "NIO SRD THB TWD UYU"),
    (50, "EGP MUR TRY UAH"),
    (70, "AFN DOP GMD MKD MZN PHP"),
    (100, "ALL CVE INR KGS RSD RUB"),
    (150, "BDT DZD ETB HTG ISK JMD JPY KES NPR VUV XPF"),
    (200, "DJF GYD LRD"),
    (300, "LKR PKR YER"),
    (400, "AMD HUF"),
    (500, "CRC KMF KZT"),
    (600, "SOS XAF XOF"),
    (1_000, "AOA CLP"),
    (1_500, "ARS KRW NGN RWF"),
    (2_000, "MMK MWK"),
    (3_000, "BIF CDF TZS"),
    (4_000, "COP KHR MNT UGX"),
    (5_000, "MGA"),
    (9_000, "GNF PYG"),
    (12_000, "UZS"),
    (15_000, "IDR"),
    (20_000, "LAK"),
    (25_000, "VND"),
    (90_000, "LBP"),
];

/// The least and most of a currency; none where gifts cannot be taken in it.
#[must_use]
pub fn of(currency: Currency) -> Option<GiftLimits> {
    let listed = SMALL_COIN.iter().find(|(_, codes)| codes.split(' ').any(|code| code == currency.code()));
    let (units, _) = *listed?;
    let unit = 10_i64.pow(exponent(currency));
    let most = (units * unit * COINS_AT_MOST).min(provider_most(currency).minor);
    Some(GiftLimits { least: Money::new(units * unit, currency), most: Money::new(most, currency) })
}

/// The most that the provider takes at once, in whole units of the currency.
#[must_use]
pub fn provider_most(currency: Currency) -> Money {
    let digits = if currency.code() == "IDR" { TWELVE_DIGITS } else { EIGHT_DIGITS };
    let unit = 10_i64.pow(exponent(currency));
    Money::new(digits / unit * unit, currency)
}

/// Whether amounts are paid in whole units alone.
#[must_use]
pub fn is_whole(currency: Currency) -> bool {
    exponent(currency) == 0 || WHOLE_IN_HUNDREDTHS.contains(&currency.code())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::currency;

    /// Every line of the table is a currency that gifts can be taken in, once, with room between its least and its most.
    #[test]
    fn every_currency_of_the_table_has_a_least_and_a_most() {
        let mut seen = std::collections::BTreeSet::new();
        for code in SMALL_COIN.iter().flat_map(|(_, codes)| codes.split(' ')) {
            assert!(seen.insert(code), "{code} stands twice");
            let Some(known) = currency(code) else { panic!("{code} is no currency") };
            let limits = of(known).expect("it is in the table");
            assert!(
                limits.least.minor * 8 <= limits.most.minor,
                "{code}: {} to {}",
                limits.least,
                limits.most
            );
            let unit = 10_i64.pow(exponent(known));
            assert_eq!((limits.least.minor % unit, limits.most.minor % unit), (0, 0), "{code}");
        }
        assert!(seen.len() > 120, "{} currencies", seen.len());
    }

    /// Ten thousand euros are not ten thousand pesos.
    #[test]
    fn the_largest_gift_is_worth_about_the_same_everywhere() {
        let shown = |code: &str| {
            let limits = of(currency(code).expect("a currency")).expect("limits");
            format!("{} to {}", limits.least, limits.most)
        };
        assert_eq!(shown("EUR"), "€1.00 to €10000.00");
        assert_eq!(shown("JPY"), "¥150 to ¥1500000");
        assert_eq!(shown("KRW"), "1500 KRW to 15000000 KRW");
        assert_eq!(shown("HUF"), "400.00 HUF to 999999.00 HUF");
        assert_eq!(shown("COP"), "4000.00 COP to 999999.00 COP");
        assert_eq!(shown("IDR"), "15000.00 IDR to 150000000.00 IDR");
    }
}
