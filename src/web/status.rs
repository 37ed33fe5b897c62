//! The status page: the fleet at a glance, for a person.
//!
//! Plain HTML and one style sheet: no JavaScript, nothing from elsewhere. Values
//! are escaped by the template library, and the content security policy would
//! stop what slips through. The page does not reload itself: that takes the place
//! of whoever reads with a screen reader or a magnifier.

mod search;
mod view;

use askama::Template as _;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use self::search::Search;
use self::view::Page;
use super::Web;
use crate::web::workers::NotDone;

const STYLE: &str = include_str!("../../templates/style.css");

/// The icon is an empty `data:` address, so that browsers ask for none.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; \
                                       form-action 'self'; frame-ancestors 'none'";

/// `/`, with `?q=` as a search.
pub(super) async fn page(State(web): State<Web>, RawQuery(query): RawQuery) -> Response {
    let search = Search::of_query(query.as_deref().unwrap_or_default());
    // A search looks at every channel; connections are served meanwhile.
    let workers = web.workers().clone();
    let of_page = web.clone();
    let rendered = workers.run(move || {
        let web = of_page;
        let snapshot = web.0.published.current();
        let now = web.0.clock.now();
        Page::new(&snapshot, &web.0.telemetry, &web.0.telemetry_path, web.0.published.is_ready(), &search, now).render()
    });
    match rendered.await {
        Ok(Ok(html)) => {
            let headers =
                [(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY), (header::CACHE_CONTROL, "no-store")];
            (headers, Html(html)).into_response()
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "cannot render the status page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(NotDone::Busy) => web.too_busy(),
        Err(NotDone::Panicked) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// `/style.css`
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}
