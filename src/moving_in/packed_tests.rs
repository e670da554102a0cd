//! Files as people have them: archives and spreadsheets, and those that were made to do harm.

use std::io::{Cursor, Read as _, Write as _};

use flate2::{Compression, write::GzEncoder};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;

/// An archive of these.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    packed(files, CompressionMethod::Deflated)
}

fn packed(files: &[(&str, &[u8])], how: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let how = SimpleFileOptions::default().compression_method(how);
        zip.start_file(*name, how).expect("a name");
        zip.write_all(bytes).expect("in memory");
    }
    zip.finish().expect("in memory").into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).expect("in memory");
    packed.finish().expect("in memory")
}

/// A spreadsheet with such rows, and such texts for all sheets.
fn book(rows: &str, texts: &str) -> Vec<u8> {
    book_called(("Readers", "Old"), rows, texts)
}

/// The same; its first sheet that can be seen, and another, are called so.
fn book_called((first, other): (&str, &str), rows: &str, texts: &str) -> Vec<u8> {
    let sheet = format!(
        "<?xml version=\"1.0\"?><worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    );
    let relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let files = [
        ("[Content_Types].xml", "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>".to_owned()),
        ("_rels/.rels", format!("<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{relation}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>")),
        ("xl/workbook.xml", format!("<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"{relation}\"><sheets><sheet name=\"Hidden\" sheetId=\"9\" state=\"hidden\" r:id=\"rId9\"/><sheet name=\"{first}\" sheetId=\"1\" r:id=\"rId1\"/><sheet name=\"{other}\" sheetId=\"2\" r:id=\"rId9\"/></sheets></workbook>")),
        ("xl/_rels/workbook.xml.rels", format!("<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{relation}/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"rId9\" Type=\"{relation}/worksheet\" Target=\"worksheets/sheet9.xml\"/></Relationships>")),
        ("xl/styles.xml", "<styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"22\" applyNumberFormat=\"1\"/></cellXfs></styleSheet>".to_owned()),
        ("xl/sharedStrings.xml", texts.to_owned()),
        ("xl/worksheets/sheet1.xml", sheet),
        ("xl/worksheets/sheet9.xml", "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData/></worksheet>".to_owned()),
    ];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let how = if texts.len() > 1_000_000 { CompressionMethod::Stored } else { CompressionMethod::Deflated };
    packed(&files, how)
}

const TEXTS: &str = "<sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" uniqueCount=\"2\"><si><t>email</t></si><si><t>ann@example.org</t></si></sst>";

fn look(file: &[u8]) -> Result<Survey, TableError> {
    survey(&file, &ImportChoices::default())
}

/// Each reader with how they stand, or why a line is not taken.
fn taken(file: &[u8], mapping: &Mapping) -> Vec<String> {
    let mut rows = rows(&file, mapping).expect("it was read before");
    let mut all = Vec::new();
    while let Some(row) = rows.read().expect("it was read before") {
        all.push(match row.entry {
            Ok(entry) => format!("{} {} {} {}", row.line, entry.email, entry.name, entry.state),
            Err(why) => match row.within {
                Some((file, line)) => format!("{} {why} {file}:{line}", row.line),
                None => format!("{} {why}", row.line),
            },
        });
    }
    all
}

const SUBSCRIBED: &str = "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,LEID,EUID\nann@example.org,Ann,4,2019-03-04 10:20:30,1,a\nnowhere,No,4,,2,b\n";
const UNSUBSCRIBED: &str = "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,UNSUB_TIME,LEID,EUID\ngone@example.org,Gone,2,2019-03-04 10:20:30,2022-02-02 02:02:02,2,b\n";
const CLEANED: &str = "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CLEAN_TIME,LEID,EUID\ndead@example.org,Dead,2,2019-03-04 10:20:30,2022-02-02 02:02:02,3,c\n";

/// TRUST L6, A29: Mailchimp's ZIP is one list, in which everybody stands as the name of their file says; what else is in it is told.
#[test]
fn a_zip_of_mailchimp_is_taken_whole() {
    let file = zip(&[
        ("list/cleaned_segment_export_abc.csv", CLEANED.as_bytes()),
        ("list/subscribed_segment_export_abc.csv", SUBSCRIBED.as_bytes()),
        ("list/unsubscribed_segment_export_abc.csv", UNSUBSCRIBED.as_bytes()),
        ("list/campaigns.csv", b"Title,Subject\nSpring,Hello\n"),
        ("list/notes.pdf", b"%PDF"),
        ("__MACOSX/._subscribed.csv", b"\0\x05\x16\x07"),
    ]);
    let seen = look(&file).expect("a list");
    assert!(seen.unsaid.is_empty(), "{:?}", seen.unsaid);
    assert_eq!((seen.mapping.preset, seen.rows), (Some(Preset::Mailchimp), 4));
    assert_eq!(
        taken(&file, &seen.mapping),
        [
            "2 dead@example.org Dead bounced",
            "5 ann@example.org Ann on-list",
            "6 “nowhere”: Enter an email address in the form name@example.com. subscribed_segment_export_abc.csv:3",
            "9 gone@example.org Gone left",
        ]
    );
    assert_eq!(seen.mapping.others(), ["notes.pdf", "campaigns.csv"]);
    // Alone in its archive, a file says it by its name as it does unpacked.
    let alone = zip(&[("unsubscribed_x.csv", b"Email Address,MEMBER_RATING,LEID\ngone@example.org,2,2\n")]);
    let seen = look(&alone).expect("a list");
    assert_eq!(taken(&alone, &seen.mapping), ["2 gone@example.org  left"]);
}

/// TRUST L6: of tables of no program that we know nobody is mailed before somebody said how the people in each of them stand.
#[test]
fn tables_of_an_unknown_archive_are_asked_about() {
    let file = zip(&[
        ("2024.csv", b"email\na@example.org\n"),
        ("unsubscribers.csv", b"name,email\nB,b@example.org\n"),
    ]);
    let seen = look(&file).expect("a list");
    assert_eq!(seen.line(), "--status '2024=not-taken' --status 'unsubscribers=left'");
    let unclosed = zip(&[("a.csv", b"email\na@example.org\n"), ("b.csv", b"email\n\"b@example.org\n")]);
    let error = look(&unclosed).expect_err("a quotation mark").to_string();
    assert!(error.starts_with("in b.csv: the quotation mark that is opened in line 2"), "{error}");
}

/// TRUST A29: a packed list is the list in it.
#[test]
fn a_packed_list_is_the_list_in_it() {
    let text = "E-Mail;Name\r\nann@example.org;J\u{fc}rgen\r\n";
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("a letter")).collect();
    for file in [
        text.as_bytes().to_vec(),
        gzip(text.as_bytes()),
        gzip(&latin),
        zip(&[("a.csv", &latin)]),
        zip(&[("../../etc/a.txt", text.as_bytes())]),
    ] {
        let seen = look(&file).expect("a list");
        assert_eq!(taken(&file, &seen.mapping), ["2 ann@example.org Jürgen on-list"]);
    }
}

