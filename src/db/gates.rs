//! Gates: where transactions on PostgreSQL wait for one another before they look at rows.
//!
//! Under READ COMMITTED a transaction that reads before it writes can miss what another is just committing, and two that
//! change many rows, each in an order of its own, can wait for each other in a circle. Many may be inside a gate at the same
//! time; whoever closes it waits until they have ended, and keeps everybody else out until it has ended itself. On SQLite
//! each transaction that writes is alone, so there a gate is always open.
//!
//! A transaction that passes several goes through them in the order in which they stand here, before it holds any row, and
//! never closes one that it is inside.

use futures_util::future::Either;

use super::{Db, Result, Tx, begin_on, during, holding};

/// What a gate is before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Which addresses are not mailed: inside is who gives copies out by it, and who changes it closes it.
    Suppressions,
    /// What owners decide: who changes settings closes it, and then looks whether they are as they were seen.
    Settings,
    /// Copies that are claimed: inside is who writes down what became of some of them, and who takes many of them away closes it.
    Copies,
    /// Which articles there are: who brings some in closes it, so that two who bring the same one bring it once.
    Articles,
    /// Which months of the book are closed: inside is who writes into the book, and who closes a month closes it.
    Book,
    /// What is over: who forgets some of it closes it, so that two find other rows than the same.
    Past,
}

/// One statement each, with the transaction's beginning where it costs no way of its own to the server. The numbers are ours.
struct Texts {
    begin_inside: &'static str,
    enter: &'static str,
    close: &'static str,
}

impl Gate {
    const fn texts(self) -> Texts {
        match self {
            Self::Suppressions => Texts {
                begin_inside: "begin; select pg_advisory_xact_lock_shared(1651663201, 1)",
                enter: "select pg_advisory_xact_lock_shared(1651663201, 1)",
                close: "select pg_advisory_xact_lock(1651663201, 1)",
            },
            Self::Settings => Texts {
                begin_inside: "begin; select pg_advisory_xact_lock_shared(1651663201, 3)",
                enter: "select pg_advisory_xact_lock_shared(1651663201, 3)",
                close: "select pg_advisory_xact_lock(1651663201, 3)",
            },
            Self::Copies => Texts {
                begin_inside: "begin; select pg_advisory_xact_lock_shared(1651663201, 2)",
                enter: "select pg_advisory_xact_lock_shared(1651663201, 2)",
                close: "select pg_advisory_xact_lock(1651663201, 2)",
            },
            Self::Articles => Texts {
                begin_inside: "begin; select pg_advisory_xact_lock_shared(1651663201, 6)",
                enter: "select pg_advisory_xact_lock_shared(1651663201, 6)",
                close: "select pg_advisory_xact_lock(1651663201, 6)",
            },
            Self::Book => Texts {
                begin_inside: "begin; select pg_advisory_xact_lock_shared(1651663201, 5)",
                enter: "select pg_advisory_xact_lock_shared(1651663201, 5)",
                close: "select pg_advisory_xact_lock(1651663201, 5)",
            },
            Self::Past => Texts {
                begin_inside: "begin; select pg_advisory_xact_lock_shared(1651663201, 4)",
                enter: "select pg_advisory_xact_lock_shared(1651663201, 4)",
                close: "select pg_advisory_xact_lock(1651663201, 4)",
            },
        }
    }
}

impl Db {
    /// As [`Db::begin`], inside a gate from the beginning.
    ///
    /// # Errors
    /// As [`Db::begin`].
    pub async fn begin_inside(&self, gate: Gate) -> Result<Tx> {
        match self {
            Self::Sqlite { .. } => self.begin().await,
            Self::Postgres { pool, reach, .. } => {
                holding::asks(self.pulse().holders());
                let begun = begin_on(pool, reach, gate.texts().begin_inside).await?;
                Ok(Tx::new(self, Either::Right(begun)))
            }
        }
    }
}

impl Tx {
    /// Goes inside a gate until the end of the transaction.
    pub async fn enter(&mut self, gate: Gate) -> Result<()> {
        self.pass(gate.texts().enter).await
    }

    /// Closes a gate until the end of the transaction.
    pub async fn close(&mut self, gate: Gate) -> Result<()> {
        self.pass(gate.texts().close).await
    }

    async fn pass(&mut self, sql: &'static str) -> Result<()> {
        if let Either::Right(tx) = &mut self.begun {
            during(self.reach.clone(), sqlx::query(sql).execute(&mut **tx)).await?;
        }
        Ok(())
    }
}
