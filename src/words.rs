//! Words that the database, forms and commands hold: each list of them is an enum, and stands in one place. And what the program says of
//! itself, as people write it.

/// A word that is none of a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no {of} is called {word:?}")]
pub struct UnknownWord {
    /// The list.
    pub of: &'static str,
    /// What was found in its place.
    pub word: String,
}

/// Declares a list of words: an enum that reads and writes its words by itself, in rows, statements, JSON and forms.
///
/// A word of the database that the program does not know, since only a newer one does, fails the row; behind `else` stands the
/// careful variant that it is taken for instead.
///
/// ```
/// broadside::words! {
///     /// Whether readers see it.
///     pub enum Shown else No {
///         /// They do.
///         Yes = "yes",
///         /// They do not.
///         No = "no",
///     }
/// }
/// assert_eq!(Shown::parse("yes"), Some(Shown::Yes));
/// assert_eq!(Shown::parse("perhaps"), None);
/// assert_eq!(Shown::No.to_string(), "no");
/// assert_eq!(Shown::ALL.len(), 2);
/// ```
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident $(else $careful:ident)? {
        $($(#[$of_one:meta])* $variant:ident = $word:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $($(#[$of_one])* $variant),+
        }

        impl $name {
            /// All of them, in their order.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// Its word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// The one of a word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.as_str() == word)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;

            fn from_str(word: &str) -> ::std::result::Result<Self, Self::Err> {
                let unknown = || $crate::words::UnknownWord { of: stringify!($name), word: word.to_owned() };
                Self::parse(word).ok_or_else(unknown)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, to: S) -> ::std::result::Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> ::std::result::Result<Self, D::Error> {
                let word = <::std::borrow::Cow<'de, str> as ::serde::Deserialize<'de>>::deserialize(from)?;
                $crate::words!(@stored word $($careful)?).map_err(::serde::de::Error::custom)
            }
        }

        impl<DB: ::sqlx::Database> ::sqlx::Type<DB> for $name
        where
            str: ::sqlx::Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <str as ::sqlx::Type<DB>>::type_info()
            }

            fn compatible(column: &DB::TypeInfo) -> bool {
                <str as ::sqlx::Type<DB>>::compatible(column)
            }
        }

        impl<'q, DB: ::sqlx::Database> ::sqlx::Encode<'q, DB> for $name
        where
            &'static str: ::sqlx::Encode<'q, DB>,
        {
            fn encode_by_ref(
                &self,
                buffer: &mut DB::ArgumentBuffer,
            ) -> ::std::result::Result<::sqlx::encode::IsNull, ::sqlx::error::BoxDynError> {
                self.as_str().encode(buffer)
            }
        }

        impl<'r, DB: ::sqlx::Database> ::sqlx::Decode<'r, DB> for $name
        where
            &'r str: ::sqlx::Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> ::std::result::Result<Self, ::sqlx::error::BoxDynError> {
                let word = <&str as ::sqlx::Decode<'r, DB>>::decode(value)?;
                Ok($crate::words!(@stored word $($careful)?)?)
            }
        }
    };
    (@stored $word:ident) => { $word.parse::<Self>() };
    (@stored $word:ident $careful:ident) => { $word.parse::<Self>().or(Ok::<_, $crate::words::UnknownWord>(Self::$careful)) };
}

/// What the program says of itself, with a large letter and an end.
#[must_use]
pub fn in_a_sentence(text: &str) -> String {
    let mut letters = text.trim().chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.trim().ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
