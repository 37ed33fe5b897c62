//! The Partner API: who may call what, and which faults meet a request. Never here: what an operation responds.

use super::call::Call;
use super::exchange::{Now, Request, Response};
use super::faults::Kind;
use super::faulty::{deliver, encode, faulty_response};
use super::listing;
use super::operation::{Operation, PathIds};
use super::options::Options;
use super::state::State;

/// Responds to a request whose path below `/api/v2` is `path`.
pub(super) fn respond(state: &mut State, options: &Options, now: Now, path: &[&str], request: &Request) -> Response {
    let (operation, ids) = match Operation::find(&request.method, path) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let filtered = listing::client_filter(request.query.as_deref());
    let faults = state.faults.fire(operation, ids.client.or(filtered.as_deref()));
    let mut response = faulty_response(&faults, now)
        .or_else(|| refusal(state, options, now, ids, request))
        .unwrap_or_else(|| normal_response(state, options, now, operation, ids, request, &faults));
    encode(&mut response, &faults);
    deliver(&mut response, &faults, options.latency);
    let by_status = state.requests.entry(operation.name()).or_default();
    *by_status.entry(response.status).or_default() += 1;
    response
}

/// The response to a request that is not permitted.
fn refusal(state: &mut State, options: &Options, now: Now, ids: PathIds<'_>, request: &Request) -> Option<Response> {
    if request.api_key.as_deref() != Some(options.api_key.as_str()) {
        return Some(Response::error(401, "Unauthorized"));
    }
    if let Some(limiter) = &mut state.limiter
        && let Err(wait) = limiter.admit(now.elapsed)
    {
        // Rounded up: a client that waits this long gets through.
        let seconds = limiter.names_wait().then(|| wait.as_millis().div_ceil(1000).to_string());
        return Some(Response::too_many_requests().with_header("retry-after", seconds));
    }
    if ids.partner != options.partner_id {
        return Some(Response::error(404, "Partner not found"));
    }
    let unknown = ids.client.is_some_and(|id| state.fleet.client(id).is_none());
    unknown.then(|| Response::error(404, "Client not found"))
}

fn normal_response(
    state: &mut State,
    options: &Options,
    now: Now,
    operation: Operation,
    ids: PathIds<'_>,
    request: &Request,
    faults: &[Kind],
) -> Response {
    let client = ids.client.unwrap_or_default();
    let State { fleet, faults: all_faults, lists, .. } = state;
    let memory = lists.entry((operation, client.to_owned())).or_default();
    operation.respond(&mut Call { fleet, options, now, client, request, faults, memory, rng: all_faults.rng() })
}

#[cfg(test)]
mod tests;
