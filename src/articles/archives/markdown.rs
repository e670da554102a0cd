//! A folder of Markdown files, as Hugo, Jekyll, Eleventy or a writer keeps it: what stands before the text in YAML or TOML, and the text.
//!
//! Of YAML and TOML what such files hold is read: a word and its value, lists, and one level within.

use std::{collections::HashMap, io::Read};

use url::Url;

use super::{
    clean,
    folder::{self, Asks, Files, Loose, PICTURES, Settled, TEXTS},
    piece::{ArchiveError, Article, Piece, Reading, Text, Wanted, What},
    rows::ArchiveChoices as Choices,
    settle::{clipped, joined, moment, web_address},
    zipped::Zip,
};
use crate::{
    articles::{
        cleaning::charset,
        cleaning::html,
        feed::ParsedArticle,
        identity::{link_key, sum},
        import::There,
        writing,
    },
    clock::Moment,
    pictures::LARGEST_PICTURE,
};

/// An address that will do where nobody reads it (RFC 2606).
const ANYWHERE: &str = "https://here.invalid/";
/// A longer file is no article.
const LONGEST: u64 = 2 * 1024 * 1024;
const MOST_WORDS: usize = 200;

/// What stands before a text: each word with its values, in small letters; `cover.image` of what stands within another.
#[derive(Debug, Default, PartialEq, Eq)]
struct Front(Vec<(String, Vec<String>)>);

impl Front {
    fn all(&self, names: &[&str]) -> &[String] {
        names
            .iter()
            .find_map(|name| self.0.iter().find(|(word, values)| word == name && !values.is_empty()))
            .map(|(_, values)| values.as_slice())
            .unwrap_or_default()
    }

    fn one(&self, names: &[&str]) -> &str {
        self.all(names).first().map(String::as_str).unwrap_or_default()
    }

    fn is_said(&self, name: &str) -> bool {
        matches!(self.one(&[name]).to_ascii_lowercase().as_str(), "true" | "yes" | "1" | "on")
    }

    fn add(&mut self, word: &str, values: Vec<String>) {
        if self.0.len() < MOST_WORDS {
            self.0.push((word.to_ascii_lowercase(), values));
        }
    }
}

/// What stands before a text, and the text.
fn parted(whole: &str) -> (Front, &str) {
    let whole = whole.trim_start_matches('\u{feff}');
    for (fence, is_toml) in [("---", false), ("+++", true)] {
        let Some(rest) = whole.strip_prefix(fence).map(|rest| rest.trim_start_matches([' ', '\t', '\r']))
        else {
            continue;
        };
        let Some(rest) = rest.strip_prefix('\n') else { continue };
        let mut at = 0;
        for line in rest.split_inclusive('\n') {
            if line.trim_end() == fence || !is_toml && line.trim_end() == "..." {
                let front = if is_toml { toml(&rest[..at]) } else { yaml(&rest[..at]) };
                return (front, rest[at + line.len()..].trim_start_matches(['\r', '\n']));
            }
            at += line.len();
        }
    }
    (Front::default(), whole)
}

fn yaml(text: &str) -> Front {
    let mut front = Front::default();
    let mut lines = text.lines().peekable();
    let mut parent = String::new();
    while let Some(line) = lines.next() {
        let depth = line.len() - line.trim_start().len();
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let Some((word, value)) = trimmed.split_once(':').filter(|(word, value)| {
            !word.contains(char::is_whitespace) && (value.is_empty() || value.starts_with([' ', '\t']))
        }) else {
            continue;
        };
        let word = word.trim_matches(['"', '\'']);
        if depth == 0 {
            parent.clear();
        }
        let name = if parent.is_empty() { word.to_owned() } else { format!("{parent}.{word}") };
        let value = without_comment(value.trim());
        let is_deeper = |line: &str| line.trim().is_empty() || line.len() - line.trim_start().len() > depth;
        if value.starts_with(['|', '>']) {
            let mut words = Vec::new();
            while let Some(line) = lines.next_if(|line| is_deeper(line)) {
                words.push(line.trim());
            }
            front.add(&name, vec![words.join(" ").trim().to_owned()]);
        } else if value.is_empty() {
            let mut values = Vec::new();
            let is_item = |line: &&str| line.trim_start().starts_with("- ") || line.trim() == "-";
            while let Some(line) = lines.next_if(is_item) {
                let item = line.trim_start().trim_start_matches('-').trim();
                // Of a list of things with a name each, the name.
                let item = item.strip_prefix("name:").map_or(item, str::trim);
                values.push(unquoted(without_comment(item)));
            }
            if values.is_empty() && depth == 0 {
                parent = word.to_owned();
            }
            front.add(&name, values);
        } else {
            front.add(&name, list(value));
        }
    }
    front
}

