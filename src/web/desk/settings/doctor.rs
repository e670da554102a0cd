//! `/desk/doctor`: what is wrong with the server and what it needs, and what to do next.

use serde::Serialize;

use crate::{
    clock::Zone,
    doctor::{self, Finding, Grade, NightLook, worst},
    web::{Desk, Outcome, session::see_other},
};

#[derive(Serialize)]
struct Page {
    /// Whether this process can look at all.
    can_look: bool,
    /// What is wrong with the clocks of machines now.
    clocks: Vec<String>,
    looks: Vec<LookView>,
}

/// What one process found.
#[derive(Serialize)]
struct LookView {
    /// Empty while there is only one.
    place: String,
    when: String,
    look: &'static str,
    headline: &'static str,
    findings: Vec<FindingView>,
}

#[derive(Serialize)]
struct FindingView {
    check: String,
    look: &'static str,
    state: &'static str,
    words: String,
    more: Vec<String>,
}

/// `GET /desk/doctor`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let looks = doctor::last_looks(&desk.site().db, desk.site().now()).await?;
    let is_one = looks.len() == 1;
    let looks = looks.into_iter().map(|look| LookView::new(look, is_one, desk.zone())).collect();
    let clocks = doctor::clocks_of_workers(desk.site()).await;
    let clocks = clocks.iter().filter(|one| one.grade == Grade::Problem).map(Finding::sentence).collect();
    let page = Page { can_look: desk.app.doctor.is_some(), clocks, looks };
    desk.page("desk/settings/doctor", "The server", &page).await
}

/// `POST /desk/doctor`: looks again.
pub(crate) async fn submit(desk: Desk) -> Outcome {
    if let Some((doctor, place)) = &desk.app.doctor {
        doctor::look_now(doctor, desk.site(), place).await?;
    }
    Ok(see_other("/desk/doctor?done=looked"))
}

impl LookView {
    fn new(look: NightLook, is_one: bool, zone: &Zone) -> Self {
        let (state, headline) = match worst(&look.findings) {
            Grade::Problem => ("bad", "Something has to be done"),
            Grade::Note => ("good", "It works; something is good to know"),
            Grade::Ok => ("good", "Everything is in order"),
        };
        // The worst first, and otherwise in the order in which it was looked at.
        let mut findings = look.findings;
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.grade));
        Self {
            place: if is_one { String::new() } else { look.place },
            when: look.at.date_time(zone),
            look: state,
            headline,
            findings: findings.into_iter().map(FindingView::from).collect(),
        }
    }
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        let (look, state) = match finding.grade {
            Grade::Ok => ("good", "✓ in order"),
            Grade::Note => ("warn", "good to know"),
            Grade::Problem => ("bad", "to do"),
        };
        let words = finding.ended();
        Self { check: finding.check, look, state, words, more: finding.more }
    }
}
