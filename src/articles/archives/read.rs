//! What kind an archive is of, reading it, and what is seen in it before anybody presses.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::{self, Read},
};

use super::{
    ghost, markdown,
    piece::{AllLoose, ArchiveError, Keeps, Leads, Opens, Piece, Reading, What},
    rows::{ArchiveChoices, ArchiveKind, ArchiveSurvey},
    wordpress,
    zipped::Zip,
};
use crate::{
    articles::{cleaning::charset, identity::Document, import::There},
    clock::Moment,
};

/// So many are shown as they will be.
const FIRST: u64 = 10;
/// What a file is, is told by its beginning.
const BEGINNING: u64 = 64 * 1024;

/// What a file is.
enum Found {
    WordPress(Vec<Part>),
    Ghost(Part),
    Markdown(Zip),
}

/// Where a document is.
enum Part {
    Whole,
    Packed(usize),
}

fn beginning(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(BEGINNING).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_zip(bytes: &[u8]) -> bool {
    matches!(bytes, [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..])
}

fn is_wordpress(bytes: &[u8]) -> bool {
    let text = charset::decode(bytes, None).text;
    text.contains("wordpress.org/export/") || text.contains("<wp:wxr_version>")
}

fn is_ghost(bytes: &[u8]) -> bool {
    let text = charset::decode(bytes, None).text;
    text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
        && ["\"db\"", "\"exported_on\"", "\"posts\""].iter().any(|word| text.contains(word))
        && !text.contains("jsonfeed.org")
}

/// Whether a file is an archive of any kind.
pub(super) fn is_one(opens: &Opens) -> io::Result<bool> {
    let bytes = beginning(opens()?)?;
    Ok(is_zip(&bytes) || is_wordpress(&bytes) || is_ghost(&bytes))
}

fn found(opens: &Opens) -> Result<Found, ArchiveError> {
    let bytes = beginning(opens()?)?;
    if is_wordpress(&bytes) {
        return Ok(Found::WordPress(vec![Part::Whole]));
    }
    if is_ghost(&bytes) {
        return Ok(Found::Ghost(Part::Whole));
    }
    if !is_zip(&bytes) {
        return Err(ArchiveError::NotKnown);
    }
    let mut zip = Zip::of(opens()?)?;
    let mut exports = Vec::new();
    for at in zip.named(&[".xml"]) {
        if is_wordpress(&beginning(zip.open(at)?)?) {
            exports.push(Part::Packed(at));
        }
    }
    if !exports.is_empty() {
        return Ok(Found::WordPress(exports));
    }
    for at in zip.named(&[".json"]) {
        if is_ghost(&beginning(zip.open(at)?)?) {
            return Ok(Found::Ghost(Part::Packed(at)));
        }
    }
    if zip.named(&[".md", ".markdown"]).is_empty() {
        Err(ArchiveError::NotKnown)
    } else {
        Ok(Found::Markdown(zip))
    }
}

/// Does something with a document, wherever it is.
fn with<T>(
    opens: &Opens,
    part: &Part,
    work: impl FnOnce(&mut dyn Read) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    match part {
        Part::Whole => work(&mut opens()?),
        Part::Packed(at) => work(&mut Zip::of(opens()?)?.open(*at)?),
    }
}

fn all(opens: &Opens, reading: &mut Reading<'_>) -> Result<ArchiveKind, ArchiveError> {
    match found(opens)? {
        Found::WordPress(parts) => {
            let mut known = wordpress::Known::default();
            for part in &parts {
                with(opens, part, |from| wordpress::look(from, &mut known, reading))?;
            }
            reading.site = known.site().map(ToString::to_string).unwrap_or_default();
            if reading.begun() {
                for part in &parts {
                    with(opens, part, |from| wordpress::pieces(from, &mut known, reading))?;
                }
            }
            Ok(ArchiveKind::WordPress)
        }
        Found::Ghost(part) => {
            let mut known = ghost::Known::default();
            with(opens, &part, |from| ghost::look(from, &mut known, reading))?;
            if reading.begun() {
                with(opens, &part, |from| ghost::pieces(from, &known, reading))?;
            }
            Ok(ArchiveKind::Ghost)
        }
        Found::Markdown(mut zip) => {
            markdown::look(&mut zip, reading)?;
            if reading.begun() {
                markdown::pieces(&mut zip, reading)?;
                if reading.comes_again() {
                    markdown::pieces(&mut zip, reading)?;
                }
            }
            Ok(ArchiveKind::Markdown)
        }
    }
}

/// Who takes what is read of an archive.
pub(super) struct Takes<'a> {
    pub begin: &'a mut dyn FnMut(&Document) -> bool,
    pub each: &'a mut dyn FnMut(u64, Piece) -> bool,
    pub again: &'a mut dyn FnMut() -> bool,
    pub keeps: Keeps<'a>,
    pub leads: Leads<'a>,
    pub is_listened_to: &'a dyn Fn() -> bool,
}