fn toml(text: &str) -> Front {
    let mut front = Front::default();
    let mut within = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            within = match name.trim_matches(['[', ']']) {
                // What Hugo files an article under may stand apart.
                "taxonomies" | "params" | "extra" => String::new(),
                name => format!("{name}."),
            };
            continue;
        }
        let Some((word, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
        let mut value = value.trim().to_owned();
        if value.starts_with('[') {
            while !value.trim_end().ends_with(']') && value.len() < 20_000 {
                let Some(more) = lines.next() else { break };
                value.push_str(more.trim());
            }
        }
        front.add(&format!("{within}{}", word.trim().trim_matches('"')), list(without_comment(&value)));
    }
    front
}

/// The values of `a`, `"a"` or `[a, "b, c"]`.
fn list(value: &str) -> Vec<String> {
    let Some(inner) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return vec![unquoted(value)];
    };
    let (mut values, mut one, mut quote) = (Vec::new(), String::new(), None);
    for letter in inner.chars() {
        match (quote, letter) {
            (None, ',') => values.push(unquoted(&std::mem::take(&mut one))),
            (None, '"' | '\'') if one.trim().is_empty() => {
                quote = Some(letter);
                one.push(letter);
            }
            (Some(open), letter) => {
                if letter == open {
                    quote = None;
                }
                one.push(letter);
            }
            (None, letter) => one.push(letter),
        }
    }
    values.push(unquoted(&one));
    values.retain(|value| !value.is_empty());
    values
}

fn unquoted(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return match quote {
                '"' => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
                _ => inner.replace("''", "'"),
            };
        }
    }
    if matches!(value, "null" | "~" | "''" | "\"\"") { String::new() } else { value.to_owned() }
}

fn without_comment(value: &str) -> &str {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let end = value[1..].rfind(quote).map_or(value.len(), |at| at + 2);
            &value[..end]
        }
        Some('#') => "",
        _ => value.find(" #").map_or(value, |at| value[..at].trim_end()),
    }
}

/// What a file is called without its folders, its end, and the day that Jekyll writes before it.
fn name(path: &str) -> (&str, Option<&str>) {
    let file = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = file.rsplit_once('.').map_or(file, |(name, _)| name);
    let name = match (name, path.rsplit(['/', '\\']).nth(1)) {
        // Of a folder with a text in it, the folder.
        ("index", Some(folder)) if !folder.is_empty() => folder,
        (name, _) => name,
    };
    let is_day = |day: &str| {
        day.bytes()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() })
    };
    match name.get(..10).filter(|day| is_day(day)) {
        Some(day) if name.len() > 11 && name.as_bytes()[10] == b'-' => (&name[11..], Some(day)),
        _ => (name, None),
    }
}

/// What it is called for good: where it says that it stands, or its path.
fn id(path: &str, canonical: &str) -> String {
    if canonical.is_empty() { format!("file:{path}") } else { canonical.to_owned() }
}

