//! What the texts of a folder name of that folder: pictures whose files lie in it, and places of the site that is built of it.
//!
//! The rule: such a picture comes along and becomes one of ours, a link to another text leads to the article that comes of it, the rest leads
//! to the site if its address is known; what then leads nowhere is said.

use std::collections::{HashMap, HashSet};

use url::Url;

use super::zipped::Zip;
use crate::{
    articles::{
        cleaning::{
            html,
            scan::{Token, Tokens, attribute},
        },
        writing::{Place, markdown_to_html_at, places, readdressed},
    },
    smtp_url::percent_decode,
};

/// Files of these endings are pictures that are kept here.
pub(super) const PICTURES: [&str; 5] = [".jpg", ".jpeg", ".png", ".gif", ".webp"];
/// And of these articles.
pub(super) const TEXTS: [&str; 2] = [".md", ".markdown"];
/// No address begins so (RFC 2606).
const NOWHERE: &str = "https://nowhere.invalid/";
/// So many addresses are named in what is said of a text.
const MOST_NAMED: usize = 5;
/// And so much of each.
const LONGEST_NAMED: usize = 200;
/// More pictures no text brings along.
const MOST_PICTURES: usize = 500;

/// Files of a folder, found as its texts name them.
pub(super) struct Files {
    at: HashMap<String, usize>,
    called: HashMap<String, Vec<String>>,
}

impl Files {
    /// Some of a ZIP.
    pub fn of(zip: &Zip, some: impl IntoIterator<Item = usize>) -> Self {
        let mut files = Self { at: HashMap::new(), called: HashMap::new() };
        for at in some {
            let path = zip.file(at).0.replace('\\', "/");
            let last = path.rsplit('/').next().unwrap_or_default().to_owned();
            files.called.entry(last).or_default().push(path.clone());
            files.at.insert(path, at);
        }
        files
    }

    /// The file that a text names: from where the text lies on, or else the only one that lies so below some root of the site.
    pub fn named(&self, text: &str, address: &str) -> Option<usize> {
        let plain = address.split(['?', '#']).next().unwrap_or_default();
        let plain = percent_decode(plain).unwrap_or_else(|| plain.to_owned()).replace('\\', "/");
        let text = text.replace('\\', "/");
        let folders = text.rsplit_once('/').map_or("", |(folders, _)| folders);
        let mut path: Vec<&str> = folders.split('/').filter(|part| !part.is_empty()).collect();
        let mut tail = Vec::new();
        for part in plain.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(path.pop()),
                part => {
                    path.push(part);
                    tail.push(part);
                }
            }
        }
        if let Some(at) = self.at.get(&path.join("/")).filter(|_| !plain.starts_with('/')) {
            return Some(*at);
        }
        let end = format!("/{}", tail.join("/"));
        let lies_so = |path: &&String| format!("/{path}").ends_with(&end);
        let mut there = self.called.get(*tail.last()?)?.iter().filter(lies_so);
        let (one, other) = (there.next()?, there.next());
        other.is_none().then(|| self.at.get(one).copied()).flatten()
    }
}

/// What a text names that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Loose {
    /// As it names it.
    pub written: String,
    /// Where that is in the folder: another text may name it otherwise.
    pub place: String,
}

/// A text with what it names in the place where that is by now, and what is to be known of it.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub text: String,
    /// Whether it has a link to another text of the folder, or to where one would be.
    pub names_texts: bool,
    pub pictures: Vec<Loose>,
    pub links: Vec<Loose>,
    /// Links to texts of the folder of which no article is here.
    pub texts: Vec<Loose>,
    /// Pictures that could not be kept, and why.
    pub not_kept: Vec<String>,
    /// The picture of the article itself, if it comes along.
    pub image: Option<String>,
}

