//! Amounts as people type them, wherever one is typed: what could mean two things is asked, what is too much is refused.

use reqwest::StatusCode;

use crate::support::{TestApp, both_engines};

const SUPPORTER: &str = "ann@example.org";

both_engines! {
    /// TRUST A27: fifteen hundred is not one and a half, in the gift form and among the owner's suggestions.
    async fn an_amount_that_could_mean_two_things_is_asked(app: TestApp) {
        let visitor = app.visitor();
        let form = visitor.open("/donate").await.form("/donate").with("email", SUPPORTER);
        for typed in ["1,500", "1.500"] {
            let page = visitor.submit(&form.clone().with("own_amount", typed)).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            page.says("Do you mean 1500 or 1.50?");
            assert!(page.body.contains(&format!("value=\"{typed}\"")), "what was typed is kept");
        }
        assert!(app.sandbox.stripe().sessions().is_empty());
        for (typed, minor) in [("1 500", 150_000), ("1,500.00", 150_000), ("1500", 150_000), ("12,5", 1_250)] {
            app.begin_to_give(SUPPORTER, typed, "once").await;
            assert_eq!(app.sandbox.stripe().sessions()[0]["amount_total"], minor, "{typed}");
        }
        let desk = app.desk().await;
        let settings = desk.open("/desk/settings").await.form("/desk/settings");
        let asked = desk.submit(&settings.with("suggested_amounts", "5 1,000")).await;
        assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
        asked.says("Do you mean 1000 or 1.00?");
    }

    /// The least and the most are the currency's, until an owner decides.
    async fn the_least_and_the_most_follow_the_currency_and_the_owner(app: TestApp) {
        let desk = app.desk().await;
        let visitor = app.visitor();
        let set = async |currency: &str, amounts: &str, least: &str, most: &str| {
            let form = desk.open("/desk/settings").await.form("/desk/settings");
            let form = form.with("currency", currency).with("suggested_amounts", amounts);
            desk.submit(&form.with("gift_least", least).with("gift_most", most)).await
        };
        let give = async |amount: &str| {
            let form = visitor.open("/donate").await.form("/donate").with("email", SUPPORTER);
            visitor.submit(&form.with("own_amount", amount)).await
        };
        assert_eq!(set("HUF", "1000 5000", "", "").await.status, StatusCode::SEE_OTHER);
        let page = desk.open("/desk/settings").await.body;
        assert!(page.contains("400.00 HUF if empty.") && page.contains("999999.00 HUF if empty."));
        give("399").await.says("The smallest gift we can take here is 400.00 HUF");
        give("1000000").await.says("The largest gift we can take here is 999999.00 HUF");
        give("500.50").await.says("more decimal places");
        assert_eq!(give("10 000").await.status, StatusCode::SEE_OTHER);
        assert_eq!(app.sandbox.stripe().sessions()[0]["amount_total"], 1_000_000);
        assert_eq!(set("JPY", "500 1,000", "", "").await.status, StatusCode::SEE_OTHER);
        assert_eq!(give("1,500").await.status, StatusCode::SEE_OTHER);
        assert_eq!(app.sandbox.stripe().sessions()[0]["amount_total"], 1_500);
        set("KWD", "5", "", "").await.says("Enter a currency code that gifts can be taken in");

        set("EUR", "5 60", "", "50").await.says("Suggest amounts that can be given: from €1.00 to €50.00.");
        set("EUR", "5 10", "20", "10").await.says("The largest gift is smaller than the smallest");
        set("EUR", "5 10", "", "2000000").await.says("The payment service takes at most €999999.00 at once.");
        assert_eq!(set("EUR", "5 10", "3", "50").await.status, StatusCode::SEE_OTHER);
        give("2.99").await.says("The smallest gift we can take here is €3.00");
        give("50.01").await.says("The largest gift we can take here is €50.00");
        assert_eq!(give("50").await.status, StatusCode::SEE_OTHER);
        let kept = desk.open("/desk/settings").await.form("/desk/settings");
        assert_eq!((kept.value("gift_least"), kept.value("gift_most")), (Some("3"), Some("50")));
        app.leaves_work();
    }
}
