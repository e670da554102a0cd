//! `broadside payments setup`: where the provider's news go is shown first and made then, and is right from then on.

use broadside::payments::{
    Stripe, StripeSettings,
    setup::{self, NewSecret, SetupStep, SetupWanted},
};

use crate::support::{Program, TestApp, both_engines};

const KEY: &str = "sk_test_of_a_test";

fn stripe(app: &TestApp) -> Stripe {
    let api_base = format!("http://{}", app.sandbox.http_addr()).parse().expect("an address");
    Stripe::new(&StripeSettings { secret_key: KEY.to_owned(), api_base }).expect("a client")
}

fn wanted(app: &TestApp, secrets: &[&str]) -> SetupWanted {
    SetupWanted::of(&app.site.base_url, secrets.iter().map(ToString::to_string).collect())
}

/// Does all that is to be done; the secrets that were made.
async fn carry_out(stripe: &Stripe, wanted: &SetupWanted, rotate: bool) -> Vec<String> {
    let mut secrets = Vec::new();
    for step in setup::look(stripe, wanted, rotate).await.expect("a look").steps {
        let made = setup::carry_out(stripe, &step, wanted).await.expect("a step");
        secrets.extend(made.map(|NewSecret(secret)| secret));
    }
    secrets
}

both_engines! {
    /// TRUST D11: the endpoint is made once, mended when somebody changes it, and its secret is replaced without a gap.
    async fn the_endpoint_is_made_mended_and_replaced(app: TestApp) {
        let stripe = stripe(&app);
        let first = carry_out(&stripe, &wanted(&app, &[]), false).await;
        let [first] = &first[..] else { panic!("one secret: {first:?}") };
        let known = wanted(&app, &[first]);
        assert_eq!(setup::look(&stripe, &known, false).await.expect("a look"), Default::default(), "all is well");
        assert_eq!(setup::troubles(&stripe.endpoints().await.expect("a list"), &known), [""; 0]);

        let made = stripe.endpoints().await.expect("a list");
        assert!(made.len() == 1 && made[0].version.as_deref() == Some(Stripe::version()), "{made:?}");
        stripe.mend_endpoint(&made[0].id, &["invoice.paid"]).await.expect("somebody takes kinds away");
        assert_eq!(setup::troubles(&stripe.endpoints().await.expect("a list"), &known).len(), 1);
        let steps = setup::look(&stripe, &known, false).await.expect("a look").steps;
        assert!(matches!(&steps[..], [SetupStep::Mend { is_off: false, .. }]), "{steps:?}");
        assert_eq!(carry_out(&stripe, &known, false).await, [""; 0]);

        let second = carry_out(&stripe, &known, true).await;
        let [second] = &second[..] else { panic!("one secret: {second:?}") };
        assert_eq!(stripe.endpoints().await.expect("a list").len(), 2, "both are there");
        carry_out(&stripe, &known, false).await;
        assert_eq!(stripe.endpoints().await.expect("a list").len(), 2, "the new secret is not in the settings");
        carry_out(&stripe, &wanted(&app, &[first, second]), false).await;
        let left = stripe.endpoints().await.expect("a list");
        assert!(left.len() == 1 && left[0].id != made[0].id, "the old one is gone");
    }

    /// Without --yes nothing is changed, and the command works before there is a secret in the settings.
    async fn the_command_shows_first(app: TestApp) {
        let api = format!("http://{}", app.sandbox.http_addr());
        let settings = [("STRIPE_SECRET_KEY", KEY), ("STRIPE_API_BASE", api.as_str())];
        let run = |more: &[&str], settings: &[(&str, &str)]| {
            let arguments = [&["payments", "setup"], more].concat();
            let done = Program::run_by(&app, "exec \"$0\" \"$@\"", &arguments, settings);
            (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned())
        };
        let (code, said) = run(&[], &settings);
        assert!(code == Some(1) && said.contains("make a webhook endpoint") && said.contains("Nothing was changed"), "{said}");
        assert_eq!(stripe(&app).endpoints().await.expect("a list").len(), 0);
        let (code, said) = run(&["--yes"], &settings);
        let secret = said.lines().find_map(|line| line.strip_prefix("STRIPE_WEBHOOK_SECRET="));
        let secret = secret.expect("a line for the settings");
        assert!(code == Some(0) && secret.starts_with("whsec_"), "{said}");
        let [key, base] = settings;
        let (code, said) = run(&[], &[key, base, ("STRIPE_WEBHOOK_SECRET", secret)]);
        assert!(code == Some(0) && said.contains("Nothing is to be done"), "{said}");
    }

    /// TRUST D8: beside a sandbox no key has to be made up: the command asks the sandbox, and says truly that there was nothing to compare;
    /// without it says what to do. Never in production.
    async fn the_sandbox_is_asked_without_a_key(app: TestApp) {
        let http = app.sandbox.http_addr().to_string();
        let run = |more: &[&str], environment: &str| {
            let arguments = [&["payments", "reconcile"], more].concat();
            let settings = [("SANDBOX_HTTP", http.as_str()), ("STRIPE_SECRET_KEY", ""), ("BROADSIDE_ENV", environment)];
            let done = Program::run_by(&app, "exec \"$0\" \"$@\" 2>&1", &arguments, &settings);
            (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned())
        };
        let (code, said) = run(&["--sandbox"], "development");
        assert!(code == Some(0) && said.contains("there was nothing to compare"), "{said}");
        let (code, said) = run(&[], "development");
        assert!(code == Some(1) && said.contains("add --sandbox"), "{said}");
        let (code, said) = run(&["--sandbox"], "production");
        assert!(code == Some(1) && !said.contains("compared from"), "{said}");
    }
}