fn text(zip: &mut Zip, at: usize) -> Result<Option<String>, ArchiveError> {
    if zip.file(at).1 > LONGEST {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let read = zip.open(at)?.take(LONGEST).read_to_end(&mut bytes);
    read.map_err(|error| ArchiveError::of_reading(&error, ArchiveError::BrokenZip))?;
    Ok(Some(charset::decode(&bytes, None).text.replace('\0', "").replace("\r\n", "\n")))
}

/// The longest address and title, in bytes, that others lead to.
const LONGEST_LINE: usize = 4_000;

fn site(choices: &Choices) -> Option<Url> {
    web_address(&choices.site, None)
}

fn canonical(front: &Front, site: Option<&Url>) -> String {
    let named = front.one(&["canonical", "canonical_url", "canonicalurl", "canonicalUrl", "seo.canonical"]);
    let named = if named.is_empty() && site.is_some() { front.one(&["permalink", "url"]) } else { named };
    if named.is_empty() {
        String::new()
    } else {
        web_address(named, site).map(String::from).unwrap_or_default()
    }
}

/// Reads it for the first time: what each file is called.
pub(super) fn look(zip: &mut Zip, reading: &mut Reading<'_>) -> Result<(), ArchiveError> {
    let site = site(&reading.choices);
    for at in zip.named(&TEXTS) {
        let path = zip.file(at).0.to_owned();
        let whole = text(zip, at)?;
        let (front, words) = parted(whole.as_deref().unwrap_or_default());
        let canonical = canonical(&front, site.as_ref());
        let id = id(&path, &canonical);
        reading.named(&id, &link_key(Some(&canonical)))?;
        if whole.is_some() && !is_about_the_folder(&path) {
            let (title, _) = titled(&front, words, &path);
            // All of them are in mind at once: what nobody writes by hand is not led to.
            if canonical.len().max(title.len()) <= LONGEST_LINE {
                reading.texts.insert(at, Text { id, canonical, title, day: day(&front, &path) });
            }
        }
        if !reading.goes_on() {
            break;
        }
    }
    Ok(())
}

/// Reads it for the second time: article for article.
pub(super) fn pieces(zip: &mut Zip, reading: &mut Reading<'_>) -> Result<(), ArchiveError> {
    let site = site(&reading.choices);
    let files = Files::of(zip, zip.named(&PICTURES));
    let texts = Files::of(zip, reading.texts.keys().copied());
    // Where each of them is, once it was asked for.
    let mut there: HashMap<usize, Option<String>> = HashMap::new();
    for at in zip.named(&TEXTS) {
        if reading.is_again && !reading.texts.contains_key(&at) {
            reading.count += 1;
            continue;
        }
        let path = zip.file(at).0.to_owned();
        let what = match text(zip, at)? {
            Some(whole) if reading.is_again && !may_name_texts(&whole) => {
                reading.count += 1;
                continue;
            }
            None => What::Left("it is longer than 2 MB".to_owned()),
            Some(_) if is_about_the_folder(&path) => {
                What::Left("it says something about the folder, and is no article".to_owned())
            }
            Some(whole) => {
                let (is_cleaned, is_again) = (reading.is_cleaned(), reading.is_again);
                let Reading { keeps, leads, brought, texts: known, .. } = reading;
                let mut keep = |at: usize, alt: &str| {
                    let kept = match keeps {
                        Some(keeps) if is_cleaned => keeps(wanted(zip, at, alt)?),
                        // Any address will do: nobody reads what it is in.
                        _ => Ok(ANYWHERE.to_owned()),
                    };
                    kept.inspect(|_| {
                        brought.insert(at);
                    })
                };
                let mut lead = |at: usize| {
                    let text = known.get(&at)?;
                    match leads {
                        _ if !text.canonical.is_empty() => Some(text.canonical.clone()),
                        Some(leads) if is_cleaned => there.entry(at).or_insert_with(|| leads(text)).clone(),
                        _ => Some(ANYWHERE.to_owned()),
                    }
                };
                let mut settle = |text: &str, image: &str, base: Option<&Url>| {
                    let asks = Asks { keep: &mut keep, lead: &mut lead };
                    folder::settled((&path, text, image), (&files, &texts, base), asks)
                };
                match article((&path, &whole), site.as_ref(), &reading.choices, &mut settle) {
                    Ok((_, settled)) if is_again && !settled.names_texts => {
                        reading.count += 1;
                        continue;
                    }
                    Ok((mut article, settled)) => {
                        let loose = &mut reading.loose;
                        for (all, some) in [
                            (&mut loose.pictures, &settled.pictures),
                            (&mut loose.links, &settled.links),
                            (&mut loose.texts, &settled.texts),
                        ] {
                            all.extend(some.iter().map(|Loose { place, .. }| sum(place)));
                        }
                        let is_to_come = article.article.published_at.is_some_and(|at| at > reading.now);
                        reading.to_come += u64::from(is_to_come && article.there == There::Published);
                        // Of the texts that it names it is known once all of them came.
                        article.said = if is_again { settled.said_of_texts() } else { settled.said() };
                        match is_cleaned {
                            true => What::Article(Box::new(article)),
                            false => What::Passed(article.there),
                        }
                    }
                    Err(why) => What::Left(why),
                }
            }
        };
        let title = match &what {
            What::Article(article) => article.article.title.clone(),
            _ => path,
        };
        if !reading.piece(Piece { title, is_page: false, what, unknown: clean::Unknown::new() }) {
            break;
        }
    }
    Ok(())
}

/// What says something about the folder is no article.
fn is_about_the_folder(path: &str) -> bool {
    let last = path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    last.starts_with('_') || last == "readme.md"
}

/// Whether a text may have a link to another; most have none, and are not read for it.
fn may_name_texts(whole: &str) -> bool {
    whole.as_bytes().windows(3).any(|end| end.eq_ignore_ascii_case(b".md"))
        || whole.to_ascii_lowercase().contains(".markdown")
}

/// A picture of the folder, read for whoever keeps it.
fn wanted(zip: &mut Zip, at: usize, alt: &str) -> Result<Wanted, String> {
    let (path, size) = zip.file(at);
    let file = path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    if size > LARGEST_PICTURE as u64 {
        return Err(format!("for it is larger than {} MB", LARGEST_PICTURE / 1024 / 1024));
    }
    let mut bytes = Vec::new();
    let read = zip.open(at).and_then(|mut from| Ok(from.read_to_end(&mut bytes)?));
    read.map_err(|_| "for its file is broken".to_owned())?;
    Ok(Wanted { file, alt: alt.to_owned(), bytes })
}

/// What a text, its picture and its own address become.
type Settle<'a> = &'a mut dyn FnMut(&str, &str, Option<&Url>) -> Settled;

fn article(
    (path, whole): (&str, &str),
    site: Option<&Url>,
    choices: &Choices,
    settle: Settle<'_>,
) -> Result<(Article, Settled), String> {
    let (front, text) = parted(whole);
    let (file, _) = name(path);
    let (title, text) = titled(&front, text, path);
    if text.is_empty() && front.0.is_empty() {
        return Err("it is empty".to_owned());
    }
    let mut topics = front.all(&["categories", "category", "topics", "section"]).to_vec();
    if !choices.categories_only || topics.is_empty() {
        topics.extend(front.all(&["tags", "tag", "keywords"]).iter().cloned());
    }
    let mut known: Vec<String> = Vec::new();
    for topic in topics.iter().map(|topic| topic.trim()).filter(|topic| !topic.is_empty()).take(50) {
        if known.len() < 12
            && topic.chars().count() <= 60
            && !known.iter().any(|one| one.eq_ignore_ascii_case(topic))
        {
            known.push(topic.to_owned());
        }
    }
    let canonical = canonical(&front, site);
    let image = front.one(&[
        "image",
        "cover",
        "cover.image",
        "image.path",
        "image.src",
        "featured_image",
        "feature_image",
        "thumbnail",
        "images",
        "hero",
    ]);
    let base = web_address(&canonical, None).or_else(|| site.cloned());
    let settled = settle(text, image, base.as_ref());
    let body_html = writing::markdown_to_html(&settled.text);
    let image_url = settled
        .image
        .clone()
        .or_else(|| web_address(image, base.as_ref()).map(String::from))
        .or_else(|| html::first_image(&body_html));
    let is_draft = front.is_said("draft")
        || front.all(&["published"]).first().is_some_and(|said| said.eq_ignore_ascii_case("false"))
        || front.one(&["status"]).eq_ignore_ascii_case("draft")
        || path.split('/').any(|folder| folder == "_drafts");
    let article = ParsedArticle {
        source_id: id(path, &canonical),
        title,
        standfirst: clipped(
            html::text_of(&writing::markdown_to_html(front.one(&[
                "standfirst",
                "description",
                "summary",
                "excerpt",
                "subtitle",
                "lead",
            ]))),
            1_000,
        ),
        byline: clipped(joined(front.all(&["authors", "author", "byline", "by"])), 200),
        topics: known,
        word_count: html::word_count(&html::text_of(&body_html)),
        placed_at: None,
        body_html,
        canonical_url: Some(canonical).filter(|canonical| !canonical.is_empty()),
        image_alt: clipped(
            front
                .one(&["image_alt", "cover.alt", "image.alt", "feature_image_alt", "thumbnail_alt"])
                .to_owned(),
            500,
        ),
        image_url,
        origin_note: None,
        published_at: day(&front, path),
    };
    let slug = Some(front.one(&["slug"])).filter(|slug| !slug.is_empty()).unwrap_or(file);
    let there = if is_draft { There::Draft } else { There::Published };
    let markdown = Some(settled.text.clone());
    Ok((Article { article, there, markdown, slug: Some(slug.to_owned()), said: None }, settled))
}

/// The title of a text, and the text without it.
fn titled<'a>(front: &Front, text: &'a str, path: &str) -> (String, &'a str) {
    let (mut title, mut text) = (front.one(&["title"]).to_owned(), text.trim());
    if title.is_empty()
        && let Some(heading) = text.strip_prefix("# ")
    {
        let (first, rest) = heading.split_once('\n').unwrap_or((heading, ""));
        title = first.trim().trim_end_matches('#').trim().to_owned();
        text = rest.trim();
    }
    if title.is_empty() {
        title = name(path).0.replace(['-', '_'], " ");
    }
    (clipped(title.split_whitespace().collect::<Vec<_>>().join(" "), 300), text)
}