fn cell(place: &str, more: &str) -> String {
    format!("<c r=\"{place}\"{more}</c>")
}

fn text(place: &str, words: &str) -> String {
    cell(place, &format!(" t=\"inlineStr\"><is><t>{words}</t></is>"))
}

/// TRUST A29: of a spreadsheet the first sheet that can be seen is the list: what is computed by its result, days as days, yes and no as
/// words, and the lines are the rows.
#[test]
fn a_spreadsheet_is_read_as_people_see_it() {
    let rows = [
        "<row r=\"1\">".to_owned(),
        cell("A1", " t=\"s\"><v>0</v>"),
        text("B1", "Name"),
        text("C1", "unsubscribed_at"),
        text("D1", "blocked"),
        text("E1", "Shoe size"),
        "</row>".to_owned(),
        "<row r=\"3\">".to_owned(),
        cell("A3", " t=\"s\"><v>1</v>"),
        text("B3", "Ann &quot;A&quot;, Lee\\"),
        cell("D3", " t=\"b\"><v>0</v>"),
        cell("E3", "><v>38.5</v>"),
        "</row>".to_owned(),
        "<row r=\"4\">".to_owned(),
        cell("A4", " t=\"str\"><f>B4&amp;\"@example.org\"</f><v>gone@example.org</v>"),
        text("B4", "Gone"),
        cell("C4", " s=\"1\"><f>NOW()</f><v>45324.5</v>"),
        cell("D4", " t=\"b\"><v>0</v>"),
        "</row>".to_owned(),
        "<row r=\"5\">".to_owned(),
        text("A5", "no@example.org"),
        cell("D5", " t=\"b\"><v>1</v>"),
        cell("E5", " t=\"e\"><v>#N/A</v>"),
        "</row>".to_owned(),
    ]
    .concat();
    let file = book(&rows, TEXTS);
    let mut choices = ImportChoices::default();
    for typed in ["false=on-list", "true=blocked"] {
        choices.add_word(typed).expect("a word");
    }
    choices.add_column("unsubscribed_at=left-at").expect("a column");
    choices.add_column("Shoe size=field:shoes").expect("a column");
    let seen = survey(&file.as_slice(), &choices).expect("a list");
    assert!(seen.unsaid.is_empty(), "{:?}", seen.unsaid);
    assert_eq!(
        taken(&file, &seen.mapping),
        [
            "3 ann@example.org Ann \"A\", Lee\\ on-list",
            "4 gone@example.org Gone left",
            "5 no@example.org  blocked"
        ]
    );
    let gone = seen.first[1].entry.as_ref().expect("a reader");
    assert_eq!(gone.since.map(|at| at.to_string()).as_deref(), Some("2024-02-02T12:00:00Z"));
    assert_eq!(
        seen.first[0].entry.as_ref().expect("a reader").answers,
        [("shoes".to_owned(), "38.5".to_owned())]
    );
    assert_eq!(seen.mapping.others(), ["the sheet “Hidden”", "the sheet “Old”"]);
}

