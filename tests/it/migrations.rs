//! The schema: the same migrations on both engines, and the same tables, columns, keys and indexes after them.

use std::collections::BTreeSet;

use broadside::db::{Db, Engine, MigrationError, Migrations};
use sqlx::Executor;

use crate::support::{TestDb, both_engines, database};

#[test]
fn both_engines_have_migrations_of_the_same_numbers_and_names() {
    let (sqlite, postgres) = Migrations::names();
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, postgres);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_have_the_same_schema() {
    let Some(sqlite) = TestDb::migrated(Engine::Sqlite).await else { return };
    let Some(postgres) = TestDb::migrated(Engine::Postgres).await else { return };
    let (sqlite, postgres) = (schema(&sqlite.db).await, schema(&postgres.db).await);
    assert!(sqlite.len() > 100, "the schema was read: {} lines", sqlite.len());
    let missing: Vec<_> = sqlite.difference(&postgres).collect();
    let surplus: Vec<_> = postgres.difference(&sqlite).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "only on SQLite: {missing:#?}\nonly on PostgreSQL: {surplus:#?}"
    );
}

both_engines! {
    /// A number that was given is never given again, in any table: what was mailed, logged or noted under it stays true.
    async fn the_number_of_a_deleted_row_is_not_given_again(db: TestDb) {
        let (numbered, once) = match &db.db {
            Db::Sqlite { read, .. } => {
                let count = async |more: &str| -> i64 {
                    let text = format!("select count(*) from sqlite_schema where type = 'table' and name not like 'subscriber_found%' and sql like '%(%id integer primary key%' and sql not like '%primary key check%' and sql not like '%primary key references%'{more}");
                    sqlx::query_scalar(sqlx::AssertSqlSafe(text)).fetch_one(read).await.expect("the schema can be read")
                };
                (count("").await, count(" and sql like '%id integer primary key autoincrement,%'").await)
            }
            Db::Postgres { pool, .. } => {
                let text = "select count(*), count(*) filter (where c.is_identity = 'YES') from information_schema.columns c
                    join pg_index i on i.indrelid = c.table_name::regclass and i.indisprimary and i.indnatts = 1
                    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] and a.attname = c.column_name
                    where c.table_schema = 'public' and c.column_name = 'id' and c.table_name not in ('origin', 'reconciliation')";
                sqlx::query_as(text).fetch_one(pool).await.expect("the schema can be read")
            }
        };
        assert!(numbered > 15, "{numbered}");
        assert_eq!(numbered, once, "every table that numbers its rows does so once");
        for _ in 0..2 {
            execute(&db.db, "insert into topic (slug, name) values ('a', 'A'), ('b', 'B')").await;
            execute(&db.db, "delete from topic").await;
        }
        execute(&db.db, "insert into topic (slug, name) values ('c', 'C')").await;
        let ids: Vec<(i64,)> = database::rows(&db.db, "select id from topic").await;
        assert_eq!(ids, [(5,)]);
    }

    async fn applying_the_migrations_again_changes_nothing(db: TestDb) {
        let before = schema(&db.db).await;
        Migrations::apply(&db.db).await.expect("nothing is left to apply");
        assert_eq!(before, schema(&db.db).await);
    }

    /// TRUST F29: an older program does not touch a database that a newer one has migrated.
    async fn a_database_of_a_newer_program_is_refused(db: TestDb) {
        let row = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
            select 9999, 'tomorrow', success, checksum, 1 from _sqlx_migrations where version = 1";
        execute(&db.db, row).await;
        let refused = Migrations::apply(&db.db).await;
        assert!(matches!(refused, Err(MigrationError::Newer(9999))), "{refused:?}");
    }

    /// TRUST F29: what fails in the middle of a migration leaves nothing of it behind, and it can be applied again.
    async fn a_migration_that_fails_half_way_leaves_nothing(db: TestDb) {
        let whole = schema(&db.db).await;
        let Some(fresh) = TestDb::empty(db.db.engine()).await else { return };
        // The last table of the last migration is in the way, so that migration fails after it made all the others.
        execute(&fresh.db, "create table sync_cursor (in_the_way text)").await;
        let failed = Migrations::apply(&fresh.db).await;
        assert!(matches!(failed, Err(MigrationError::Failed(_))), "{failed:?}");
        let left = schema(&fresh.db).await;
        assert!(!left.iter().any(|line| line.starts_with("donation.")), "{left:#?}");
        // Started again: the connection that failed keeps the lock on migrations until it is closed.
        fresh.db.close().await;
        let again = fresh.open_again().await;
        execute(&again, "drop table sync_cursor").await;
        Migrations::apply(&again).await.expect("the way is clear");
        assert_eq!(whole, schema(&again).await);
    }
}

