//! A document as a tree: elements by what they mean, whatever prefix they bear.

use std::collections::HashMap;

use quick_xml::events::attributes::Attributes;
use url::Url;

use super::{
    names::{Space, space_of, space_of_prefix},
    tokens::{Entities, Token, decode, tokens},
};
use crate::articles::cleaning::html;

/// Tags within each other; deeper ones leave their text.
const DEEPEST: usize = 256;
const MOST_ELEMENTS: usize = 250_000;
/// Of one tag. No feed has half as many.
const MOST_ATTRIBUTES: usize = 64;

/// A document.
#[derive(Debug)]
pub struct Tree {
    /// The first is the document itself.
    elements: Vec<Element>,
    bases: Vec<Url>,
    /// The element that was open when the document ended, if its end is missing: the innermost article.
    pub cut_off: Option<usize>,
}

#[derive(Debug)]
struct Element {
    space: Space,
    /// Without its prefix, in lower case.
    name: String,
    attributes: Vec<(String, String)>,
    /// Which of the bases holds for it.
    base: Option<usize>,
    children: Vec<Child>,
}

#[derive(Debug)]
enum Child {
    Text(String),
    Element(usize),
}

/// Why a document is not built.
pub type Refused = &'static str;

impl Tree {
    /// Reads a document that came from `address`.
    ///
    /// # Errors
    /// When it is built to exhaust its reader.
    pub fn read(text: &str, address: Option<&Url>) -> Result<Self, Refused> {
        let mut building = Building::new(address);
        for token in tokens(text) {
            match token {
                Token::Text(text) => building.text(&decode(text, &building.entities)),
                Token::Section(text) => building.text(text),
                Token::DocType(inner) => {
                    building.entities = Entities::of(inner)
                        .ok_or("it declares entities that name others, or other documents")?;
                }
                Token::Start { name, attributes, closes_itself } => {
                    building.start(name, attributes, closes_itself)?;
                }
                Token::End(name) => building.end(name),
            }
        }
        Ok(building.done())
    }

    /// What holds the root.
    pub fn document(&self) -> Node<'_> {
        self.node(0)
    }

    /// The element of that number.
    pub fn node(&self, id: usize) -> Node<'_> {
        Node { tree: self, id }
    }
}

/// An element of a tree.
#[derive(Clone, Copy, Debug)]
pub struct Node<'t> {
    tree: &'t Tree,
    pub id: usize,
}

impl<'t> Node<'t> {
    fn element(self) -> &'t Element {
        &self.tree.elements[self.id]
    }

    /// The vocabulary that its name is of.
    pub fn space(self) -> Space {
        self.element().space
    }

    /// Its name without a prefix.
    pub fn name(self) -> &'t str {
        &self.element().name
    }

    /// Whether it is called so.
    pub fn is(self, space: Space, name: &str) -> bool {
        self.space() == space && self.name() == name
    }

    /// The elements in it, in their order.
    pub fn children(self) -> impl Iterator<Item = Node<'t>> {
        self.element().children.iter().filter_map(move |child| match child {
            Child::Element(id) => Some(self.tree.node(*id)),
            Child::Text(_) => None,
        })
    }

    /// The first element in it that is called so.
    pub fn child(self, space: Space, name: &str) -> Option<Node<'t>> {
        self.children().find(|child| child.is(space, name))
    }

    /// An attribute, by its name without a prefix.
    pub fn attribute(self, name: &str) -> Option<&'t str> {
        let found = self.element().attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim())
    }

    /// What `xml:base` says of it.
    pub fn base(self) -> Option<&'t Url> {
        self.element().base.map(|base| &self.tree.bases[base])
    }

    /// Whether there are elements in it.
    pub fn has_elements(self) -> bool {
        self.children().next().is_some()
    }

    /// All its text, that of the elements in it too.
    pub fn text(self) -> String {
        let mut text = String::new();
        self.push_text(&mut text);
        text
    }

    fn push_text(self, out: &mut String) {
        for child in &self.element().children {
            match child {
                Child::Text(text) => out.push_str(text),
                Child::Element(id) => self.tree.node(*id).push_text(out),
            }
        }
    }

    /// What stands in it, as markup. Its text is markup itself if it `is_escaped`, and is words otherwise.
    pub fn markup(self, is_escaped: bool) -> String {
        let mut out = String::new();
        self.push_markup(is_escaped, &mut out);
        out
    }

    fn push_markup(self, is_escaped: bool, out: &mut String) {
        for child in &self.element().children {
            match child {
                Child::Text(text) if is_escaped => out.push_str(text),
                Child::Text(text) => out.push_str(&html::escape(text)),
                Child::Element(id) => {
                    let inner = self.tree.node(*id);
                    let name = inner.name();
                    out.extend(["<", name]);
                    for (name, value) in &inner.element().attributes {
                        out.extend([" ", name, "=\"", &html::escape(value), "\""]);
                    }
                    out.push('>');
                    if !is_void(name) {
                        inner.push_markup(is_escaped, out);
                        out.extend(["</", name, ">"]);
                    }
                }
            }
        }
    }

    /// The only element in it, if there is no text beside it.
    pub fn only_element(self) -> Option<Node<'t>> {
        let mut found = None;
        for child in &self.element().children {
            match child {
                Child::Text(text) if text.trim().is_empty() => {}
                Child::Element(id) if found.is_none() => found = Some(self.tree.node(*id)),
                _ => return None,
            }
        }
        found
    }
}