impl Settled {
    /// What is to be known of it, as the end of a sentence.
    pub fn said(&self) -> Option<String> {
        let mut said = Vec::new();
        let some = |number: usize, one: &str, many: &str| {
            (number > 0).then(|| if number == 1 { format!("one {one}") } else { format!("{number} {many}") })
        };
        let loose =
            [some(self.pictures.len(), "picture", "pictures"), some(self.links.len(), "link", "links")];
        let loose: Vec<String> = loose.into_iter().flatten().collect();
        if !loose.is_empty() {
            let mut what_to_do = Vec::new();
            if !self.pictures.is_empty() {
                what_to_do.push("with the files of the pictures in it");
            }
            what_to_do.push("with the address of the site");
            said.push(format!(
                "{} not shown ({}), for only a place of the folder is named: bring the folder again {}, or put that right here",
                loose.join(" and "),
                named(self.pictures.iter().chain(&self.links)),
                what_to_do.join(", or ")
            ));
        }
        if !self.not_kept.is_empty() {
            said.push(format!("not kept: {}", self.not_kept.join("; ")));
        }
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// What is to be known of its links to other texts, once all of these are here.
    pub fn said_of_texts(&self) -> Option<String> {
        let (links, files) = match self.texts.len() {
            0 => return None,
            1 => ("one link".to_owned(), "that file"),
            number => (format!("{number} links"), "those files"),
        };
        let named = named(self.texts.iter());
        Some(format!(
            "{links} not shown ({named}), for no article here is made of {files}: bring the folder again with what is missing, or put that right here"
        ))
    }
}

/// Some of them, as they are written.
fn named<'a>(loose: impl Iterator<Item = &'a Loose>) -> String {
    let shown = |one: &Loose| one.written.chars().take(LONGEST_NAMED).collect();
    let mut named: Vec<String> = loose.map(shown).take(MOST_NAMED + 1).collect();
    if named.len() > MOST_NAMED {
        named[MOST_NAMED] = "…".to_owned();
    }
    named.join(", ")
}

/// Whether an address names a place of the folder, or of the site that is built of it.
pub(super) fn is_relative(address: &str) -> bool {
    let address = address.trim();
    !address.is_empty()
        && !address.starts_with('#')
        && matches!(Url::parse(address), Err(url::ParseError::RelativeUrlWithoutBase))
}

/// Whether an address names a text, by how its path ends.
fn is_text(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    !address.starts_with("//") && TEXTS.iter().any(|end| path.ends_with(end))
}

/// What is asked about the files that a text names, by their places.
pub(super) struct Asks<'a> {
    /// Keeps a picture, of which that is said, and says its address by now, or why it is not kept.
    pub keep: &'a mut dyn FnMut(usize, &str) -> Result<String, String>,
    /// Where the article is that comes of another text; none where it is not here.
    pub lead: &'a mut dyn FnMut(usize) -> Option<String>,
}

/// Settles a text, by the pictures and the texts of its folder, and what its site is.
pub(super) fn settled(
    (path, text, image): (&str, &str, &str),
    (files, texts, base): (&Files, &Files, Option<&Url>),
    Asks { keep, lead }: Asks<'_>,
) -> Settled {
    let mut done = Settled::default();
    let mut known: HashMap<usize, Option<String>> = HashMap::new();
    let mut ours = |address: &str, alt: &str| {
        let at = files.named(path, address)?;
        if known.len() >= MOST_PICTURES && !known.contains_key(&at) {
            return None;
        }
        let kept = known.entry(at).or_insert_with(|| match keep(at, alt) {
            Ok(address) => Some(address),
            Err(why) => {
                done.not_kept.push(format!("{address}, {why}"));
                None
            }
        });
        kept.clone()
    };
    if is_relative(image) {
        done.image = ours(image, "");
    }
    let mut names_texts = false;
    let mut becomes = |place: &Place| {
        let address = place.written.as_str();
        if !is_relative(address) {
            return None;
        }
        if !place.is_picture && is_text(address) {
            names_texts = true;
            let part = address.find('#').map_or("", |at| &address[at..]);
            return Some(lead(texts.named(path, address)?)? + part);
        }
        let brought = if address.starts_with("//") { None } else { ours(address, &place.alt) };
        let there = || base?.join(address).ok().map(String::from);
        brought.or_else(|| address.starts_with("//").then(|| format!("https:{address}"))).or_else(there)
    };
    done.text = readdressed(text, &mut becomes).unwrap_or_else(|| text.to_owned());
    (done.pictures, done.links) = nowhere(&done.text, path);
    (done.texts, done.links) = done.links.into_iter().partition(|link| is_text(&link.written));
    // Also what is named within HTML, which stays as it is.
    done.names_texts = names_texts || !done.texts.is_empty();
    if is_relative(image)
        && done.image.is_none()
        && base.is_none()
        && !done.pictures.iter().any(|one| one.written == image)
    {
        let place = below(path).and_then(|below| below.join(image).ok()).map(String::from);
        let place = place.unwrap_or_else(|| image.to_owned());
        done.pictures.push(Loose { written: image.to_owned(), place });
    }
    done
}

