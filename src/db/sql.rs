//! Statements: named constants, so that a test can prepare every one of them on both engines.

use std::fmt::Write;

use super::Engine;

/// Microseconds since 1970 by the server's own clock.
pub(super) const SERVER_TIME: &str = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint";

/// How our connections differ from others of the server.
pub(super) const SETTINGS: &str =
    "select set_config('idle_in_transaction_session_timeout', '20s', false), set_config('jit', 'off', false)";

/// The version of the library that reads the file.
pub(super) const LIBRARY: &str = "select sqlite_version()";

/// The server's version, and why we may not do there what we have to; null if we may.
pub(super) const SERVER: &str = "select current_setting('server_version'), case
    when pg_is_in_recovery() then 'it is a standby, which only reads. DATABASE_URL has to name the primary'
    when current_setting('default_transaction_read_only') = 'on'
        then format('%s may only read there. Run, as an administrator of it: alter role %I reset default_transaction_read_only; or alter database %I reset default_transaction_read_only',
            current_user, current_user, current_database())
    when current_schema() is null
        then format('%s has no schema to make tables in. Run, as an administrator of it: alter database %I owner to %I', current_user, current_database(), current_user)
    when not has_schema_privilege(current_user, current_schema(), 'create')
        then format('%s may not make tables in it, so no update can be applied. Run, as an administrator of it: grant create on schema %I to %I', current_user, current_schema(), current_user)
    when exists (select from pg_tables where schemaname = current_schema() and not pg_has_role(current_user, tableowner, 'usage'))
        then (select format('its tables belong to %s, and %s may not change them. Run, as an administrator of it: reassign owned by %I to %I', tableowner, current_user, tableowner, current_user)
            from pg_tables where schemaname = current_schema() and not pg_has_role(current_user, tableowner, 'usage') limit 1)
    end";

/// The file of the database.
pub(super) const FILE: &str = "select file from pragma_database_list where name = 'main'";

/// A copy of the whole, as it is when the copying begins.
pub(super) const COPY: &str = "vacuum into ?";

/// What is wrong with the pages and indexes of a file; `ok` if nothing is.
pub(super) const INTEGRITY: &str = "pragma integrity_check(20)";

/// Tables with rows whose parents are not there.
pub(super) const FOREIGN_KEYS: &str = "select distinct \"table\" from pragma_foreign_key_check";

/// The migrations that a file has.
pub(super) const MIGRATIONS: &str = "select version from _sqlx_migrations order by version";

/// Where each table's numbering ended in a file.
pub(super) const LAST_NUMBERS: &str = "select name, seq from sqlite_sequence";

/// Whether somebody else fills this database with `pg_restore`.
pub(super) const BEING_FILLED: &str = "select exists (select from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name = 'pg_restore')";

/// The tables of a server that are ours.
pub(super) const SERVER_TABLES: &str = "select cast(tablename as text) from pg_tables
    where schemaname = current_schema() and tablename not like '\\_sqlx%' order by tablename";

/// The columns of one of them, each with its type.
pub(super) const SERVER_COLUMNS: &str =
    "select cast(column_name as text), cast(data_type as text) from information_schema.columns
    where table_schema = current_schema() and table_name = $1 order by ordinal_position";

/// What takes each foreign key off, and what puts it back.
pub(super) const SERVER_KEYS: &str =
    "select format('alter table %s drop constraint %I', conrelid::regclass, conname),
        format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    from pg_constraint where contype = 'f' and connamespace = quote_ident(current_schema())::regnamespace";

/// The columns that number their rows.
pub(super) const NUMBERED: &str =
    "select cast(table_name as text), cast(column_name as text) from information_schema.columns
    where table_schema = current_schema() and is_identity = 'YES'";

/// A transaction of SQLite that keeps other writers out from its beginning.
pub(super) const BEGIN_TO_WRITE: &str = "begin immediate";

/// The beginning of somebody's part of a transaction that several share.
pub(super) const SAVEPOINT: &str = "savepoint part";

/// Its end, and what takes it back.
pub(super) const RELEASE_SAVEPOINT: &str = "release part";
pub(super) const BACK_TO_SAVEPOINT: &str = "rollback to part";

/// The end of a transaction.
pub(super) const COMMIT: &str = "commit";

/// What is known of all tables is found out.
pub(super) const ANALYZE: &str = "analyze";

