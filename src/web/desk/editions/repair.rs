//! What can still be put right about an edition that went out, wholly or in part: a corrected version for the rest, a
//! correction for those who have it, another try for copies that failed.

use serde::Serialize;

use crate::{
    delivery::{Class, Progress},
    editions::EditionState,
    publishing::{self, Edition, Reached, Retryable},
    staff::Role,
    web::{
        Desk, WebError,
        words::{copies, count, editions::BROKE_OFF, grouped},
    },
};

/// What the page of an edition offers.
#[derive(Serialize)]
pub(super) struct Repair {
    /// While it is stopped: a correction can be written for the rest.
    may_correct: bool,
    /// A correction is written, and what going on does with it.
    corrected: Option<String>,
    versions: Vec<VersionView>,
    /// With more than one, their numbers are worth saying.
    several: bool,
    failed: Vec<FailedView>,
    /// How many copies may have arrived and can be sent again; empty if there is none.
    in_doubt: String,
    /// There are several reasons, and all of them can be tried again at once.
    may_retry_all: bool,
    /// What a copy that is tried again carries.
    revision: i64,
    /// Whether it is a correction, or will be when the edition goes on.
    is_newer: bool,
}

#[derive(Serialize)]
struct VersionView {
    revision: i64,
    readers: String,
    may_write: bool,
}

#[derive(Serialize)]
struct FailedView {
    class: &'static str,
    /// The same for people.
    why: String,
    copies: String,
    /// What a server said of one of them, or the program.
    example: String,
    /// It was the program.
    is_ours: bool,
    /// Where they are listed; empty for those who may not see readers.
    list_path: String,
    may_retry: bool,
}

impl Repair {
    /// None where nothing is to be put right yet. Of the copies that failed those in `retryable` can be tried again, if this
    /// database is `at_home`.
    pub(super) async fn of(
        desk: &Desk,
        edition: &Edition,
        progress: Progress,
        retryable: Retryable,
        at_home: bool,
    ) -> Result<Option<Self>, WebError> {
        let db = &desk.site().db;
        let stopped = edition.state == EditionState::Paused;
        let over = matches!(edition.state, EditionState::Cancelled | EditionState::Finished);
        let versions = if stopped || over { versions(desk, edition, progress).await? } else { Vec::new() };
        let corrected = stopped && publishing::is_corrected(db, edition).await?;
        let failed =
            if progress.failed > 0 { publishing::failed_classes(db, edition.id).await? } else { Vec::new() };
        let (revision, corrects) = publishing::current_revision(db, edition.id).await?;
        let may_retry = at_home
            && desk.may(Role::SENDING)
            && matches!(edition.state, EditionState::Finished | EditionState::Sending | EditionState::Paused);
        let in_doubt = if may_retry && progress.unknown > 0 {
            publishing::doubted(desk.site(), edition).await?.copies
        } else {
            0
        };
        let list_path = |class: &str| {
            if !desk.may(Role::READERS) {
                return String::new();
            }
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("state", "failed").append_pair("class", class);
            format!("/desk/editions/{}?{}#results", edition.public_id, query.finish())
        };
        let repair = Self {
            in_doubt: if in_doubt > 0 { copies(in_doubt) } else { String::new() },
            may_correct: stopped && desk.may(Role::WRITING),
            corrected: corrected.then(|| {
                format!(
                    "A corrected version is ready. Going on sends it to the {} whose copy is still to go; nobody gets two.",
                    grouped(progress.open)
                )
            }),
            revision,
            is_newer: corrected || corrects,
            several: versions.len() > 1,
            may_retry_all: may_retry && retryable.classes.len() > 1,
            versions: versions
                .into_iter()
                .map(|version| VersionView {
                    revision: version.revision,
                    readers: count(version.readers, "reader"),
                    may_write: desk.may(Role::WRITING),
                })
                .collect(),
            failed: failed
                .into_iter()
                .map(|failed| FailedView {
                    list_path: list_path(failed.class.as_str()),
                    is_ours: matches!(failed.class, Class::Render | Class::BrokeOff),
                    why: if failed.class == Class::BrokeOff { BROKE_OFF } else { failed.class.as_str() }.to_owned(),
                    may_retry: may_retry && retryable.classes.contains(&failed.class),
                    class: failed.class.as_str(),
                    copies: copies(failed.copies),
                    example: failed.example,
                })
                .collect(),
        };
        let something = repair.may_correct
            || !repair.versions.is_empty()
            || !repair.failed.is_empty()
            || !repair.in_doubt.is_empty();
        Ok(something.then_some(repair))
    }
}

/// Who has which version.
async fn versions(desk: &Desk, edition: &Edition, progress: Progress) -> Result<Vec<Reached>, WebError> {
    let readers = progress.accepted + progress.unknown;
    if readers == 0 {
        return Ok(Vec::new());
    }
    Ok(publishing::reached(&desk.site().db, edition.id).await?)
}
