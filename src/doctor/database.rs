//! What the database says.

use super::{Doctor, Finding};
use crate::{
    clock::Clock,
    db::{Db, Engine, Migrations},
    delivery::{
        dkim, notices,
        origin::{self, Doubt, Standing},
    },
    donations::attention,
    staff::Settings,
};

impl Doctor {
    pub(super) async fn database(&self, db: &Db) -> Vec<Finding> {
        let (finding, is_current) = match schema(db).await {
            Ok(found) => found,
            Err(error) => return vec![Finding::problem("database", error.to_string())],
        };
        let mut findings = vec![finding];
        if is_current {
            findings.extend(magazine(db).await);
            findings.extend(unheeded(db).await);
            findings.extend(self.believed(db).await);
            findings.extend(self.address(db).await);
        }
        findings
    }

    /// Whether the database is at home under this address.
    async fn address(&self, db: &Db) -> Option<Finding> {
        let here = format!("{}/", self.base_url.as_str().trim_end_matches('/'));
        Some(match origin::look_as(db, &here).await {
            Ok(Standing::AtHome) => return None,
            Ok(Standing::Abroad(home)) => Finding::problem(
                "address",
                format!(
                    "this database belongs to {home}, so nothing is sent from {here}. If it moved: broadside settings confirm-address"
                ),
            ),
            Ok(Standing::Doubtful(Doubt::Elsewhere)) => Finding::problem(
                "place",
                "this database last ran on another machine or from another folder, so nothing is sent. If it moved: broadside settings confirm-address. If it is a restored backup: broadside restored",
            ),
            Ok(Standing::Doubtful(Doubt::Behind)) => Finding::problem(
                "place",
                "this database is older than what ran here last, so nothing is sent. Run broadside restored",
            ),
            Err(error) => Finding::problem("address", error.to_string()),
        })
    }

    /// Whether receivers have reason to believe our mail (TRUST M27). Nothing towards a sandbox, and before there is a sender.
    async fn believed(&self, db: &Db) -> Vec<Finding> {
        let Ok(settings) = Settings::load(db).await else { return Vec::new() };
        let (Some(domain), Some(lookout)) = (dkim::domain_of(settings.sender_email()), &self.lookout) else {
            return Vec::new();
        };
        match lookout.examine(db, &domain).await {
            Ok(findings) => findings.into_iter().map(Finding::from).collect(),
            Err(error) => vec![Finding::problem("DKIM", error.to_string())],
        }
    }
}

/// How the schema stands, and whether it is this program's.
async fn schema(db: &Db) -> crate::db::Result<(Finding, bool)> {
    let engine = if db.engine() == Engine::Sqlite { "SQLite" } else { "PostgreSQL" };
    let applied = Migrations::applied(db).await?;
    let known = Migrations::names().0.len();
    Ok(if applied == known {
        (Finding::ok("database", format!("{engine}, schema {applied}")), true)
    } else if applied < known {
        let missing = known - applied;
        let words = format!("{engine}, schema {applied}; {missing} more are applied by migrate or serve");
        (Finding::note("database", words), false)
    } else {
        let words = format!("{engine}, schema {applied}, made by a newer program; this one knows {known}");
        (Finding::problem("database", words), false)
    })
}

/// What the law wants said under every edition.
async fn magazine(db: &Db) -> Option<Finding> {
    match Settings::load(db).await {
        Ok(settings) => {
            let missing = settings.can_send();
            let words = format!("before the first edition, the desk settings need {}", missing.join(", "));
            (!missing.is_empty()).then_some(Finding::note("magazine", words))
        }
        Err(error) => {
            Some(Finding::problem("magazine", format!("the desk settings cannot be read: {error}")))
        }
    }
}

/// What was asked for and is not done.
async fn unheeded(db: &Db) -> Vec<Finding> {
    let now = Clock::System.now();
    let (needs, letters) = match tokio::join!(
        attention::look(db, now),
        notices::failed(db, now.minus(attention::LATELY), i64::MAX)
    ) {
        (Ok(needs), Ok(letters)) => (needs, letters.len()),
        (Err(error), _) | (_, Err(error)) => {
            return vec![Finding::problem("donations", error.to_string())];
        }
    };
    let pressing = !needs.unended.is_empty() || !needs.events.is_empty();
    let finding = if pressing { Finding::problem } else { Finding::note };
    let mut findings = Vec::new();
    if let [first, rest @ ..] = needs.sentences().as_slice() {
        let all = rest.iter().fold(first.clone(), |all, one| format!("{all}; {one}"));
        findings.push(finding("donations", format!("{all}. The desk says what to do")));
    }
    if letters > 0 {
        let words = format!("{letters} could not be delivered in the last two weeks");
        findings.push(Finding::note("automatic emails", words));
    }
    findings
}
