//! Rows that are put in order by buttons: which was moved, where it stands now, and which button goes on with that.

use serde::Deserialize;

/// What was moved, and where to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Moved {
    moved: String,
    to: String,
}

impl Moved {
    /// Which button of a row goes on with what was pressed: at an end there is one way left. Empty for every other row.
    pub(crate) fn focus(&self, id: &str, (at, of): (usize, usize)) -> &'static str {
        match self.to.as_str() {
            _ if self.moved != id => "",
            "up" if at > 0 => "up",
            "up" => "down",
            "down" if at + 1 < of => "down",
            "down" => "up",
            _ => "",
        }
    }

    /// Whether it was just put in.
    pub(crate) fn is_new(&self, id: &str) -> bool {
        self.to == "new" && self.moved == id
    }

    /// Whether it was just hidden, or shown again.
    pub(crate) fn is_switched(&self, id: &str) -> bool {
        self.to == "switch" && self.moved == id
    }

    /// What was just taken out, in its own words.
    pub(crate) fn taken_out(&self) -> Option<&str> {
        (self.to == "out").then_some(self.moved.as_str())
    }

    /// The same in words.
    pub(crate) fn told(name: &str, (at, of): (usize, usize)) -> String {
        format!("“{name}” is number {} of {of} now.", at + 1)
    }
}
