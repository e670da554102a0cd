//! Form-encoded parameters with nested names, `a[b][0][c]=d`, as Stripe's API takes them.
//!
//! The rule: a parameter that the sandbox does not know is an error, never ignored. Else a misspelt name would pass here and
//! fail, or silently do nothing, at the real provider.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::error::{ApiError, ApiResult};

/// The parameters of one request, in the order they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form(Vec<(Vec<String>, String)>);

impl Form {
    /// Reads a body or a query.
    pub(super) fn parse(text: &str) -> ApiResult<Self> {
        let mut pairs = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name), decode(value));
            let (Some(name), Some(value)) = (name, value) else {
                return Err(ApiError::invalid("Invalid request: the parameters are not form-encoded UTF-8."));
            };
            let path = segments(&name).ok_or_else(|| {
                ApiError::param("parameter_unknown", &name, format!("Received unknown parameter: {name}"))
            })?;
            pairs.push((path, value));
        }
        Ok(Self(pairs))
    }

    /// Adds the parameters of another form behind these.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Refuses every parameter that fits none of the patterns. In a pattern, `[]` stands for any place in a list and `[*]`
    /// for any name.
    pub(super) fn allow(&self, patterns: &[&str]) -> ApiResult<()> {
        let known: Vec<Vec<String>> = patterns.iter().filter_map(|pattern| segments(pattern)).collect();
        for (path, _) in &self.0 {
            if !known.iter().any(|pattern| fits(pattern, path)) {
                let name = written(path);
                return Err(ApiError::param(
                    "parameter_unknown",
                    &name,
                    format!("Received unknown parameter: {name}"),
                ));
            }
        }
        Ok(())
    }

    /// The value of a parameter, if it was given.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let wanted = segments(name)?;
        self.0.iter().rev().find(|(path, _)| *path == wanted).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that must be given and not be empty.
    pub(super) fn require(&self, name: &str) -> ApiResult<&str> {
        match self.get(name) {
            None => Err(ApiError::missing(name)),
            Some("") => Err(ApiError::param(
                "parameter_invalid_empty",
                name,
                format!(
                    "You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; however '{name}' cannot be unset."
                ),
            )),
            Some(value) => Ok(value),
        }
    }

    /// The value of a parameter that may be left out but not be empty.
    pub(super) fn optional(&self, name: &str) -> ApiResult<Option<&str>> {
        if self.get(name).is_some() { self.require(name).map(Some) } else { Ok(None) }
    }

    /// A whole number, if it was given.
    pub(super) fn integer(&self, name: &str) -> ApiResult<Option<i64>> {
        self.get(name)
            .map(|value| {
                value.parse().map_err(|_| {
                    ApiError::param("parameter_invalid_integer", name, format!("Invalid integer: {value}"))
                })
            })
            .transpose()
    }

    /// `true` or `false`, if it was given.
    pub(super) fn boolean(&self, name: &str) -> ApiResult<Option<bool>> {
        match self.get(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(ApiError::param("", name, format!("Invalid boolean: {other}"))),
        }
    }

    /// One of the values named, if it was given.
    pub(super) fn choice<'a>(&'a self, name: &str, choices: &[&str]) -> ApiResult<Option<&'a str>> {
        match self.get(name) {
            Some(value) if !choices.contains(&value) => {
                let list = choices.join(", ");
                Err(ApiError::invalid(format!("Invalid {name}: must be one of {list}")))
            }
            value => Ok(value),
        }
    }

    /// All values of a list of plain values, `name[]=a` or `name[0]=a`.
    pub(super) fn values(&self, name: &str) -> Vec<&str> {
        let under = |path: &[String]| path.len() == 2 && path[0] == name;
        self.0.iter().filter(|(path, _)| under(path)).map(|(_, value)| value.as_str()).collect()
    }

    /// The names or places directly under a parameter.
    pub(super) fn children(&self, name: &str) -> BTreeSet<String> {
        let Some(parent) = segments(name) else { return BTreeSet::new() };
        let under = self.0.iter().filter(|(path, _)| path.len() > parent.len() && path.starts_with(&parent));
        under.map(|(path, _)| path[parent.len()].clone()).collect()
    }

    /// Everything under a parameter as one value, names and places alike; none if nothing was given.
    pub(super) fn tree(&self, name: &str) -> Option<Value> {
        let children = self.children(name);
        if children.is_empty() {
            return self.get(name).map(|value| match value {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                text => Value::String(text.to_owned()),
            });
        }
        let below = |child: &String| self.tree(&format!("{name}[{child}]")).unwrap_or_default();
        if children.iter().all(|child| child.is_empty()) {
            return Some(Value::Array(self.below(name).into_iter().map(Value::String).collect()));
        }
        if children.iter().all(|child| child.bytes().all(|byte| byte.is_ascii_digit())) {
            return Some(Value::Array(children.iter().map(below).collect()));
        }
        Some(Value::Object(children.iter().map(|child| (child.clone(), below(child))).collect()))
    }

    /// All values of `name[]=…`, however deep the name.
    fn below(&self, name: &str) -> Vec<String> {
        let parent = segments(name).unwrap_or_default();
        let under = |path: &[String]| path.len() == parent.len() + 1 && path.starts_with(&parent);
        self.0.iter().filter(|(path, _)| under(path)).map(|(_, value)| value.clone()).collect()
    }

    /// A `metadata` parameter, within Stripe's limits; an empty value unsets a name.
    pub(super) fn metadata(&self, name: &str) -> ApiResult<Map<String, Value>> {
        let mut metadata = Map::new();
        for key in self.children(name) {
            let full = format!("{name}[{key}]");
            let value = self.get(&full).ok_or_else(|| {
                ApiError::param("parameter_invalid_string", &full, format!("{full} is not a string."))
            })?;
            if key.chars().count() > 40 || key.contains(['[', ']']) {
                return Err(ApiError::invalid(format!(
                    "Metadata keys must be at most 40 characters without square brackets: '{key}'"
                )));
            }
            if value.chars().count() > 500 {
                return Err(ApiError::param(
                    "parameter_invalid_string",
                    &full,
                    "Metadata values can be at most 500 characters.",
                ));
            }
            metadata.insert(key, Value::String(value.to_owned()));
        }
        if metadata.len() > 50 {
            return Err(ApiError::invalid("You can only have 50 metadata keys."));
        }
        Ok(metadata)
    }

    /// One text for the same parameters, in whatever order they came.
    pub(super) fn fingerprint(&self) -> String {
        let mut pairs: Vec<String> =
            self.0.iter().map(|(path, value)| format!("{}={value:?}", written(path))).collect();
        pairs.sort();
        pairs.join("&")
    }
}