/// Reads an archive from behind a number on: first all names, then each piece, and then those of a folder that name others. It ends when nobody
/// listens any more.
pub(super) fn read(
    opens: &Opens,
    (choices, after): (&ArchiveChoices, u64),
    takes: Takes<'_>,
) -> Result<(), ArchiveError> {
    let Takes { begin, each, again, keeps, leads, is_listened_to } = takes;
    let mut reading = Reading {
        choices: choices.clone(),
        document: Document::default(),
        site: String::new(),
        kinds: BTreeMap::new(),
        brought: HashSet::new(),
        loose: AllLoose::default(),
        texts: HashMap::new(),
        to_come: 0,
        now: Moment(i64::MAX),
        keeps: Some(keeps),
        leads: Some(leads),
        is_again: false,
        after,
        wanted: u64::MAX,
        count: 0,
        begin,
        each,
        again,
        is_listened_to,
        is_over: false,
    };
    all(opens, &mut reading).map(drop)
}

/// Looks through an archive: what would come, and the first ones as they will be.
pub(super) fn survey(
    opens: &Opens,
    choices: &ArchiveChoices,
    now: Moment,
) -> Result<ArchiveSurvey, ArchiveError> {
    let mut seen = ArchiveSurvey::default();
    let mut each = |_: u64, piece: Piece| {
        let there = match &piece.what {
            What::Article(article) => {
                seen.first.push(article.first());
                article.there
            }
            What::Passed(there) => *there,
            What::Left(_) if piece.is_page => {
                seen.pages += 1;
                return true;
            }
            What::Left(_) => {
                seen.left += 1;
                return true;
            }
        };
        match there {
            There::Published => seen.published += 1,
            There::Draft => seen.drafts += 1,
            There::Withdrawn => seen.withdrawn += 1,
        }
        true
    };
    let mut reading = Reading {
        choices: choices.clone(),
        document: Document::default(),
        site: String::new(),
        kinds: BTreeMap::new(),
        brought: HashSet::new(),
        loose: AllLoose::default(),
        texts: HashMap::new(),
        to_come: 0,
        now,
        keeps: None,
        leads: None,
        is_again: false,
        after: 0,
        wanted: FIRST,
        count: 0,
        begin: &mut |_| true,
        each: &mut each,
        again: &mut || false,
        is_listened_to: &|| true,
        is_over: false,
    };
    let kind = all(opens, &mut reading)?;
    let number = |some: usize| u64::try_from(some).unwrap_or(u64::MAX);
    let loose = &reading.loose;
    let loose = [&loose.pictures, &loose.links, &loose.texts].map(|some| number(some.len()));
    let (brought, to_come) = (number(reading.brought.len()), reading.to_come);
    let (site, shared, kinds) = (reading.site, reading.document.shared(), reading.kinds);
    (seen.brought, seen.to_come) = (brought, to_come);
    [seen.loose_pictures, seen.loose_links, seen.loose_texts] = loose;
    seen.kind = kind;
    seen.site = site;
    seen.shared = shared;
    seen.kinds = kinds;
    Ok(seen)
}
