//! The topics of an article in one line: between commas; one that has a comma itself stands in quotation marks.

/// Quotation marks that open a name, and those that close it; keyboards make the curved ones by themselves.
const QUOTES: [(char, &[char]); 3] = [('"', &['"']), ('“', &['”']), ('„', &['“', '”'])];

/// The line that names them.
#[must_use]
pub fn topics_in_a_line<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| written(name.as_ref())).collect();
    names.join(", ")
}

fn written(name: &str) -> String {
    let begins_so = |(open, _): &(char, _)| name.trim_start().starts_with(*open);
    if name.contains(',') || QUOTES.iter().any(begins_so) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}

/// The topics that a line names.
#[must_use]
pub fn topics_of_a_line(line: &str) -> Vec<String> {
    let (mut names, mut rest) = (Vec::new(), line);
    while !rest.is_empty() {
        let (name, behind) = quoted(rest.trim_start()).unwrap_or_else(|| match rest.split_once(',') {
            Some((name, behind)) => (name.trim().to_owned(), behind),
            None => (rest.trim().to_owned(), ""),
        });
        rest = behind;
        if !name.is_empty() {
            names.push(name);
        }
    }
    names
}

/// A name in quotation marks and what comes behind its comma; none where nothing closes it, or something else stands behind.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let (open, closing) = QUOTES.iter().find(|(open, _)| rest.starts_with(*open))?;
    let (mut name, mut letters) = (String::new(), rest.char_indices().skip(1).peekable());
    while let Some((at, letter)) = letters.next() {
        // A mark that stands twice is one that belongs to the name.
        let mut is_doubled = || letter == *open && letters.next_if(|(_, next)| *next == letter).is_some();
        if !closing.contains(&letter) || is_doubled() {
            name.push(letter);
        } else {
            let behind = rest[at + letter.len_utf8()..].trim_start();
            let behind = if behind.is_empty() { behind } else { behind.strip_prefix(',')? };
            return Some((name.trim().to_owned(), behind));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_topics_is_read_as_it_is_typed() {
        for (line, names) in [
            ("Housing, Rivers,, ", vec!["Housing", "Rivers"]),
            ("\"Bread, and salt\", Work", vec!["Bread, and salt", "Work"]),
            ("Work,“Bread, and salt”", vec!["Work", "Bread, and salt"]),
            ("„Brot, und Salz“, Arbeit", vec!["Brot, und Salz", "Arbeit"]),
            ("\"The \"\"good\"\" life, once\"", vec!["The \"good\" life, once"]),
            // What nothing closes, and what only begins so, are letters as others.
            ("\"Bread, and salt", vec!["\"Bread", "and salt"]),
            ("\"Good\" bread, salt", vec!["\"Good\" bread", "salt"]),
            ("5\" nails, 6\" nails", vec!["5\" nails", "6\" nails"]),
            ("", vec![]),
        ] {
            assert_eq!(topics_of_a_line(line), names, "{line}");
        }
    }

    #[test]
    fn every_name_comes_back() {
        let names = ["Bread, and salt", "\"Quoted\"", "“Bent”", "a \" b, c", "\"", ",", "Plain", "„x“ y"];
        assert_eq!(topics_of_a_line(&topics_in_a_line(names)), names);
        assert_eq!(topics_in_a_line(["Housing", "Bread, and salt"]), "Housing, \"Bread, and salt\"");
    }
}
