//! Bodies that come too slowly, too large or not at all, and what browsers are told for a year.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode},
};
use futures_util::{StreamExt as _, stream};

use crate::{
    db::Engine,
    door::{Deadline, TooSlow},
    support::{
        database::both_engines,
        pages::{BASE, Web},
    },
    web::router,
};

crate::statements! {
    /// Whoever reads the lists waits.
    KEEP_WAITING = sqlite "select 1", postgres "lock table list in access exclusive mode";
}

const _: usize = STATEMENTS.len();

both_engines! {
    /// RFC 9112 section 8: what broke off is no request; it is no large one either.
    async fn a_body_that_did_not_come_is_not_called_too_large(web: Web) {
        let post = async |pieces: Vec<Result<Bytes, axum::BoxError>>| {
            let request = Request::post("/subscribe")
                .header("origin", BASE)
                .header("content-type", "application/x-www-form-urlencoded");
            let body = Body::from_stream(stream::iter(pieces));
            web.send(request.body(body).expect("a request")).await
        };
        let some = || Ok(Bytes::from_static(b"email=ann"));
        let cut_off = post(vec![some(), Err("the connection is gone".into())]).await;
        assert_eq!(cut_off.status, StatusCode::BAD_REQUEST);
        assert!(cut_off.body.contains("broke off"), "{}", cut_off.body);
        let slow = post(vec![some(), Err(TooSlow.into())]).await;
        assert_eq!(slow.status, StatusCode::REQUEST_TIMEOUT);
        assert!(slow.body.contains("took too long"), "{}", slow.body);
        let large = post((0..9_000).map(|_| some()).collect()).await;
        assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    /// What breaks off before the handler begins is an error page like any other.
    async fn a_form_over_which_the_program_breaks_off_is_an_error_page(web: Web) {
        let broken = stream::iter([0]).map(|number| {
            assert_ne!(number, 0, "a form that nobody foresaw");
            Ok::<_, axum::BoxError>(Bytes::new())
        });
        let request = Request::post("/subscribe")
            .header("origin", BASE)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from_stream(broken));
        let answer = web.send(request.expect("a request")).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(answer.body.contains("Something went wrong on our side"), "{}", answer.body);
        assert!(!answer.header("content-security-policy").is_empty());
    }

    /// A whole domain is told to speak https alone only by somebody who knows that all of it does.
    async fn other_hosts_of_the_domain_are_spoken_for_only_when_a_setting_does(web: Web) {
        let mut web = web;
        let said = async |web: &Web| web.get("/", "").await.header("strict-transport-security").to_owned();
        assert_eq!(said(&web).await, "max-age=31536000");
        web.app.hsts_subdomains = true;
        web.router = router(web.app.clone());
        assert_eq!(said(&web).await, "max-age=31536000; includeSubDomains");
    }

    /// How long a body takes is for the door to say: a form is read to its end before the time for its answer begins, be that none.
    /// (What answers at once is in time all the same: on PostgreSQL the answer has to wait.)
    async fn the_time_for_an_answer_begins_when_the_request_is_here(web: Web) {
        let mut holder = web.app.site.db.begin().await.expect("a transaction");
        holder.exec(KEEP_WAITING, ()).await.expect("a lock");
        let is_here = Arc::new(AtomicBool::new(false));
        let told = is_here.clone();
        let slow = stream::once(async move {
            tokio::task::yield_now().await;
            told.store(true, Ordering::SeqCst);
            Ok::<_, axum::BoxError>(Bytes::from_static(b"email=ann%40example.org"))
        });
        let request = Request::post("/subscribe")
            .header("origin", BASE)
            .header("content-type", "application/x-www-form-urlencoded")
            .extension(Deadline(Duration::ZERO));
        let late = web.send(request.body(Body::from_stream(slow)).expect("a request")).await;
        assert!(is_here.load(Ordering::SeqCst), "the form was not read");
        if web.app.site.db.engine() == Engine::Postgres {
            assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
            assert!(late.body.contains("longer than anybody waits"), "{}", late.body);
        }
    }
}