/// Where a text lies, as if the folder were a site.
fn below(path: &str) -> Option<Url> {
    let nowhere = Url::parse(NOWHERE).ok()?;
    let there = nowhere.join(&path.replace('\\', "/")).ok();
    Some(there.filter(|there| there.as_str().starts_with(NOWHERE)).unwrap_or(nowhere))
}

/// What a text names that leads nowhere, as it names it: pictures, and links. What stands in tags is found, too.
fn nowhere(text: &str, path: &str) -> (Vec<Loose>, Vec<Loose>) {
    let relative = || places(text).into_iter().filter(|place| is_relative(&place.written));
    if !text.contains('<') && relative().next().is_none() {
        return Default::default();
    }
    let base = below(path);
    let clean = markdown_to_html_at(text, base.as_ref());
    // As they were written, where that can be told.
    let mut written: HashMap<String, String> = HashMap::new();
    for place in relative() {
        if let Some(url) = base.as_ref().and_then(|base| base.join(&place.written).ok()) {
            written.entry(url.into()).or_insert(place.written);
        }
    }
    let (mut pictures, mut links): (Vec<Loose>, Vec<Loose>) = Default::default();
    let mut seen = HashSet::new();
    for token in Tokens::of(&clean) {
        let Token::Open { name, raw } = token else { continue };
        let (address, found) = match name {
            "img" => (attribute(raw, "src"), &mut pictures),
            "a" => (attribute(raw, "href"), &mut links),
            _ => continue,
        };
        let Some(below) = address.and_then(|address| address.strip_prefix(NOWHERE)) else { continue };
        let place = format!("{NOWHERE}{}", html::decode(below));
        if seen.insert((name, place.clone())) {
            let written = written.get(&place).cloned().unwrap_or_else(|| format!("/{}", html::decode(below)));
            found.push(Loose { written, place });
        }
    }
    (pictures, links)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Files {
        let mut files = Files { at: HashMap::new(), called: HashMap::new() };
        for (at, path) in paths.iter().enumerate() {
            let last = path.rsplit('/').next().unwrap_or_default().to_owned();
            files.called.entry(last).or_default().push((*path).to_owned());
            files.at.insert((*path).to_owned(), at);
        }
        files
    }

    #[test]
    fn the_file_of_a_picture_is_found_as_sites_are_built() {
        let there = files(&[
            "blog/static/images/oven.jpg",
            "blog/posts/salt/dough.png",
            "blog/posts/a b.png",
            "one/quay.jpg",
            "two/quay.jpg",
        ]);
        for (address, found) in [
            ("/images/oven.jpg", Some(0)),
            ("images/oven.jpg?w=2#x", Some(0)),
            ("../../static/images/oven.jpg", Some(0)),
            ("dough.png", Some(1)),
            ("./dough.png", Some(1)),
            ("../a%20b.png", Some(2)),
            ("quay.jpg", None),
            ("/one/quay.jpg", Some(3)),
            ("nothing.jpg", None),
            ("ven.jpg", None),
            ("../../../../../../etc/passwd", None),
            ("", None),
        ] {
            assert_eq!(there.named("blog/posts/salt/index.md", address), found, "{address}");
        }
    }

    #[test]
    fn a_text_leads_to_what_comes_along_and_else_to_the_site() {
        let there = files(&["posts/oven.jpg", "posts/bad.jpg"]);
        let text = "![An oven](oven.jpg \"Hot\") ![bad](bad.jpg) [about](/about/ \"x\") [next](next.md) [here](#part) <a@b.example> [![c](oven.jpg)](../c)\n\n<img src=\"/tag.png\">\n\n[r]\n\n[r]: /ref";
        let mut asked = Vec::new();
        let mut keep = |at: usize, alt: &str| {
            asked.push((at, alt.to_owned()));
            if at == 0 {
                Ok("https://ours.example/1.jpg".to_owned())
            } else {
                Err("it is damaged".to_owned())
            }
        };
        let site = Url::parse("https://gull.example").ok();
        let none = files(&[]);
        let asks = Asks { keep: &mut keep, lead: &mut |_| None };
        let done = settled(("posts/salt.md", text, "oven.jpg"), (&there, &none, site.as_ref()), asks);
        assert_eq!(asked, [(0, String::new()), (1, "bad".to_owned())]);
        assert_eq!(
            done.text,
            "![An oven](https://ours.example/1.jpg \"Hot\") ![bad](https://gull.example/bad.jpg) [about](https://gull.example/about/ \"x\") [next](next.md) [here](#part) <a@b.example> [![c](https://ours.example/1.jpg)](https://gull.example/c)\n\n<img src=\"/tag.png\">\n\n[r](https://gull.example/ref)\n\n[r]: /ref"
        );
        let written = |all: &[Loose]| all.iter().map(|one| one.written.clone()).collect::<Vec<_>>();
        assert_eq!((written(&done.pictures), done.links.len()), (vec!["/tag.png".to_owned()], 0));
        assert_eq!((written(&done.texts), done.names_texts), (vec!["next.md".to_owned()], true));
        assert_eq!(done.image.as_deref(), Some("https://ours.example/1.jpg"));

        let asks = Asks { keep: &mut |_, _| Err(String::new()), lead: &mut |_| None };
        let none = settled(("posts/salt.md", text, "/cover.jpg"), (&files(&[]), &files(&[]), None), asks);
        assert_eq!(none.text, text);
        assert_eq!(written(&none.pictures), ["oven.jpg", "bad.jpg", "/tag.png", "/cover.jpg"]);
        assert_eq!(written(&none.links), ["/about/", "../c", "/ref"]);
        let said = none.said().expect("something");
        assert!(said.starts_with("4 pictures and 3 links not shown (oven.jpg, bad.jpg, /tag.png, /cover.jpg, /about/, …), for only"), "{said}");
    }

    #[test]
    fn a_link_to_another_text_leads_to_its_article() {
        let texts =
            files(&["blog/posts/salt.md", "blog/posts/two words.markdown", "blog/notes/oven/index.md"]);
        let text = "[a](salt.md#part \"x\") [b](<./two words.markdown>) [c](/posts/salt.md) [d](../notes/oven/index.md?raw=1) [e][r] ![f](salt.md) [g](gone.md) [h](//other.example/salt.md) `[i](salt.md)` [j](salt.mdx)\n\n[r]: Salt.MD\n";
        let mut lead = |at: usize| (at < 2).then(|| format!("https://here.example/articles/{at}"));
        let asks = Asks { keep: &mut |_, _| Err(String::new()), lead: &mut lead };
        let done = settled(("blog/posts/bread.md", text, ""), (&files(&[]), &texts, None), asks);
        assert_eq!(
            done.text,
            "[a](https://here.example/articles/0#part \"x\") [b](https://here.example/articles/1) [c](https://here.example/articles/0) [d](../notes/oven/index.md?raw=1) [e][r] ![f](salt.md) [g](gone.md) [h](https://other.example/salt.md) `[i](salt.md)` [j](salt.mdx)\n\n[r]: Salt.MD\n"
        );
        let written: Vec<&str> = done.texts.iter().map(|one| one.written.as_str()).collect();
        assert_eq!(written, ["../notes/oven/index.md?raw=1", "Salt.MD", "gone.md"]);
        let said = done.said_of_texts().expect("something");
        assert!(said.starts_with("3 links not shown (../notes/oven/index.md?raw=1, Salt.MD, gone.md), for no article here is made of those files"), "{said}");
    }
}