/// Tags of HTML that have no end.
fn is_void(name: &str) -> bool {
    matches!(name, "br" | "hr" | "img" | "wbr")
}

struct Building<'a> {
    tree: Tree,
    entities: Entities,
    /// What is open, the document first: the element, its name as written, and how many names its tag bound.
    open: Vec<(usize, &'a str, usize)>,
    /// How often each name is open.
    names: HashMap<String, usize>,
    /// What prefixes stand for, the innermost last.
    bound: HashMap<&'a str, Vec<Option<Space>>>,
    /// The prefixes in the order in which they were bound.
    bindings: Vec<&'a str>,
    /// Whether the first element is of Atom.
    is_atom: Option<bool>,
    address: Option<Url>,
}

impl<'a> Building<'a> {
    fn new(address: Option<&Url>) -> Self {
        let document = Element {
            space: Space::Other,
            name: String::new(),
            attributes: Vec::new(),
            base: None,
            children: Vec::new(),
        };
        Self {
            tree: Tree { elements: vec![document], bases: Vec::new(), cut_off: None },
            entities: Entities::default(),
            open: vec![(0, "", 0)],
            names: HashMap::new(),
            bound: HashMap::new(),
            bindings: Vec::new(),
            is_atom: None,
            address: address.cloned(),
        }
    }

    fn innermost(&self) -> usize {
        self.open.last().map_or(0, |(id, _, _)| *id)
    }

    fn text(&mut self, text: &str) {
        let parent = self.innermost();
        if parent == 0 || text.is_empty() {
            return;
        }
        let children = &mut self.tree.elements[parent].children;
        match children.last_mut() {
            Some(Child::Text(before)) => before.push_str(text),
            _ => children.push(Child::Text(text.to_owned())),
        }
    }

    fn start(&mut self, name: &'a str, attributes: &'a str, closes_itself: bool) -> Result<(), Refused> {
        let (mut kept, mut base, mut bindings) = (Vec::new(), None, 0);
        let mut all = Attributes::html(attributes, 0);
        for one in all.with_checks(false).flatten().take(MOST_ATTRIBUTES) {
            let key: &'a str = one.key.0;
            let value = decode(&one.value, &self.entities).into_owned();
            let (prefix, local) = key.split_once(':').unwrap_or(("", key));
            if key == "xmlns" || prefix == "xmlns" {
                let bound = if key == "xmlns" { "" } else { local };
                self.bound.entry(bound).or_default().push(space_of(&value));
                self.bindings.push(bound);
                bindings += 1;
            } else if key.eq_ignore_ascii_case("xml:base") {
                base = Some(value);
            } else {
                let local = local.to_ascii_lowercase();
                if !kept.iter().any(|(known, _): &(String, String)| *known == local) {
                    kept.push((local, value));
                }
            }
        }
        let (space, local) = self.meaning(name);
        if matches!(local.as_str(), "item" | "entry") && space == Space::Plain {
            self.end_article(&local);
        }
        let is_shallow = self.open.len() < DEEPEST;
        if !is_shallow && !self.is_in_article() {
            return Err("its tags are nested too deeply");
        }
        if self.tree.elements.len() == MOST_ELEMENTS {
            return Err("it has too many tags");
        }
        let leaves = closes_itself || is_void(&local) && matches!(space, Space::Plain | Space::Xhtml);
        if is_shallow {
            let id = self.add(space, local, kept, base);
            if !leaves {
                *self.names.entry(name.to_ascii_lowercase()).or_default() += 1;
                self.open.push((id, name, bindings));
                return Ok(());
            }
        }
        self.unbind(bindings);
        Ok(())
    }

