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
            for (_, words) in uses(code).filter(|(public, _)| *public) {
                let (name, target) = map.follow(&own, &words);
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
        let is_door = path.ends_with("mod.rs");
        let used = uses(code).map(|(_, path)| path).chain(paths(code));
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

/// Every path that a `use` names, and whether it is handed on to others.
fn uses(code: &str) -> impl Iterator<Item = (bool, Vec<String>)> {
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
        found.extend(paths.into_iter().map(|path| (is_public, path)));
    }
    found.into_iter().filter(|(_, path)| !path.is_empty())
}

/// `a::{b, c::{self, d as e}}` is `a::b`, `a::c` and `a::c::d`.
fn flatten(start: &[String], tree: &str, paths: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let (head, group) = match tree.split_once('{') {
        Some((head, rest)) => (head, Some(rest.rsplit_once('}').map_or(rest, |(group, _)| group))),
        None => (tree, None),
    };
    let head = head.split(" as ").next().unwrap_or_default();
    let mut path = start.to_vec();
    path.extend(head.split("::").map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned));
    let Some(group) = group else {
        // What the module itself is called.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self" || last == "*") {
            path.pop();
        }
        paths.push(path);
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

/// Paths that stand in the code itself.
fn paths(code: &str) -> impl Iterator<Item = Vec<String>> {
    let starts = ["crate::", "super::"].into_iter().flat_map(|start| code.match_indices(start));
    starts.map(|(at, _)| {
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let path: String = code[at..].chars().take_while(|c| is_part(*c)).collect();
        path.split("::").filter(|word| !word.is_empty()).map(str::to_owned).collect()
    })
}