async fn execute(db: &Db, statement: &'static str) {
    match db {
        Db::Sqlite { write, .. } => write.execute(statement).await.map(drop),
        Db::Postgres { pool, .. } => pool.execute(statement).await.map(drop),
    }
    .expect(statement);
}

/// The schema as lines of text, with the types of SQLite. What finds readers by a part of their name is each engine's own: tables
/// of trigrams on the one, an index on the other; so is what keeps the list at the desk from reading texts, which PostgreSQL keeps apart.
async fn schema(db: &Db) -> BTreeSet<String> {
    let lines: Vec<(String,)> = match db {
        Db::Sqlite { read, .. } => sqlx::query_as(SQLITE).fetch_all(read).await,
        Db::Postgres { pool, .. } => sqlx::query_as(POSTGRES).fetch_all(pool).await,
    }
    .expect("the schema can be read");
    lines.into_iter().map(|(line,)| line).collect()
}

const SQLITE: &str = "
    with tables as (select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> '_sqlx_migrations' and name not like 'subscriber_found%')
    select t.name || '.' || c.name || ' ' || lower(c.type) || case when c.\"notnull\" or c.pk > 0 then ' not null' else '' end
        from tables t join pragma_table_info(t.name) c
    union all
    select t.name || ' primary key ' || (select group_concat(name) from (select name from pragma_table_info(t.name) where pk > 0 order by pk))
        from tables t
    union all
    select t.name || ' ' || case when i.origin = 'u' then 'unique' else 'index ' || i.name || case when i.\"unique\" then ' unique' else '' end end
            || ' (' || (select group_concat(coalesce(name, 'an expression')) from (select name from pragma_index_info(i.name) order by seqno)) || ')'
            || case when i.partial then ' partial' else '' end
        from tables t join pragma_index_list(t.name) i where i.origin <> 'pk' and i.name not in ('article_desk_idx', 'article_state_desk_idx')
    union all
    select t.name || ' foreign key (' || group_concat(f.\"from\") || ') ' || f.\"table\" || ' on delete ' || lower(f.on_delete)
        from tables t join pragma_foreign_key_list(t.name) f group by t.name, f.id";

const POSTGRES: &str = "
    with tables as (select oid, relname::text as name from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> '_sqlx_migrations')
    select t.name || '.' || a.attname
            || case format_type(a.atttypid, a.atttypmod) when 'bigint' then ' integer' when 'boolean' then ' integer' when 'bytea' then ' blob'
                else ' ' || format_type(a.atttypid, a.atttypmod) end
            || case when a.attnotnull then ' not null' else '' end
        from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    union all
    select t.name || case when i.indisprimary then ' primary key '
                when exists (select 1 from pg_constraint c where c.conindid = i.indexrelid and c.contype = 'u') then ' unique ('
                else ' index ' || n.relname || case when i.indisunique then ' unique' else '' end || ' (' end
            || (select string_agg(coalesce(a.attname, 'an expression'), ',' order by k.position) from unnest(i.indkey) with ordinality as k (number, position)
                left join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number)
            || case when i.indisprimary then '' else ')' end
            || case when i.indpred is null then '' else ' partial' end
        from tables t join pg_index i on i.indrelid = t.oid join pg_class n on n.oid = i.indexrelid and n.relname <> 'subscriber_found_idx'
    union all
    select t.name || ' foreign key ('
            || (select string_agg(a.attname, ',' order by k.position) from unnest(c.conkey) with ordinality as k (number, position)
                join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number)
            || ') ' || c.confrelid::regclass || ' on delete '
            || case c.confdeltype when 'c' then 'cascade' when 'n' then 'set null' when 'r' then 'restrict' else 'no action' end
        from tables t join pg_constraint c on c.conrelid = t.oid and c.contype = 'f'";
