//! The browser of the tests finds what people find, and its judge of accessibility can fail.

use crate::support::Browser;

const FORM: &str = "data:text/html,<!doctype html><html lang=en><title>A form</title><main><h1>A form</h1><form>
    <label for=a>Amount</label><input id=a value=5> <label>Every<select id=e><option>Once<option>Month</select></label>
    <label><input type=checkbox id=t> Cover the costs</label> <label>Day<input type=date id=d></label>
    <button type=button onclick=\"setTimeout(() => document.querySelector('output').textContent
        = [a.value, e.value, t.checked, d.value].join(' '), 50)\">Give</button><output></output></form></main></html>";

#[tokio::test(flavor = "multi_thread")]
async fn forms_are_filled_in_by_their_labels() {
    let Some(browser) = Browser::open().await else { return };
    browser.goto(FORM).await;
    browser.fill("Amount", "12").await;
    browser.choose("Every", "Month").await;
    browser.tick("Cover the costs").await;
    browser.set("Day", "2026-03-03").await;
    browser.click("Give").await;
    browser.wait_for_text("12 Month true 2026-03-03").await;
    assert_eq!(browser.element("output").await.text().await.expect("text"), "12 Month true 2026-03-03");
    assert_eq!(browser.script("return document.title").await, "A form");
    browser.close().await;
}

/// A judge that never finds anything proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_without_a_label_is_found() {
    let Some(browser) = Browser::open().await else { return };
    browser.goto("data:text/html,<!doctype html><html lang=en><title>t</title><main><h1>t</h1><input></main></html>").await;
    let problems = browser.problems().await;
    assert!(problems.iter().any(|problem| problem.contains("label")), "{problems:?}");
    browser.close().await;
}
