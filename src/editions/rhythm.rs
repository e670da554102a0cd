//! How often readers get a list.
//!
//! The rules: a list offers some rhythms, or none; a reader chose one of them, or gets everything; an edition is for one of them, or for
//! everybody. It passes by whoever chose another one. What the list does not offer any more counts for nobody, neither where a reader chose it nor where
//! an edition is for it.

use crate::words;

words! {
    /// How often a reader gets a list, and which of its editions are for them.
    pub enum Rhythm {
        /// A mail for every article.
        Each = "each",
        Daily = "daily",
        Weekly = "weekly",
        Monthly = "monthly",
    }
}

impl Rhythm {
    /// Those that a list offers, as it keeps them.
    #[must_use]
    pub fn read(offered: &str) -> Vec<Self> {
        offered.split(' ').filter_map(Self::parse).collect()
    }

    /// As a list keeps them: each once, in their order.
    #[must_use]
    pub fn write(offered: &[Self]) -> String {
        let words: Vec<&str> =
            Self::ALL.iter().filter(|one| offered.contains(one)).map(|one| one.as_str()).collect();
        words.join(" ")
    }

    /// This one, where a list offers it.
    #[must_use]
    pub fn of_list(self, offered: &str) -> Option<Self> {
        Self::read(offered).contains(&self).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_list_offers_is_read_as_it_was_written() {
        let offered = Rhythm::write(&[Rhythm::Monthly, Rhythm::Each, Rhythm::Monthly]);
        assert_eq!(offered, "each monthly");
        assert_eq!(Rhythm::read(&offered), [Rhythm::Each, Rhythm::Monthly]);
        assert_eq!((Rhythm::write(&[]), Rhythm::read("")), (String::new(), Vec::new()));
        assert_eq!(
            Rhythm::read("yearly weekly"),
            [Rhythm::Weekly],
            "a word that only a newer program knows is left out"
        );
        assert_eq!(Rhythm::Weekly.of_list("each monthly"), None);
        assert_eq!(Rhythm::Each.of_list("each monthly"), Some(Rhythm::Each));
    }
}
