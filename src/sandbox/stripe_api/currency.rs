//! The currencies that can be charged, how many decimals each has, and the bounds of one charge.

use super::error::{ApiError, ApiResult};

/// Charged in whole units.
const WHOLE: &str = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf";
/// Three decimals, the last of them always zero.
const THREE: &str = "bhd jod kwd omr tnd";
/// Two decimals that must both be zero.
const WHOLE_IN_HUNDREDTHS: &str = "isk ugx";
const TWO: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bmd bnd bob brl bsd bwp byn bzd cad cdf chf \
    cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs \
    khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk \
    php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst \
    xcd yer zar zmw";

/// The code in lower case, if it can be charged.
pub(super) fn check(code: &str, param: &str) -> ApiResult<String> {
    let lower = code.to_lowercase();
    let known = [WHOLE, THREE, WHOLE_IN_HUNDREDTHS, TWO]
        .iter()
        .any(|list| list.split_whitespace().any(|own| own == lower));
    if known {
        return Ok(lower);
    }
    Err(ApiError::param("", param, format!("Invalid currency: {lower}.")))
}

/// How many decimals an amount in this currency has.
pub(super) fn decimals(code: &str) -> u32 {
    let is_in = |list: &str| list.split_whitespace().any(|own| own == code);
    if is_in(WHOLE) {
        0
    } else if is_in(THREE) {
        3
    } else {
        2
    }
}

/// Refuses a total that cannot be charged.
pub(super) fn check_total(amount: i64, code: &str) -> ApiResult<()> {
    let step = match code {
        _ if decimals(code) == 3 => 10,
        _ if WHOLE_IN_HUNDREDTHS.split_whitespace().any(|own| own == code) => 100,
        _ => 1,
    };
    if amount % step != 0 {
        return Err(ApiError::param(
            "invalid_charge_amount",
            "amount",
            format!("Amounts in {code} must be divisible by {step}."),
        ));
    }
    if amount < 50 {
        return Err(ApiError::param(
            "amount_too_small",
            "line_items",
            format!("The Checkout Session's total amount due must add up to at least {}.", display(50, code)),
        ));
    }
    // "Up to twelve digits for IDR, and up to eight digits for all other currencies."
    let most = if code == "idr" { 999_999_999_999 } else { 99_999_999 };
    if amount > most {
        return Err(ApiError::param(
            "amount_too_large",
            "line_items",
            format!("The Checkout Session's total amount must be no more than {}.", display(most, code)),
        ));
    }
    Ok(())
}

/// An amount for people, such as "15.00 EUR".
pub(super) fn display(amount: i64, code: &str) -> String {
    let upper = code.to_uppercase();
    let digits = decimals(code);
    if digits == 0 {
        return format!("{amount} {upper}");
    }
    let unit = 10_i64.pow(digits);
    let (sign, amount) = if amount < 0 { ("-", -amount) } else { ("", amount) };
    format!("{sign}{}.{:0width$} {upper}", amount / unit, amount % unit, width = digits as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_with_the_decimals_of_their_currency() {
        assert_eq!(display(1_505, "eur"), "15.05 EUR");
        assert_eq!(display(1_505, "jpy"), "1505 JPY");
        assert_eq!(display(1_500, "kwd"), "1.500 KWD");
        assert_eq!(display(-5, "eur"), "-0.05 EUR");
    }

    #[test]
    fn what_cannot_be_charged_is_refused() {
        assert!(check("xxx", "currency").is_err());
        assert_eq!(check("EUR", "currency").unwrap(), "eur");
        for (amount, code) in
            [(49, "eur"), (100_000_000, "eur"), (150, "isk"), (1_501, "kwd"), (0, "eur"), (-500, "eur")]
        {
            assert!(check_total(amount, code).is_err(), "{amount} {code}");
        }
        check_total(50, "jpy").unwrap();
        check_total(15_000_000_000, "idr").unwrap();
    }
}
