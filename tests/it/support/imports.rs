//! Which source file uses what another one defines, read from the text: `use` lines and paths, through what a front door
//! (`mod.rs`) hands on.

use std::collections::{BTreeMap, BTreeSet};

/// A module by its path below the crate: `["delivery", "ledger"]`.
type Module = Vec<String>;

/// What the files are called, and what each front door hands on.
pub struct Map {
    /// Every module, and its file below `src/`.
    files: BTreeMap<Module, String>,
    /// By front door and name, the module that has it.
    handed_on: BTreeMap<(Module, String), Module>,
}

impl Map {
    /// Of files by their path below `src/`, and the code in each.
    pub fn new(sources: &[(String, String)]) -> Self {
        let files = sources.iter().map(|(path, _)| (module(path), path.clone())).collect();
        let mut map = Self { files, handed_on: BTreeMap::new() };
        for (path, code) in sources {
            let own = module(path);
            for Use { path, name, .. } in uses(code).filter(|one| one.is_public) {
                let (_, target) = map.follow(&own, &path);
                map.handed_on.insert((own.clone(), name), target);
            }
        }
        map
    }

    /// Module and item that a path means, as far as modules go.
    fn follow(&self, own: &Module, path: &[String]) -> (String, Module) {
        let mut at = own.clone();
        let mut item = String::new();
        for word in path {
            match word.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()),
                name => {
                    let mut child = at.clone();
                    child.push(name.to_owned());
                    item = name.to_owned();
                    if !self.files.contains_key(&child) {
                        break;
                    }
                    at = child;
                }
            }
        }
        (item, at)
    }

    /// The files that a file uses, each with a name that it takes from there. A front door's opening its own rooms is none.
    pub fn used(&self, path: &str, code: &str) -> BTreeMap<String, String> {
        let own = module(path);
        // A folder's `mod.rs`, or the file beside it that has its name.
        let is_door = self.files.keys().any(|other| other.len() > own.len() && other.starts_with(&own));
        let named: BTreeMap<String, Vec<String>> = uses(code).map(|one| (one.name, one.path)).collect();
        // `delivery::claim` is what the file calls `ledger`, or its own room of that name.
        let through = paths(code).filter_map(|words| match (named.get(&words[0]), words[0].as_str()) {
            (_, "crate" | "super" | "self") => Some(words),
            (Some(path), _) => Some(path.iter().chain(&words[1..]).cloned().collect()),
            (None, first) => {
                let mut room = own.clone();
                room.push(first.to_owned());
                let inside = || ["self".to_owned()].into_iter().chain(words.clone()).collect();
                self.files.contains_key(&room).then(inside)
            }
        });
        let used = uses(code).map(|one| one.path).chain(through);
        let mut found = BTreeMap::new();
        for words in used.filter(|words| matches!(words[0].as_str(), "crate" | "self" | "super")) {
            let (item, mut target) = self.follow(&own, &words);
            // Through front doors, to whoever has it.
            let mut seen = BTreeSet::new();
            while let Some(next) = self.handed_on.get(&(target.clone(), item.clone()))
                && seen.insert(target.clone())
            {
                target.clone_from(next);
            }
            let opens = is_door && target.starts_with(&own);
            if let Some(file) = self.files.get(&target).filter(|file| *file != path && !opens) {
                found.entry(file.clone()).or_insert(item);
            }
        }
        found
    }
}

/// Files that use one another in a circle, each circle sorted.
pub fn circles(uses: &BTreeMap<String, BTreeMap<String, String>>) -> Vec<Vec<String>> {
    let reached = |from: &str| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = vec![from];
        while let Some(at) = open.pop() {
            for next in uses.get(at).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reach: BTreeMap<&str, BTreeSet<String>> =
        uses.keys().map(|file| (file.as_str(), reached(file))).collect();
    let mut found = BTreeSet::new();
    for (file, there) in &reach {
        let back =
            there.iter().filter(|other| reach.get(other.as_str()).is_some_and(|back| back.contains(*file)));
        let circle: Vec<String> = back.cloned().collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

fn module(path: &str) -> Module {
    let name = path.trim_end_matches(".rs");
    let name = name.strip_suffix("/mod").unwrap_or(name);
    if name == "lib" || name == "main" { Vec::new() } else { name.split('/').map(str::to_owned).collect() }
}

/// What one `use` brings in.
struct Use {
    /// Whether it is handed on to others.
    is_public: bool,
    path: Vec<String>,
    /// What it is called here.
    name: String,
}

fn uses(code: &str) -> impl Iterator<Item = Use> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let before = code[..at].rsplit('\n').next().unwrap_or_default().trim();
        let is_public = before.starts_with("pub");
        if !(before.is_empty() || is_public) {
            continue;
        }
        // Words in a text of several lines are no `use`.
        let Some((tree, _)) =
            code[at + 4..].split_once(';').filter(|(tree, _)| !tree.contains(['"', '=', '(']))
        else {
            continue;
        };
        let mut paths = Vec::new();
        flatten(&[], tree, &mut paths);
        let paths = paths.into_iter().filter(|(path, _)| !path.is_empty());
        found.extend(paths.map(|(path, name)| Use { is_public, path, name }));
    }
    found.into_iter()
}

/// `a::{b, c::{self, d as e}}` is `a::b`, `a::c` and `a::c::d`.
fn flatten(start: &[String], tree: &str, paths: &mut Vec<(Vec<String>, String)>) {
    let tree = tree.trim();
    let (head, group) = match tree.split_once('{') {
        Some((head, rest)) => (head, Some(rest.rsplit_once('}').map_or(rest, |(group, _)| group))),
        None => (tree, None),
    };
    let (head, alias) =
        head.split_once(" as ").map_or((head, None), |(head, alias)| (head, Some(alias.trim())));
    let mut path = start.to_vec();
    path.extend(head.split("::").map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned));
    let Some(group) = group else {
        // What the module itself is called.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self" || last == "*") {
            path.pop();
        }
        let name = alias.or(path.last().map(String::as_str)).unwrap_or_default().to_owned();
        paths.push((path, name));
        return;
    };
    let (mut depth, mut from) = (0_usize, 0);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                flatten(&path, &group[from..at], paths);
                from = at + 1;
            }
            _ => {}
        }
    }
    if !group[from..].trim().is_empty() {
        flatten(&path, &group[from..], paths);
    }
}

/// Paths that stand in the code itself, each from its first word.
fn paths(code: &str) -> impl Iterator<Item = Vec<String>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let runs = code.split(move |c| !is_part(c)).filter(|run| run.contains("::") && !run.starts_with(':'));
    runs.map(|run| run.split("::").filter(|word| !word.is_empty()).map(str::to_owned).collect())
}
