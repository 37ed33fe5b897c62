//! Ids as newtypes, so that a client's id is never passed for a channel's.
//!
//! 360dialog's ids are short opaque strings with a type suffix (`…PA`, `…CL`,
//! `…CH`). The suffix is not checked: fixtures in the wild lack it.

use std::borrow::Borrow;
use std::fmt;

use super::ShortText;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ShortText);

        impl $name {
            /// The id as the API writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<ShortText>> From<T> for $name {
            fn from(id: T) -> Self {
                Self(id.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

id! {
    /// A 360dialog partner, the account whose API key is used.
    PartnerId
}
id! {
    /// A partner's client, the owner of channels.
    ClientId
}
id! {
    /// A channel: one WhatsApp phone number on 360dialog.
    ChannelId
}
