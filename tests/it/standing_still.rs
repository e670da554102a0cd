//! What runs by itself and does not: it is caught, told, and tried again.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use broadside::{
    articles::fetch::Fetcher,
    jobs::Jobs,
    payments::{Payments, webhook::WebhookSecrets},
    staff::PasswordCost,
    web::{self, App},
};
use tokio::net::TcpListener;

use crate::support::{
    TestApp,
    app::OWNER,
    both_engines,
    provider::{Fault, Faulty},
    visitor::Visitor,
};

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

/// What runs by the clock, as after a start of the process.
fn jobs(app: &TestApp, provider: &Arc<Faulty>) -> Jobs {
    Jobs {
        site: app.site.clone(),
        templates: app.templates.clone(),
        payments: Some(provider.clone()),
        fetcher: Fetcher::new(true).expect("a fetcher"),
        lookout: None,
        bounce_maildir: None,
        bounce_mailbox: None,
        positions: None,
    }
}

/// The letters about it that came to the owner.
async fn letters(app: &TestApp) -> usize {
    app.drain().await;
    app.mails(OWNER.0).iter().filter(|mail| mail.subject.contains("does not work")).count()
}

const LINE: &str = "The payment service is not asked what we missed";

both_engines! {
    /// A panic costs one turn of a job. The desk and the owner hear of it once, across restarts, until it works again.
    async fn a_job_that_breaks_off_is_told_once_and_tried_again(app: TestApp) {
        let provider = Faulty::new(app.payments.provider.clone(), 100);
        let desk = app.desk().await;
        jobs(&app, &provider).run_all_once().await;
        assert!(!desk.open("/desk").await.body.contains("does not work"));

        provider.set(Fault::Panics);
        jobs(&app, &provider).run_all_once().await;
        let page = desk.open("/desk").await;
        page.says(LINE);
        page.says("a list that nobody foresaw");
        assert!(!page.body.contains("ann@example.org"));
        assert_eq!(letters(&app).await, 1);
        for _ in 0..3 {
            app.advance(10 * MINUTE);
            jobs(&app, &provider).run_all_once().await;
        }
        assert_eq!(letters(&app).await, 1, "nobody is told twice of the same");

        provider.set(Fault::Nothing);
        let polled = provider.pages();
        jobs(&app, &provider).run_all_once().await;
        assert_eq!(provider.pages(), polled + 1, "it was tried again");
        assert!(!desk.open("/desk").await.body.contains("does not work"));

        provider.set(Fault::Panics);
        app.advance(10 * MINUTE);
        jobs(&app, &provider).run_all_once().await;
        let desk = app.desk().await;
        desk.open("/desk").await.says(LINE);
        assert_eq!(letters(&app).await, 1, "what breaks again and again is no letter each time");
        provider.set(Fault::Nothing);
        jobs(&app, &provider).run_all_once().await;
        app.advance(25 * HOUR);
        provider.set(Fault::Panics);
        jobs(&app, &provider).run_all_once().await;
        assert_eq!(letters(&app).await, 2);
    }

    /// What merely fails may be mended by itself within the hour; after that it is told like what broke off.
    async fn a_job_that_fails_for_an_hour_is_told(app: TestApp) {
        let provider = Faulty::new(app.payments.provider.clone(), 100);
        let desk = app.desk().await;
        provider.set(Fault::Fails);
        let jobs = jobs(&app, &provider);
        for _ in 0..6 {
            jobs.run_all_once().await;
            app.advance(9 * MINUTE);
        }
        assert!(!desk.open("/desk").await.body.contains("does not work"));
        assert_eq!(letters(&app).await, 0);
        app.advance(7 * MINUTE);
        jobs.run_all_once().await;
        desk.open("/desk").await.says(LINE);
        assert_eq!(letters(&app).await, 1);

        // Somebody who cannot mend a server is not shown its words, and what a process said that is gone is not shown at all.
        app.advance(3 * HOUR);
        assert!(!app.desk().await.open("/desk").await.body.contains("does not work"));
    }

    /// A page that breaks off is an answer all the same, and the next one comes over the same connection.
    async fn a_page_that_breaks_off_is_an_error_page(app: TestApp) {
        let provider = Faulty::new(app.payments.provider.clone(), 100);
        let payments = Payments {
            provider: provider.clone(),
            webhook_secrets: WebhookSecrets::new(["whsec_of_a_test".to_owned()]),
        };
        let fetcher = Fetcher::new(true).expect("a fetcher");
        let mut other = App::new(app.site.clone(), app.templates.clone(), fetcher).expect("the pages are in order").with_payments(payments);
        other.password_cost = PasswordCost::CHEAP;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("an address");
        let service = web::router(other).into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await });
        let visitor = Visitor::new(&base);
        let form = visitor.open("/donate").await.form("/donate").with("own_amount", "15").with("email", "ann@example.org");
        provider.set(Fault::Panics);
        let answer = visitor.submit(&form).await;
        assert_eq!(answer.status, 500);
        answer.says("Something went wrong on our side");
        assert!(answer.headers.contains_key("content-security-policy"), "the headers of every page");
        visitor.open("/donate").await.says("Readers keep us going");
        server.abort();
        app.leaves_work();
    }
}
