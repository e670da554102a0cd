//! Cells that a spreadsheet would take for a formula (TRUST A15): a quote before them keeps them text, and our own import
//! takes it away again.

const fn begins_a_formula(c: char) -> bool {
    matches!(
        c,
        '=' | '+' | '-' | '@' | '\t' | '\r' | '\n'
            // The same signs as wide and as small letters: spreadsheets of East Asia read them as the plain ones.
            | '\u{FF0B}' | '\u{FF0D}' | '\u{FF1D}'
            ..='\u{FF20}' | '\u{FE62}' | '\u{FE63}' | '\u{FE66}' | '\u{FE6B}' | '\u{2212}'
    )
}

/// The cell with a quote before it if a spreadsheet would run it. A quote that stands before such a sign already is
/// doubled, so that reading takes off exactly what writing put on.
#[must_use]
pub fn guarded(cell: &str) -> String {
    let bare = cell.trim_start_matches('\'');
    if bare.starts_with(begins_a_formula) { format!("'{cell}") } else { cell.to_owned() }
}

/// The cell as it was before [`guarded`].
#[must_use]
pub fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(begins_a_formula) => rest,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// TRUST A15: nothing that is written begins a formula, and everything comes back as it was.
        #[test]
        fn a_cell_comes_back_as_it_was(cell in "['=+@\t\r\n a＝＋－＠﹦-]{0,6}") {
            let written = guarded(&cell);
            prop_assert!(!written.starts_with(begins_a_formula), "{written:?}");
            prop_assert_eq!(unguarded(&written), cell);
        }
    }

    #[test]
    fn what_is_no_formula_stays_as_it_is() {
        for cell in ["ann@example.org", "O'Neill", "'tis", "", "a=b"] {
            assert_eq!(guarded(cell), cell);
            assert_eq!(unguarded(cell), cell);
        }
        assert_eq!(guarded("+61 400 000 000"), "'+61 400 000 000");
        for sign in ['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹢', '﹣', '﹦', '﹫', '−'] {
            assert_eq!(guarded(&format!("{sign}1+1")), format!("'{sign}1+1"));
        }
    }
}
