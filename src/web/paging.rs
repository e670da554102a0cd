//! Pages by key: how every list is read that may be longer than a page, at the desk and in public.
//!
//! A page begins after a row, which the address names by its key, so that rows which come and go meanwhile move no other row
//! to another page. One row more is read than is shown: whether it is there tells whether there is a next page. What the list
//! was searched by goes along with every link.

use serde::{Deserialize, Serialize};

/// Where a page begins: after the row with this key; with the first row where there is none, or where the address names what
/// is no key. A key is as many numbers as the list is ordered by.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(from = "String")]
pub(super) struct Place<const N: usize = 1>(pub(super) Option<[i64; N]>);

impl<const N: usize> Default for Place<N> {
    fn default() -> Self {
        Self(None)
    }
}

impl<const N: usize> From<String> for Place<N> {
    fn from(text: String) -> Self {
        let numbers: Result<Vec<i64>, _> = text.split('.').map(str::parse).collect();
        Self(numbers.ok().and_then(|numbers| numbers.try_into().ok()))
    }
}

impl Place {
    /// The one number of the key.
    pub(super) fn id(self) -> Option<i64> {
        self.0.map(|[id]| id)
    }
}

/// A list, as the addresses of its pages write it.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<'a> {
    /// The page that shows it; what stands behind a `#` is where on it.
    pub(super) path: &'a str,
    /// What the place is called in the address.
    pub(super) place: &'a str,
    /// What else the address says; what is empty is left out.
    pub(super) kept: &'a [(&'a str, &'a str)],
}

/// The links to other pages of a list, for the part `pages`.
#[derive(Debug, Default, Serialize)]
pub(super) struct Links {
    /// The first page; none on it.
    first: Option<String>,
    /// The next page; none on the last.
    next: Option<String>,
}

impl Links {
    /// Whether all there is stands on this page.
    pub(super) const fn is_all(&self) -> bool {
        self.first.is_none() && self.next.is_none()
    }
}

impl List<'_> {
    /// The rows of the page that begins there, `size` at most, and the links to others. `read` is asked for so many rows, in
    /// the order of their keys.
    pub(super) async fn page<T, E, F: Future<Output = Result<Vec<T>, E>>, const N: usize>(
        &self,
        place: Place<N>,
        size: usize,
        read: impl FnOnce(i64) -> F,
        key: impl FnOnce(&T) -> [i64; N],
    ) -> Result<(Vec<T>, Links), E> {
        let mut rows = read(size as i64 + 1).await?;
        let more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| more).map(key);
        let links = Links {
            first: place.0.map(|_| self.address::<N>(None)),
            next: next.map(|key| self.address(Some(key))),
        };
        Ok((rows, links))
    }

    /// The links beside a page of which somebody else knows where the next one begins.
    pub(super) fn links(&self, place: Place, next: Option<i64>) -> Links {
        Links {
            first: place.0.map(|_| self.address::<1>(None)),
            next: next.map(|key| self.address(Some([key]))),
        }
    }

    /// The page that begins there.
    pub(super) fn address<const N: usize>(&self, key: Option<[i64; N]>) -> String {
        let (path, on_it) = match self.path.split_once('#') {
            Some((path, on_it)) => (path, format!("#{on_it}")),
            None => (self.path, String::new()),
        };
        let key = key.map(|key| key.map(|number| number.to_string()).join("."));
        let kept = self.kept.iter().copied().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<_> = kept.chain(key.as_deref().map(|key| (self.place, key))).collect();
        if pairs.is_empty() {
            return format!("{path}{on_it}");
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs);
        format!("{path}?{}{on_it}", query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_anything_else_is_the_first_page() {
        let list = List { path: "/list#rows", place: "before", kept: &[("q", "a & b"), ("state", "")] };
        assert_eq!(list.address(Some([7, -3])), "/list?q=a+%26+b&before=7.-3#rows");
        assert_eq!(list.address::<1>(None), "/list?q=a+%26+b#rows");
        assert_eq!(Place::<2>::from("7.-3".to_owned()).0, Some([7, -3]));
        for none in ["", "7", "7.3.1", "7.x", "99999999999999999999.1"] {
            assert_eq!(Place::<2>::from(none.to_owned()).0, None, "{none}");
        }
    }
}
