//! Where a database runs.

use std::fs;

use crate::{
    db::{Db, Engine, Result},
    token,
};

/// The place at which a database runs: for SQLite the file and, where it has an id, the machine; for PostgreSQL the server's
/// own id and the database's, which a restored dump does not keep.
pub async fn place(db: &Db) -> Result<String> {
    let place = db.place().await?;
    if db.engine() == Engine::Postgres {
        return Ok(place);
    }
    let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let machine = token::hash(machine.trim());
    Ok(format!("{}:{place}", machine.get(..16).unwrap_or_default()))
}