/// TRUST L6: a sheet, or a table of an archive, that seems to name who is not to be mailed is never passed over; and what the sheet that
/// is read is called counts as the name of a file does.
#[test]
fn a_sheet_of_who_left_is_not_passed_over() {
    let rows = [
        "<row r=\"1\">".to_owned(),
        cell("A1", " t=\"s\"><v>0</v>"),
        "</row><row r=\"2\">".to_owned(),
        cell("A2", " t=\"s\"><v>1</v>"),
        "</row>".to_owned(),
    ]
    .concat();
    for name in ["Abgemeldet", "Unsubscribed", "Bounces", "Désabonnés", "Left since May", "Opgezegd 2024"] {
        let error = look(&book_called(("Readers", name), &rows, TEXTS)).expect_err(name).to_string();
        assert!(error.contains(&format!("the sheet “{name}”")) && error.contains("of its own"), "{error}");
        let seen = look(&book_called((name, "Sheet2"), &rows, TEXTS)).expect("a list");
        assert!(matches!(seen.unsaid[..], [Unsaid::Everybody { .. }]), "{name}: {:?}", seen.unsaid);
    }
    assert!(look(&book_called(("Readers", "Notes"), &rows, TEXTS)).expect("a list").unsaid.is_empty());
    let file =
        zip(&[("list.csv", b"email\na@example.org\n"), ("unsubscribed.csv", b"Adresse\na@example.org\n")]);
    let error = look(&file).expect_err("a table of who left").to_string();
    assert!(error.contains("unsubscribed.csv"), "{error}");
}

/// The flags that say that each file of an archive needs a password.
fn locked(mut archive: Vec<u8>) -> Vec<u8> {
    for at in 0..archive.len() - 10 {
        match &archive[at..at + 4] {
            b"PK\x03\x04" => archive[at + 6] |= 1,
            b"PK\x01\x02" => archive[at + 8] |= 1,
            _ => {}
        }
    }
    archive
}

