//! The operations of the Partner API, one entry each: name, method, path and response. Faults, counters and the index
//! page follow from the entry. Never here: what goes wrong.

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::exchange::Response;

/// What the path of a request says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct PathIds<'a> {
    pub(super) partner: &'a str,
    pub(super) client: Option<&'a str>,
}

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident $name:literal: $method:literal $path:literal => $respond:path;)*) => {
        /// An operation of the API.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
        pub(super) enum Operation {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Operation {
            /// All of them.
            pub(super) const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name, as faults and counters write it.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The method, upper case.
            pub(super) fn method(self) -> &'static str {
                match self { $(Self::$variant => $method),* }
            }

            /// The path below the API's prefix, with `PARTNER_ID` and `CLIENT_ID` where those go.
            pub(super) fn path(self) -> &'static str {
                match self { $(Self::$variant => $path),* }
            }

            /// The response to a permitted request.
            pub(super) fn respond(self, call: &mut Call<'_>) -> Response {
                match self { $(Self::$variant => $respond(call)),* }
            }
        }
    };
}

operations! {
    /// The clients of the partner, page by page.
    Clients "clients": "GET" "partners/PARTNER_ID/clients" => Call::clients;
    /// The channels of one client.
    ClientChannels "client_channels": "GET" "partners/PARTNER_ID/clients/CLIENT_ID/channels" => Call::client_channels;
    /// The channels of all clients, page by page.
    PartnerChannels "partner_channels": "GET" "partners/PARTNER_ID/channels" => Call::partner_channels;
    /// The prepaid balances of the partner.
    PartnerBalance "partner_balance": "GET" "partners/PARTNER_ID/balance" => Call::partner_balance;
    /// The prepaid balance of one client.
    ClientBalance "client_balance": "GET" "partners/PARTNER_ID/clients/CLIENT_ID/info/balance" => Call::client_balance;
    /// Changes the payload or the channel limit of a client.
    ClientUpdate "client_update": "PATCH" "partners/PARTNER_ID/clients/CLIENT_ID" => Call::update_client;
}

impl Operation {
    /// The operation that a request means.
    ///
    /// # Errors
    ///
    /// 404 for an unknown path, 405 for a known one with another method.
    pub(super) fn find<'a>(method: &str, path: &[&'a str]) -> Result<(Self, PathIds<'a>), Response> {
        let matching: Vec<_> =
            Self::ALL.iter().filter_map(|operation| Some((*operation, operation.ids(path)?))).collect();
        match matching.iter().find(|(operation, _)| operation.method() == method) {
            Some(found) => Ok(*found),
            None if matching.is_empty() => Err(Response::error(404, "Not found")),
            None => Err(Response::error(405, "Method not allowed")),
        }
    }

    /// The ids in the path; `None` if it is the path of another operation.
    fn ids<'a>(self, path: &[&'a str]) -> Option<PathIds<'a>> {
        let mut ids = PathIds::default();
        let mut template = self.path().split('/');
        for segment in path {
            match template.next()? {
                "PARTNER_ID" => ids.partner = segment,
                "CLIENT_ID" => ids.client = Some(segment),
                literal if literal == *segment => {}
                _ => return None,
            }
        }
        template.next().is_none().then_some(ids)
    }
}
