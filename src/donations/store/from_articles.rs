//! The statements of which article a gift came from.

use super::super::lines::Total;
use crate::{
    db::{Db, Result, Tx},
    statements,
};

statements! {
    ADD_GIFT_ARTICLE = "insert into gift_article (donation_id, article_id, title) values ($1, $2, $3) on conflict (donation_id) do nothing";
    /// Its own, or that of the gift with which its regular donation began.
    ARTICLE_OF = "select g.article_id, g.title from gift_article g where g.donation_id = $1 or g.donation_id in (
            select f.id from donation d join donation f on f.recurring_donation_id = d.recurring_donation_id where d.id = $1)
        order by g.donation_id limit 1";
    /// What came from an article: the gifts, and what followed each month; without what came back.
    FROM_ARTICLE = "select d.currency, cast(sum(case when s.back_minor < d.amount_minor then 1 else 0 end) as bigint) as number,
            cast(sum(d.amount_minor - s.back_minor) as bigint) as minor
        from donation d join gift_standing s on s.donation_id = d.id
        where d.state = 'paid' and d.id in (
            select donation_id from gift_article where article_id = $1
            union select d2.id from gift_article g join donation f on f.id = g.donation_id
                join donation d2 on d2.recurring_donation_id = f.recurring_donation_id where g.article_id = $1)
        group by d.currency order by d.currency";
}

pub async fn add(tx: &mut Tx, donation_id: i64, article: (i64, &str)) -> Result<u64> {
    tx.exec(ADD_GIFT_ARTICLE, (donation_id, article.0, article.1)).await
}

pub async fn article_of(db: &Db, donation_id: i64) -> Result<Option<(Option<i64>, String)>> {
    db.opt(ARTICLE_OF, (donation_id,)).await
}

pub async fn from_article(db: &Db, article_id: i64) -> Result<Vec<Total>> {
    db.all(FROM_ARTICLE, (article_id,)).await
}