/// It may be a copy, until somebody says that it is none.
pub(super) const NOT_HOME_ANY_MORE: &str = "update origin set doubt = 'elsewhere', doubt_at = coalesce(doubt_at, cast(strftime('%s', 'now') as integer) * 1000000)
    where doubt = ''";

/// The next start is at home wherever it is.
pub(super) const AT_HOME_ANYWHERE: &str = "update origin set place = ''";

/// How many addresses are kept in a file that are not mailed.
pub(super) const SUPPRESSED: &str = "select count(*) from suppression";

/// Whether a file is new enough to tell by which secret.
pub(super) const KNOWS_SECRETS: &str = "select count(*) from sqlite_schema where name = 'suppression_key'";

/// What tells it.
pub(super) const PROOF: &str = "select proof from suppression_key where single = 1";

/// The server's own id and the database's: the same for every process that works on it, and not kept by a dump.
pub(super) const CLUSTER: &str = "select cast(system_identifier as text) || ':'
    || (select cast(oid as text) from pg_database where datname = current_database()) from pg_control_system()";

/// One statement: its name, and its text for each engine (the same text, but for a few forks).
#[derive(Clone, Copy, Debug)]
pub struct Sql {
    /// The constant's name, for error messages of the statement check.
    pub name: &'static str,
    /// The text for SQLite.
    pub sqlite: &'static str,
    /// The text for PostgreSQL.
    pub postgres: &'static str,
    /// How many columns a row of `{rows}` has; zero for a plain statement. Used by the statement check alone.
    pub row_columns: usize,
}

impl Sql {
    /// The text with `{rows}` replaced by `count` rows of placeholders.
    ///
    /// SQLite gets bare `?`: numbered ones are named parameters there, and long statements with them go quadratic.
    #[must_use]
    pub fn with_rows(&self, engine: Engine, count: usize, columns: usize) -> String {
        let (text, numbered) = match engine {
            Engine::Sqlite => (self.sqlite, false),
            Engine::Postgres => (self.postgres, true),
        };
        let mut rows = String::with_capacity(count * columns * 6);
        for row in 0..count {
            rows.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..columns {
                let comma = if column == 0 { "" } else { ", " };
                // Writing to a string cannot fail.
                let _ = if numbered {
                    write!(rows, "{comma}${}", row * columns + column + 1)
                } else {
                    write!(rows, "{comma}?")
                };
            }
            rows.push(')');
        }
        text.replacen("{rows}", &rows, 1)
    }
}

/// Declares the statements of a store: a constant each, and `STATEMENTS`, the list of them all. What another room runs, such as
/// the rules of what is forgotten, is `pub(crate)`.
///
/// ```
/// broadside::statements! {
///     /// The whole of it.
///     FIND = "select id from reader where email = $1";
///     /// Where the engines differ.
///     CLAIM = sqlite "select 1 limit 1", postgres "select 1 limit 1 for update skip locked";
///     /// For `Tx::many`: three columns a row.
///     ADD = rows(3) "insert into reader (id, email, name) values {rows}";
/// }
/// assert_eq!(STATEMENTS.len(), 3);
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $vis:vis $name:ident = $($kind:ident $(($columns:literal))?)? $text:literal $(, postgres $other:literal)?;)*) => {
        $(
            $(#[$doc])*
            $vis const $name: $crate::db::Sql = $crate::statements!(@one $name, $($kind $(($columns))?)? $text $(, $other)?);
        )*

        /// Every statement of this store, for the check that prepares them on both engines.
        pub const STATEMENTS: &[$crate::db::Sql] = &[$($name),*];
    };
    (@one $name:ident, $text:literal) => {
        $crate::db::Sql { name: stringify!($name), sqlite: $text, postgres: $text, row_columns: 0 }
    };
    (@one $name:ident, sqlite $text:literal, $other:literal) => {
        $crate::db::Sql { name: stringify!($name), sqlite: $text, postgres: $other, row_columns: 0 }
    };
    (@one $name:ident, rows($columns:literal) $text:literal) => {
        $crate::db::Sql { name: stringify!($name), sqlite: $text, postgres: $text, row_columns: $columns }
    };
    (@one $name:ident, rows($columns:literal) $text:literal, $other:literal) => {
        $crate::db::Sql { name: stringify!($name), sqlite: $text, postgres: $other, row_columns: $columns }
    };
}