/// Sets the names that were given on an object; an empty value takes a name away.
pub(super) fn merge_metadata(object: &mut Value, metadata: Map<String, Value>) {
    for (key, value) in metadata {
        if value == "" {
            object["metadata"].as_object_mut().map(|metadata| metadata.remove(&key));
        } else {
            object["metadata"][key] = value;
        }
    }
}

/// Splits `a[b][0]` into its names; `None` if the brackets do not match.
fn segments(name: &str) -> Option<Vec<String>> {
    let (first, mut rest) = name.split_at(name.find('[').unwrap_or(name.len()));
    if first.is_empty() || first.contains(']') {
        return None;
    }
    let mut path = vec![first.to_owned()];
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[')?;
        let (segment, after) = inner.split_once(']')?;
        path.push(segment.to_owned());
        rest = after;
    }
    Some(path)
}

fn written(path: &[String]) -> String {
    let mut name = path.first().cloned().unwrap_or_default();
    for segment in path.iter().skip(1) {
        name.push_str(&format!("[{segment}]"));
    }
    name
}

fn fits(pattern: &[String], path: &[String]) -> bool {
    pattern.len() == path.len()
        && pattern.iter().zip(path).all(|(pattern, segment)| match pattern.as_str() {
            "" => segment.chars().all(|c| c.is_ascii_digit()),
            "*" => !segment.is_empty(),
            name => name == segment,
        })
}

/// Decodes `%41` and `+`; `None` if the result is not UTF-8 or a percent sign stands alone.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &rest[2..];
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_names_are_read() {
        let form = Form::parse("a%5Bb%5D[0][c]=x+y%26&list[]=1&list[]=2&metadata[k]=v").unwrap();
        assert_eq!(form.get("a[b][0][c]"), Some("x y&"));
        assert_eq!(form.values("list"), ["1", "2"]);
        assert_eq!(form.metadata("metadata").unwrap()["k"], "v");
        form.allow(&["a[b][][c]", "list[]", "metadata[*]"]).unwrap();
    }

    #[test]
    fn a_parameter_that_is_not_known_is_refused_at_any_depth() {
        for text in
            ["amonut=1", "line_items[0][price_date][currency]=eur", "metadata=x", "a[=1", "[x]=1", "a%=1"]
        {
            let refused = Form::parse(text).and_then(|form| {
                form.allow(&["amount", "line_items[][price_data][currency]", "metadata[*]"])
            });
            assert!(refused.is_err(), "{text}");
        }
    }

    #[test]
    fn the_order_of_parameters_makes_no_difference() {
        let one = Form::parse("a=1&b=2").unwrap();
        assert_eq!(one.fingerprint(), Form::parse("b=2&a=1").unwrap().fingerprint());
        assert_ne!(one.fingerprint(), Form::parse("a=2&b=1").unwrap().fingerprint());
    }
}
