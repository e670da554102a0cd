//! Only the magazine itself lets anything go out.

use super::{Error, Result};
use crate::{
    db::Tx,
    origin::{self, Standing},
    site::Site,
};

/// Whoever lets something go out in a copy of the database would let it go the moment somebody says that it is none.
pub(super) async fn check_at_home(tx: &mut Tx, site: &Site) -> Result<()> {
    match origin::look_in(tx, site).await? {
        Standing::AtHome => Ok(()),
        _ => Err(Error::Doubtful),
    }
}
