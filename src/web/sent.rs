//! The body of a response on its way out: it says when something of it is taken,
//! so that one that nobody reads can be ended.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};

use super::connections::Sending;

/// A body that is watched.
#[derive(Debug)]
pub(super) struct Sent {
    body: Body,
    sending: Sending,
}

impl Sent {
    pub(super) fn new(body: Body, sending: Sending) -> Self {
        Self { body, sending }
    }
}

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.sending.progress();
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
