//! Statements that are put together while the program runs, of pieces of the program's own text and of parameters. It takes nothing else: what
//! somebody typed can only become a parameter.

use futures_util::future::Either;
use sqlx::{AssertSqlSafe, SqlSafeStr as _, postgres::PgArguments, sqlite::SqliteArguments};

use super::{Engine, Params, Result, Sql, statement::Statement};

/// A statement that grows piece by piece.
#[derive(Debug)]
pub struct Built {
    engine: Engine,
    text: String,
    arguments: Either<SqliteArguments, PgArguments>,
    /// How many parameters it has.
    count: usize,
}

impl Built {
    /// An empty one.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        let arguments = match engine {
            Engine::Sqlite => Either::Left(SqliteArguments::default()),
            Engine::Postgres => Either::Right(PgArguments::default()),
        };
        Self { engine, text: String::new(), arguments, count: 0 }
    }

    /// Goes on with words that have no parameters.
    pub fn piece(&mut self, words: &'static str) {
        self.text.push_str(words);
    }

    /// Goes on with what a named statement says behind some words, or with all of it where there are none; its parameters are numbered
    /// on. So each piece is a statement by itself, which is prepared on both engines by a test as every other one is.
    ///
    /// # Errors
    /// When the statement does not begin so, or a value cannot be encoded.
    pub fn part<'q, P: Params<'q>>(&mut self, sql: Sql, behind: &'static str, params: P) -> Result<()> {
        let text = match self.engine {
            Engine::Sqlite => sql.sqlite,
            Engine::Postgres => sql.postgres,
        };
        let text = text
            .strip_prefix(behind)
            .ok_or_else(|| sqlx::Error::Protocol(format!("{} begins otherwise", sql.name)))?;
        self.numbered_on(text);
        self.count += P::COLUMNS;
        match &mut self.arguments {
            Either::Left(arguments) => params.add_sqlite(arguments),
            Either::Right(arguments) => params.add_postgres(arguments),
        }
    }

    fn numbered_on(&mut self, text: &'static str) {
        let mut pieces = text.split('$');
        self.text.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = piece.split_at(digits);
            // A number of a few digits, in a text of our own.
            let number: usize = number.parse().unwrap_or_default();
            self.text.push('$');
            self.text.push_str(&(self.count + number).to_string());
            self.text.push_str(rest);
        }
    }

    /// There are too many of them, each asked a few times: they are not kept prepared.
    pub(super) fn statement(self) -> Statement {
        Statement { text: AssertSqlSafe(self.text).into_sql_str(), arguments: self.arguments, is_kept: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Sql =
        Sql { name: "ONE", sqlite: "select $1 or $2 or $1", postgres: "select $1", row_columns: 0 };

    #[test]
    fn parameters_are_numbered_on() {
        let mut built = Built::new(Engine::Sqlite);
        for _ in 0..6 {
            built.part(ONE, "select ", (1_i64, 2_i64)).expect("it begins so");
            built.piece(", ");
        }
        assert!(built.text.starts_with("$1 or $2 or $1, $3 or $4 or $3, $5"), "{}", built.text);
        assert!(built.text.ends_with("$11 or $12 or $11, "), "{}", built.text);
        assert!(built.part(ONE, "delete ", (1_i64, 2_i64)).is_err());
    }
}
