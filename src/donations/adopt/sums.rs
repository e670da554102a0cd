//! What was found, summed up for whoever chooses.

use serde::Serialize;

use super::super::{
    lines::figures,
    store::adopt::{OldFate, OldKind, OldSum},
};

/// What is alike and chosen together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OldBundle {
    /// Its short name, by which it is chosen.
    pub name: String,
    /// Whether it is a standing gift.
    pub is_monthly: bool,
    /// What was given for, in the other program's words.
    pub what: String,
    /// The names of the metadata that the other program left.
    pub marks: String,
    /// ISO 4217 code.
    pub currency: String,
    /// How often it is given, such as `month`; empty for what is given once.
    pub rhythm: String,
    /// Whether it is chosen.
    pub is_chosen: bool,
    /// Standing gifts, and how many of them are not over.
    pub standing: i64,
    pub running: i64,
    /// Payments, and what they come to in minor units.
    pub payments: i64,
    pub paid_minor: i64,
    /// What of it went back.
    pub refunded_minor: i64,
    /// How many of all of these have no address.
    pub nameless: i64,
    /// How many of all of these are ours already, are another program's, and cannot be ours.
    pub taken: i64,
    pub foreign: i64,
    pub refused: i64,
}

impl OldBundle {
    /// What the payments come to, for people.
    #[must_use]
    pub fn paid(&self) -> String {
        figures(self.paid_minor, &self.currency)
    }
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OldSums {
    pub bundles: Vec<OldBundle>,
}

impl OldSums {
    pub(super) fn of(lines: Vec<OldSum>) -> Self {
        let mut bundles: Vec<OldBundle> = Vec::new();
        for line in lines {
            if bundles.last().is_none_or(|last| last.name != line.bundle) {
                bundles.push(OldBundle {
                    name: line.bundle.clone(),
                    is_monthly: line.kind == OldKind::Monthly,
                    what: line.what,
                    marks: line.marks,
                    currency: line.currency,
                    rhythm: line.rhythm,
                    is_chosen: line.chosen == "yes",
                    standing: 0,
                    running: 0,
                    payments: 0,
                    paid_minor: 0,
                    refunded_minor: 0,
                    nameless: 0,
                    taken: 0,
                    foreign: 0,
                    refused: 0,
                });
            }
            let Some(bundle) = bundles.last_mut() else { continue };
            match line.of_kind {
                OldKind::Monthly => {
                    bundle.standing += line.number;
                    bundle.running += line.running;
                }
                OldKind::Instalment | OldKind::Once => {
                    bundle.payments += line.number;
                    bundle.paid_minor += line.minor;
                    bundle.refunded_minor += line.refunded;
                }
            }
            bundle.nameless += line.nameless;
            match line.fate {
                OldFate::Found => {}
                OldFate::Taken => bundle.taken += line.number,
                OldFate::Foreign => bundle.foreign += line.number,
                OldFate::Refused => bundle.refused += line.number,
            }
        }
        Self { bundles }
    }

    /// Standing gifts that are not over, in all.
    #[must_use]
    pub fn running(&self) -> i64 {
        self.bundles.iter().map(|bundle| bundle.running).sum()
    }
}