/// TRUST A29: whatever an archive is made to do, it ends in a sentence that says what to do instead, and soon.
#[test]
fn archives_that_were_made_to_do_harm_end_in_a_sentence() {
    let nothing = vec![b'\n'; 16 * 1024 * 1024];
    let list = b"email\nann@example.org\n";
    let many: Vec<(String, &[u8])> =
        (0..1_001).map(|number| (format!("{number}.csv"), list.as_slice())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let name = "x".repeat(60_000);
    let long: Vec<(String, &[u8])> =
        (0..100).map(|number| (format!("{number}{name}"), list.as_slice())).collect();
    let long: Vec<(&str, &[u8])> = long.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let whole = zip(&[("a.csv", &b"email\nann@example.org\n".repeat(1_000))]);
    let mut other = whole.clone();
    // In the middle of the one file.
    other[60] ^= 0xff;
    let mut lies = whole.clone();
    let at = lies.windows(4).position(|four| four == b"PK\x01\x02").expect("a table of contents");
    // It says that less is in it than is.
    lies[at + 24..at + 28].copy_from_slice(&100_u32.to_le_bytes());
    let packed = gzip(list);
    for (what, file, says) in [
        ("a bomb", zip(&[("a.csv", &nothing)]), "more than 200 times"),
        ("a packed bomb", gzip(&nothing), "more than 200 times"),
        ("too many files", zip(&many), "more than 1000 files"),
        ("a long table of contents", zip(&long), "more than 1000 files"),
        ("too many tables", zip(&many[..21]), "more than 20 tables"),
        ("an archive in one", zip(&[("in.zip", &whole)]), "in.zip is an archive within an archive"),
        ("an archive called a table", zip(&[("a.csv", &whole)]), "a.csv is an archive within an archive"),
        ("gzip in a ZIP", zip(&[("a.csv", &packed)]), "a.csv is an archive within an archive"),
        ("gzip in gzip", gzip(&packed), "is an archive within an archive"),
        ("a password", locked(whole.clone()), "needs a password"),
        ("half of it", whole[..whole.len() / 2].to_vec(), "broken"),
        ("half of a gzip", packed[..packed.len() / 2].to_vec(), "broken"),
        ("something else in it", other, "broken"),
        ("more than it says", lies, "broken"),
        ("nothing in it", zip(&[]), "no table in it"),
        ("no table", zip(&[("a.pdf", b"%PDF")]), "no table in it"),
        ("an old spreadsheet", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more".to_vec(), "save it as .xlsx"),
        (
            "OpenDocument",
            zip(&[("content.xml", b"<a/>"), ("META-INF/manifest.xml", b"<a/>")]),
            "save it as .xlsx",
        ),
        ("binary", zip(&[("xl/workbook.bin", b"x")]), "save it as .xlsx"),
    ] {
        let error = look(&file).map(|seen| seen.rows).expect_err(what);
        let is_told = matches!(error, TableError::Packed(_));
        assert!(is_told && error.to_string().contains(says), "{what}: {error:?} {error}");
    }
    // Of a pipe there is no way back.
    struct Pipe(Vec<u8>);
    impl TableSource for Pipe {
        fn open(&self) -> std::io::Result<Box<dyn std::io::Read + Send>> {
            Ok(Box::new(Cursor::new(self.0.clone()).take(u64::MAX)))
        }
    }
    let error = survey(&Pipe(whole), &ImportChoices::default()).expect_err("a pipe").to_string();
    assert!(error.contains("from a pipe"), "{error}");
}

/// TRUST A29: the same for spreadsheets, of which nothing makes the library hold more than a bounded part in memory.
#[test]
fn spreadsheets_that_were_made_to_do_harm_end_in_a_sentence() {
    let heading = format!("<row r=\"1\">{}</row>", text("A1", "email"));
    let long = "x".repeat(2 * 1024 * 1024);
    let runs = "<r><t>some words</t></r>".repeat(100_000);
    let many = "x".repeat(65 * 1024 * 1024);
    for (what, rows, texts, says) in [
        ("a long cell", text("A2", &long), TEXTS.to_owned(), "too large"),
        (
            "a cell of many parts",
            cell("A2", &format!(" t=\"inlineStr\"><is>{runs}</is>")),
            TEXTS.to_owned(),
            "too large",
        ),
        ("a long tag", format!("<c r=\"A2\" x=\"{long}\"/>"), TEXTS.to_owned(), "too large"),
        (
            "cells within a comment",
            format!("<!-- {} -->", "<c></c>".repeat(300_000)),
            TEXTS.to_owned(),
            "too large",
        ),
        (
            "cells within a text",
            format!("<![CDATA[ > {} ]]>", "<c></c>".repeat(300_000)),
            TEXTS.to_owned(),
            "too large",
        ),
        ("a row beyond the last", text("A99999999", "ann@example.org"), TEXTS.to_owned(), "too large"),
        (
            "a column beyond the last",
            text("XFD2", "ann@example.org"),
            TEXTS.to_owned(),
            "more than 1,000 columns",
        ),
        (
            "rows that go back",
            format!("{}{}", text("A9", "ann@example.org"), text("A2", "bob@example.org")),
            TEXTS.to_owned(),
            "cannot be read",
        ),
        ("a formula without its result", cell("A2", "><f>B2</f><v></v>"), TEXTS.to_owned(), "hold no result"),
        ("a result of spaces", cell("A2", "><f>B2</f><v>\n </v>"), TEXTS.to_owned(), "hold no result"),
        ("a word without its value", cell("A2", " t=\"str\"><f>B2</f>"), TEXTS.to_owned(), "hold no result"),
        (
            "rows within a cell",
            cell("A2", &format!(" t=\"inlineStr\"><is>{}</is>", "<t>some words</t><row/>".repeat(10))),
            TEXTS.to_owned(),
            "cannot be read",
        ),
        ("a document type", "<!DOCTYPE x [<!ENTITY y 'z'>]>".to_owned(), TEXTS.to_owned(), "cannot be read"),
        (
            "texts behind a comment",
            String::new(),
            format!("<!-- \" {} -->{}", "x".repeat(70_000), TEXTS.replace("\"2\"", "\"4000000000\"")),
            "cannot be read",
        ),
        (
            "texts behind a comment that does not end",
            String::new(),
            format!("<!--> <x \" -->{}", TEXTS.replace("\"2\"", "\"4000000000\"")),
            "cannot be read",
        ),
        (
            "a number of texts with a sign",
            String::new(),
            TEXTS.replace("\"2\"", "\"+4000000000\""),
            "cannot be read",
        ),
        ("a formula and nothing", cell("A2", "><f>B2</f>"), TEXTS.to_owned(), "hold no result"),
        ("a text that is not there", cell("A2", " t=\"s\"><v>77</v>"), TEXTS.to_owned(), "cannot be read"),
        (
            "as many texts as it likes",
            String::new(),
            TEXTS.replace("\"2\"", "\"99999999999999\""),
            "cannot be read",
        ),
        ("more texts than fit", String::new(), format!("<sst><si><t>{many}</t></si></sst>"), "too large"),
        ("no end", "<row><c><v>".to_owned(), TEXTS.to_owned(), "cannot be read"),
    ] {
        let file = book(&format!("{heading}{rows}"), &texts);
        let error = look(&file).map(|seen| seen.rows).expect_err(what);
        let is_told = matches!(error, TableError::Packed(_));
        assert!(is_told && error.to_string().contains(says), "{what}: {error:?} {error}");
    }
}

/// A spreadsheet of many rows comes in a stream, whoever goes away in the middle of it.
#[test]
fn a_long_spreadsheet_is_read_to_its_end_or_left() {
    let rows: String = (2..40_000)
        .map(|number| {
            format!(
                "<row r=\"{number}\">{}</row>",
                text(&format!("A{number}"), &format!("reader{number}@example.org"))
            )
        })
        .collect();
    let file = book(&format!("<row r=\"1\">{}</row>{rows}", text("A1", "email")), TEXTS);
    let seen = look(&file).expect("a list");
    assert_eq!(seen.rows, 39_998);
    let mut begun = super::rows(&file.as_slice(), &seen.mapping).expect("a list");
    assert_eq!(begun.read().expect("a row").expect("a row").line, 2);
    drop(begun);
}