/// The day of a text, as it says it itself, or its name does.
fn day(front: &Front, path: &str) -> Option<Moment> {
    moment(front.one(&["date", "published", "publishdate", "pubdate", "created"]))
        .or_else(|| moment(name(path).1?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_it_is(file: (&str, &str)) -> Result<Article, String> {
        let mut settle =
            |text: &str, _: &str, _: Option<&Url>| Settled { text: text.to_owned(), ..Settled::default() };
        article(file, None, &Choices::default(), &mut settle).map(|(article, _)| article)
    }

    fn read(path: &str, whole: &str) -> Article {
        as_it_is((path, whole)).expect("an article")
    }

    #[test]
    fn what_stands_before_a_text_is_read_in_both_spellings() {
        let yaml = "---\ntitle: \"Salt: and bread\" # of course\ndate: 2024-03-05T14:05:05Z\nauthors:\n  - Ann Lee\n  - 'Bo Ray'\ntags: [Work, \"Bread, and salt\"]\n\
            categories: Food\ndescription: >\n  What a bakery's\n  night shift knows.\ncover:\n  image: https://gull.example/a.jpg\ndraft: true\nslug: salt\n\
            canonical: https://gull.example/salt\n---\n\nThe *ovens* go on at two.\n";
        let toml = "+++\ntitle = \"Salt: and bread\"\ndate = 2024-03-05T14:05:05Z\nauthors = [\"Ann Lee\",\n  \"Bo Ray\"]\ndescription = \"What a bakery's night shift knows.\"\n\
            draft = true\nslug = \"salt\"\ncanonical = 'https://gull.example/salt'\n[taxonomies]\ntags = [\"Work\", \"Bread, and salt\"]\ncategories = [\"Food\"]\n[cover]\n\
            image = \"https://gull.example/a.jpg\"\n+++\nThe *ovens* go on at two.\n";
        let one = read("posts/x.md", yaml);
        let article = &one.article;
        assert_eq!(
            (article.title.as_str(), article.byline.as_str()),
            ("Salt: and bread", "Ann Lee and Bo Ray")
        );
        assert_eq!(article.topics, ["Food", "Work", "Bread, and salt"]);
        assert_eq!(article.standfirst, "What a bakery’s night shift knows.");
        assert_eq!(article.body_html, "<p>The <em>ovens</em> go on at two.</p>");
        assert_eq!(article.image_url.as_deref(), Some("https://gull.example/a.jpg"));
        assert_eq!(article.published_at.map(|at| at.unix_seconds()), Some(1_709_647_505));
        assert_eq!(
            (one.there, one.slug.as_deref(), one.markdown.as_deref()),
            (There::Draft, Some("salt"), Some("The *ovens* go on at two."))
        );
        assert_eq!(read("posts/x.md", toml).article, *article);
    }

    #[test]
    fn a_text_without_anything_before_it_says_enough_itself() {
        let one = read(
            "2024-03-05-salt-and-bread.md",
            "# Salt #\n\nThe ovens.\n\n---\n\nNo front matter: this is a line.\n",
        );
        assert_eq!(
            (one.article.title.as_str(), one.slug.as_deref(), one.there),
            ("Salt", Some("salt-and-bread"), There::Published)
        );
        assert_eq!(one.article.published_at, moment("2024-03-05"));
        assert_eq!(read("a/night_shift/index.md", "Words.").article.title, "night shift");
        assert!(as_it_is(("a.md", "")).is_err());
        assert_eq!(parted("---\nnever closed").0, Front::default());
        assert_eq!(parted("----\n---\n").0, Front::default());
    }
}
