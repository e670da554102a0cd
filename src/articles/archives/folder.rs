//! What the texts of a folder name of that folder: pictures whose files lie in it, and places of the site that is built of it.
//!
//! The rule: such a picture comes along and becomes one of ours, the rest leads to the site if its address is known; what then leads nowhere
//! is said.

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
/// No address begins so (RFC 2606).
const NOWHERE: &str = "https://nowhere.invalid/";
/// So many addresses are named in what is said of a text.
const MOST_NAMED: usize = 5;
/// More pictures no text brings along.
const MOST_PICTURES: usize = 500;

/// The files of a folder that are pictures.
pub(super) struct Files {
    at: HashMap<String, usize>,
    called: HashMap<String, Vec<String>>,
}

impl Files {
    /// Those of a ZIP.
    pub fn of(zip: &Zip) -> Self {
        let mut files = Self { at: HashMap::new(), called: HashMap::new() };
        for at in zip.named(&PICTURES) {
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

/// A text with what it names in the place where that is by now, and what is to be known of it.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub text: String,
    /// Pictures that come along.
    pub brought: u64,
    /// What leads nowhere.
    pub pictures: Vec<String>,
    pub links: Vec<String>,
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
            let named = self.pictures.iter().chain(&self.links);
            let mut named: Vec<&str> = named.map(String::as_str).take(MOST_NAMED + 1).collect();
            if named.len() > MOST_NAMED {
                named[MOST_NAMED] = "…";
            }
            let mut what_to_do = Vec::new();
            if !self.pictures.is_empty() {
                what_to_do.push("with the files of the pictures in it");
            }
            what_to_do.push("with the address of the site");
            said.push(format!(
                "{} not shown ({}), for only a place of the folder is named: bring the folder again {}, or put that right here",
                loose.join(" and "),
                named.join(", "),
                what_to_do.join(", or ")
            ));
        }
        if !self.not_kept.is_empty() {
            said.push(format!("not kept: {}", self.not_kept.join("; ")));
        }
        (!said.is_empty()).then(|| said.join("; "))
    }
}

/// Whether an address names a place of the folder, or of the site that is built of it.
pub(super) fn is_relative(address: &str) -> bool {
    let address = address.trim();
    !address.is_empty()
        && !address.starts_with('#')
        && matches!(Url::parse(address), Err(url::ParseError::RelativeUrlWithoutBase))
}

/// Settles a text. `keep` is given the place of each picture's file, and says its address by now, or why it is not kept.
pub(super) fn settled(
    (path, text, image): (&str, &str, &str),
    (files, base): (&Files, Option<&Url>),
    keep: &mut dyn FnMut(usize, &str) -> Result<String, String>,
) -> Settled {
    let mut done = Settled::default();
    let mut known: HashMap<usize, Option<String>> = HashMap::new();
    let mut ours = |address: &str, alt: &str| {
        let at = files.named(path, address)?;
        if known.len() >= MOST_PICTURES && !known.contains_key(&at) {
            return None;
        }
        let kept = known.entry(at).or_insert_with(|| match keep(at, alt) {
            Ok(address) => {
                done.brought += 1;
                Some(address)
            }
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
    let mut becomes = |place: &Place| {
        let address = place.written.as_str();
        if !is_relative(address) {
            return None;
        }
        let brought = if address.starts_with("//") { None } else { ours(address, &place.alt) };
        // A file of the folder is no page of its site.
        let is_text = address.split(['?', '#']).next().is_some_and(|path| path.ends_with(".md"));
        let there = || base.filter(|_| !is_text)?.join(address).ok().map(String::from);
        brought.or_else(|| address.starts_with("//").then(|| format!("https:{address}"))).or_else(there)
    };
    done.text = readdressed(text, &mut becomes).unwrap_or_else(|| text.to_owned());
    (done.pictures, done.links) = nowhere(&done.text, path);
    if is_relative(image)
        && done.image.is_none()
        && base.is_none()
        && !done.pictures.iter().any(|one| one == image)
    {
        done.pictures.push(image.to_owned());
    }
    done
}

/// What a text names that leads nowhere, as it names it: pictures, and links. What stands in tags is found, too.
fn nowhere(text: &str, path: &str) -> (Vec<String>, Vec<String>) {
    let relative = || places(text).into_iter().filter(|place| is_relative(&place.written));
    if !text.contains('<') && relative().next().is_none() {
        return Default::default();
    }
    let base = Url::parse(NOWHERE).and_then(|nowhere| nowhere.join(&path.replace('\\', "/"))).ok();
    let base = base.filter(|base| base.as_str().starts_with(NOWHERE)).or_else(|| Url::parse(NOWHERE).ok());
    let clean = markdown_to_html_at(text, base.as_ref());
    // As they were written, where that can be told.
    let mut written: HashMap<String, String> = HashMap::new();
    for place in relative() {
        if let Some(url) = base.as_ref().and_then(|base| base.join(&place.written).ok()) {
            written.entry(url.into()).or_insert(place.written);
        }
    }
    let (mut pictures, mut links): (Vec<String>, Vec<String>) = Default::default();
    let mut seen = HashSet::new();
    for token in Tokens::of(&clean) {
        let Token::Open { name, raw } = token else { continue };
        let (address, found) = match name {
            "img" => (attribute(raw, "src"), &mut pictures),
            "a" => (attribute(raw, "href"), &mut links),
            _ => continue,
        };
        let Some(below) = address.and_then(|address| address.strip_prefix(NOWHERE)) else { continue };
        let below = html::decode(below);
        let address = written.get(&format!("{NOWHERE}{below}")).cloned();
        let address = address.unwrap_or_else(|| format!("/{below}"));
        if seen.insert((name, address.clone())) {
            found.push(address);
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
        let done = settled(("posts/salt.md", text, "oven.jpg"), (&there, site.as_ref()), &mut keep);
        assert_eq!(asked, [(0, String::new()), (1, "bad".to_owned())]);
        assert_eq!(
            done.text,
            "![An oven](https://ours.example/1.jpg \"Hot\") ![bad](https://gull.example/bad.jpg) [about](https://gull.example/about/ \"x\") [next](next.md) [here](#part) <a@b.example> [![c](https://ours.example/1.jpg)](https://gull.example/c)\n\n<img src=\"/tag.png\">\n\n[r](https://gull.example/ref)\n\n[r]: /ref"
        );
        assert_eq!((done.pictures, done.links), (vec!["/tag.png".to_owned()], vec!["next.md".to_owned()]));
        assert_eq!(done.image.as_deref(), Some("https://ours.example/1.jpg"));

        let none = settled(("posts/salt.md", text, "/cover.jpg"), (&files(&[]), None), &mut |_, _| {
            Err(String::new())
        });
        assert_eq!(none.text, text);
        assert_eq!(none.pictures, ["oven.jpg", "bad.jpg", "/tag.png", "/cover.jpg"]);
        assert_eq!(none.links, ["/about/", "next.md", "../c", "/ref"]);
        let said = none.said().expect("something");
        assert!(said.starts_with("4 pictures and 4 links not shown (oven.jpg, bad.jpg, /tag.png, /cover.jpg, /about/, …), for only"), "{said}");
    }
}
