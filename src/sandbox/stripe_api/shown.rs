//! Words of the provider's pages for amounts and rhythms.

use serde_json::Value;

use super::currency::display;

pub(super) fn amount(minor: &Value, code: &str) -> String {
    display(minor.as_i64().unwrap_or_default(), code)
}

pub(super) fn rhythm_of(price: &Value) -> String {
    let recurring = &price["recurring"];
    match (recurring["interval"].as_str(), recurring["interval_count"].as_i64()) {
        (None, _) => "once".to_owned(),
        (Some(interval), Some(1) | None) => format!("every {interval}"),
        (Some(interval), Some(count)) => format!("every {count} {interval}s"),
    }
}
