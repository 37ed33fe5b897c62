//! `/metrics`: takes the latest publication and sends it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::Web;
use crate::exposition::{Filter, ScrapeBody, accepts_gzip, negotiate};
use crate::telemetry::HttpRejection;

/// Responds to a scrape.
pub(super) async fn scrape(State(web): State<Web>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    // Held while the response is made: a reader that does not read holds no place.
    let _place = match &web.0.scrapes {
        None => None,
        Some(scrapes) => match scrapes.try_acquire() {
            Ok(place) => Some(place),
            Err(_) => {
                return web.refuse(HttpRejection::Requests, "too many scrapes at once; see --web.max-requests\n");
            }
        },
    };
    let format = negotiate(&all(&headers, &header::ACCEPT));
    let gzip = accepts_gzip(&all(&headers, &header::ACCEPT_ENCODING));
    let filter = filter(query.as_deref().unwrap_or_default());
    let snapshot = web.0.published.current();
    let body = ScrapeBody::new(&snapshot, &web.0.telemetry.gather(), format, gzip, &filter);

    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, format.content_type())
        .header(header::CONTENT_LENGTH, body.len())
        .header(header::VARY, "Accept, Accept-Encoding");
    if gzip {
        response = response.header(header::CONTENT_ENCODING, "gzip");
    }
    let body = Body::new(Scrape { left: body.len(), body });
    response.body(body).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// All values of a header as one list, as RFC 9110 (section 5.2) reads them.
fn all(headers: &HeaderMap, name: &HeaderName) -> String {
    let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

/// `name[]=` of a query.
fn filter(query: &str) -> Filter {
    let names: Vec<String> = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == "name[]")
        .map(|(_, name)| name.into_owned())
        .collect();
    if names.is_empty() { Filter::All } else { Filter::Names(names) }
}

/// The body of a scrape.
#[derive(Debug)]
struct Scrape {
    body: ScrapeBody,
    left: u64,
}

impl http_body::Body for Scrape {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.body.next();
        self.left -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }
}
