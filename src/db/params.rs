//! Tuples of values become the arguments of a statement on either engine.

use sqlx::{Arguments, Encode, Postgres, Sqlite, Type, postgres::PgArguments, sqlite::SqliteArguments};

use super::Result;

/// A value that both engines encode.
pub trait Value<'q>:
    Encode<'q, Sqlite> + Type<Sqlite> + Encode<'q, Postgres> + Type<Postgres> + Send
{
}
impl<'q, T> Value<'q> for T where
    T: Encode<'q, Sqlite> + Type<Sqlite> + Encode<'q, Postgres> + Type<Postgres> + Send
{
}

/// The arguments of one statement: a tuple of up to twenty-two [`Value`]s, in the order of `$1`, `$2`, …
pub trait Params<'q>: Send + Sized {
    /// How many values there are.
    const COLUMNS: usize;

    /// Adds the values for SQLite.
    ///
    /// # Errors
    /// When a value cannot be encoded.
    fn add_sqlite(self, arguments: &mut SqliteArguments) -> Result<()>;

    /// Adds the values for PostgreSQL.
    ///
    /// # Errors
    /// When a value cannot be encoded.
    fn add_postgres(self, arguments: &mut PgArguments) -> Result<()>;

    /// The owned arguments for SQLite.
    ///
    /// # Errors
    /// When a value cannot be encoded.
    fn sqlite(self) -> Result<SqliteArguments> {
        let mut arguments = SqliteArguments::default();
        self.add_sqlite(&mut arguments)?;
        Ok(arguments)
    }

    /// The owned arguments for PostgreSQL.
    ///
    /// # Errors
    /// When a value cannot be encoded.
    fn postgres(self) -> Result<PgArguments> {
        let mut arguments = PgArguments::default();
        self.add_postgres(&mut arguments)?;
        Ok(arguments)
    }
}

macro_rules! params_for_tuples {
    ($(($($name:ident)*) = $columns:literal;)*) => {$(
        impl<'q, $($name: Value<'q>),*> Params<'q> for ($($name,)*) {
            const COLUMNS: usize = $columns;

            #[expect(non_snake_case, reason = "one macro for tuples of every length")]
            fn add_sqlite(self, arguments: &mut SqliteArguments) -> Result<()> {
                let ($($name,)*) = self;
                $(Arguments::add(arguments, $name).map_err(sqlx::Error::Encode)?;)*
                Ok(())
            }

            #[expect(non_snake_case, reason = "one macro for tuples of every length")]
            fn add_postgres(self, arguments: &mut PgArguments) -> Result<()> {
                let ($($name,)*) = self;
                $(Arguments::add(arguments, $name).map_err(sqlx::Error::Encode)?;)*
                Ok(())
            }
        }
    )*};
}

impl<'q> Params<'q> for () {
    const COLUMNS: usize = 0;

    fn add_sqlite(self, _: &mut SqliteArguments) -> Result<()> {
        Ok(())
    }

    fn add_postgres(self, _: &mut PgArguments) -> Result<()> {
        Ok(())
    }
}

params_for_tuples! {
    (A) = 1;
    (A B) = 2;
    (A B C) = 3;
    (A B C D) = 4;
    (A B C D E) = 5;
    (A B C D E F) = 6;
    (A B C D E F G) = 7;
    (A B C D E F G H) = 8;
    (A B C D E F G H I) = 9;
    (A B C D E F G H I J) = 10;
    (A B C D E F G H I J K) = 11;
    (A B C D E F G H I J K L) = 12;
    (A B C D E F G H I J K L M) = 13;
    (A B C D E F G H I J K L M N) = 14;
    (A B C D E F G H I J K L M N O) = 15;
    (A B C D E F G H I J K L M N O P) = 16;
    (A B C D E F G H I J K L M N O P Q) = 17;
    (A B C D E F G H I J K L M N O P Q R) = 18;
    (A B C D E F G H I J K L M N O P Q R S) = 19;
    (A B C D E F G H I J K L M N O P Q R S T) = 20;
    (A B C D E F G H I J K L M N O P Q R S T U) = 21;
    (A B C D E F G H I J K L M N O P Q R S T U V) = 22;
    (A B C D E F G H I J K L M N O P Q R S T U V W) = 23;
    (A B C D E F G H I J K L M N O P Q R S T U V W X Y) = 25;
}