    fn add(
        &mut self,
        space: Space,
        name: String,
        attributes: Vec<(String, String)>,
        base: Option<String>,
    ) -> usize {
        let parent = self.innermost();
        let outer = self.tree.elements[parent].base;
        let around = outer.map(|outer| &self.tree.bases[outer]).or(self.address.as_ref());
        let base = base.and_then(|base| match around {
            Some(around) => around.join(base.trim()).ok(),
            None => Url::parse(base.trim()).ok(),
        });
        let base = match base.filter(|base| matches!(base.scheme(), "http" | "https")) {
            Some(base) => {
                self.tree.bases.push(base);
                Some(self.tree.bases.len() - 1)
            }
            None => outer,
        };
        let id = self.tree.elements.len();
        self.tree.elements.push(Element { space, name, attributes, base, children: Vec::new() });
        self.tree.elements[parent].children.push(Child::Element(id));
        id
    }

    fn meaning(&mut self, name: &'a str) -> (Space, String) {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let local = local.to_ascii_lowercase();
        let is_atom = *self.is_atom.get_or_insert(local == "feed");
        let bound = self.bound.get(prefix).and_then(|spaces| spaces.last()).copied();
        let space = match bound {
            Some(Some(space)) => space,
            // A name that nobody knows: what it is called by counts.
            Some(None) | None => space_of_prefix(prefix),
        };
        let space = match space {
            Space::Atom if is_atom || prefix.is_empty() => Space::Plain,
            space => space,
        };
        (space, local)
    }

    fn is_in_article(&self) -> bool {
        self.open.iter().take(6).any(|(id, _, _)| {
            let element = &self.tree.elements[*id];
            element.space == Space::Plain && matches!(element.name.as_str(), "item" | "entry")
        })
    }

    /// An article does not stand in another: one that begins in it ends it.
    fn end_article(&mut self, name: &str) {
        let is_it = |id: usize| {
            let element = &self.tree.elements[id];
            element.space == Space::Plain && element.name == name
        };
        if let Some(at) = self.open.iter().take(6).position(|(id, _, _)| is_it(*id)) {
            self.close_from(at);
        }
    }

    fn end(&mut self, name: &str) {
        let lower = name.to_ascii_lowercase();
        if self.names.get(&lower).is_none_or(|count| *count == 0) {
            return;
        }
        if let Some(at) = self.open.iter().rposition(|(_, open, _)| open.eq_ignore_ascii_case(name)) {
            self.close_from(at);
        }
    }

    fn close_from(&mut self, at: usize) {
        while self.open.len() > at.max(1) {
            let Some((_, name, bindings)) = self.open.pop() else { return };
            if let Some(count) = self.names.get_mut(&name.to_ascii_lowercase()) {
                *count -= 1;
            }
            self.unbind(bindings);
        }
    }

    fn unbind(&mut self, bindings: usize) {
        for _ in 0..bindings {
            let prefix = self.bindings.pop();
            if let Some(spaces) = prefix.and_then(|prefix| self.bound.get_mut(prefix)) {
                spaces.pop();
            }
        }
    }

    fn done(mut self) -> Tree {
        let open = self.open.iter().map(|(id, _, _)| *id).rev();
        let mut articles =
            open.filter(|id| matches!(self.tree.elements[*id].name.as_str(), "item" | "entry"));
        self.tree.cut_off = articles.next();
        self.tree
    }
}
