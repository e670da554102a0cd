//! Rows in an order that people decide: lists, topics.

use crate::db::{Result, Sql, Tx};

/// Moves one up or down, by the statements that hold all with their places and that put one of them into another.
pub(super) async fn shift(tx: &mut Tx, (hold, place): (Sql, Sql), id: i64, by: isize) -> Result<()> {
    let mut places: Vec<(i64, i64)> = tx.all(hold, ()).await?;
    places.sort_by_key(|(id, position)| (*position, *id));
    for moved in shifted(&places, id, by) {
        tx.exec(place, moved).await?;
    }
    Ok(())
}

/// Whose places change, and to which, where one of a row of rows moves.
fn shifted(places: &[(i64, i64)], id: i64, by: isize) -> Vec<(i64, i64)> {
    let mut ids: Vec<i64> = places.iter().map(|(id, _)| *id).collect();
    let from = ids.iter().position(|one| *one == id);
    let to = from.and_then(|from| from.checked_add_signed(by)).filter(|to| *to < ids.len());
    if let (Some(from), Some(to)) = (from, to) {
        ids.swap(from, to);
    }
    (1_i64..).zip(ids).filter_map(|(at, id)| (!places.contains(&(id, at))).then_some((id, at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_up_or_down_and_not_past_the_ends() {
        let places = [(7, 1), (5, 2), (9, 3)];
        assert_eq!(shifted(&places, 5, -1), [(5, 1), (7, 2)]);
        assert_eq!(shifted(&places, 5, 1), [(9, 2), (5, 3)]);
        assert_eq!(shifted(&places, 7, -1), []);
        assert_eq!(shifted(&places, 9, 1), []);
        assert_eq!(
            shifted(&[(7, 4), (5, 4)], 8, 1),
            [(7, 1), (5, 2)],
            "what was made at once finds its places"
        );
    }
}
