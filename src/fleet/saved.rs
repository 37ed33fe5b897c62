//! How each thing of the fleet stands in the state file: one line per field.
//!
//! Here: shapes, and the way to and from them. Never here: the file as a whole
//! ([`super::state_file`]), the disk.

use std::fmt::Debug;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{
    ChannelState, ClientState, Direction, GoneChannel, GoneClient, GoneReason, History, LastChange, WatchedField,
};
use crate::model::{
    AccountMode, Availability, Channel, ChannelId, Client, ClientId, HubStatus, LifecycleStatus, MessagingLimit,
    QualityRating, ShortText, Timestamp, WabaAccount,
};

/// Something that is kept in the state file.
pub(super) trait Keep: Sized {
    /// How it stands there.
    type Form: Serialize + DeserializeOwned + Debug;

    /// Its form.
    fn save(&self) -> Self::Form;

    /// What a form stands for.
    fn load(form: Self::Form) -> Self;
}

macro_rules! as_it_is {
    ($($type:ty),+) => { $(
        impl Keep for $type {
            type Form = Self;
            fn save(&self) -> Self {
                self.clone()
            }
            fn load(form: Self) -> Self {
                form
            }
        }
    )+ };
}

as_it_is!(bool, u32, u64, ShortText, Box<str>);

macro_rules! as_text {
    ($($id:ident),+) => { $(
        impl Keep for $id {
            type Form = ShortText;
            fn save(&self) -> ShortText {
                self.as_str().into()
            }
            fn load(form: ShortText) -> Self {
                form.into()
            }
        }
    )+ };
}

as_text!(ChannelId, ClientId);

/// A word of a closed list. Only a file that a person wrote holds another one; it
/// counts as `$otherwise`.
macro_rules! as_word {
    ($($word:ident or $otherwise:ident),+ $(,)?) => { $(
        impl Keep for $word {
            type Form = ShortText;
            fn save(&self) -> ShortText {
                self.as_str().into()
            }
            fn load(form: ShortText) -> Self {
                Self::ALL.iter().copied().find(|word| word.as_str() == form).unwrap_or(Self::$otherwise)
            }
        }
    )+ };
}

as_word! {
    AccountMode or Live,
    Availability or Unknown,
    Direction or Other,
    GoneReason or Disappeared,
    HubStatus or Unknown,
    LifecycleStatus or Unknown,
    QualityRating or Unknown,
    WatchedField or Status,
}

impl Keep for Timestamp {
    type Form = jiff::Timestamp;
    fn save(&self) -> jiff::Timestamp {
        (*self).into()
    }
    fn load(form: jiff::Timestamp) -> Self {
        form.into()
    }
}

impl Keep for MessagingLimit {
    /// `None` is unlimited.
    type Form = (Option<u64>,);
    fn save(&self) -> (Option<u64>,) {
        match self {
            Self::Recipients(n) => (Some(*n),),
            Self::Unlimited => (None,),
        }
    }
    fn load((recipients,): (Option<u64>,)) -> Self {
        recipients.map_or(Self::Unlimited, Self::Recipients)
    }
}

impl<T: Keep> Keep for Option<T> {
    type Form = Option<T::Form>;
    fn save(&self) -> Self::Form {
        self.as_ref().map(T::save)
    }
    fn load(form: Self::Form) -> Self {
        form.map(T::load)
    }
}

impl<T: Keep> Keep for Arc<T> {
    type Form = T::Form;
    fn save(&self) -> T::Form {
        (**self).save()
    }
    fn load(form: T::Form) -> Self {
        Self::new(T::load(form))
    }
}

impl<T: Keep> Keep for Vec<T> {
    type Form = Vec<T::Form>;
    fn save(&self) -> Self::Form {
        self.iter().map(T::save).collect()
    }
    fn load(form: Self::Form) -> Self {
        form.into_iter().map(T::load).collect()
    }
}

impl Keep for History {
    type Form = Vec<SavedChange>;
    fn save(&self) -> Self::Form {
        self.iter().map(Keep::save).collect()
    }
    fn load(form: Self::Form) -> Self {
        form.into_iter().map(LastChange::load).collect()
    }
}

/// Defines the form of a struct: one line per field that is kept. `starting` are
/// the fields that every run finds anew.
macro_rules! saved {
    (
        $(#[$doc:meta])*
        $form:ident of $type:ident { $( $field:ident: $kept:ty ),+ $(,)? }
        $(starting { $( $new:ident: $value:expr ),+ $(,)? })?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Serialize, Deserialize)]
        pub(super) struct $form { $( $field: <$kept as Keep>::Form ),+ }

        impl Keep for $type {
            type Form = $form;
            fn save(&self) -> $form {
                $form { $( $field: <$kept as Keep>::save(&self.$field) ),+ }
            }
            fn load(form: $form) -> Self {
                Self { $( $field: <$kept as Keep>::load(form.$field), )+ $( $( $new: $value ),+ )? }
            }
        }
    };
}

saved! {
    /// A client with its channels.
    SavedClientState of ClientState {
        client: Arc<Client>,
        channels: Vec<ChannelState>,
        last_refresh: Option<Timestamp>,
        failed: bool,
    }
    starting { balances: Box::default(), balances_read: Timestamp::UNIX_EPOCH, up: None, age_from: Timestamp::UNIX_EPOCH, expired: false }
}

saved! {
    /// A client.
    SavedClient of Client {
        id: ClientId,
        name: Option<ShortText>,
        status: Option<ShortText>,
        created_at: Option<Timestamp>,
        modified_at: Option<Timestamp>,
        max_channels: Option<u64>,
        partner_payload: Option<ShortText>,
        organisation: Option<ShortText>,
        business_id: Option<ShortText>,
        suspicious: Option<bool>,
    }
}

saved! {
    /// A channel, and what was seen of it.
    SavedChannelState of ChannelState {
        channel: Arc<Channel>,
        changed_at: Option<Timestamp>,
        history: History,
        was_ready: bool,
    }
    starting { fingerprint: 0 }
}

saved! {
    /// A channel.
    SavedChannel of Channel {
        id: ChannelId,
        availability: Availability,
        quality: QualityRating,
        limit: Option<MessagingLimit>,
        status: LifecycleStatus,
        hub_status: Option<HubStatus>,
        last_quality_event: Option<ShortText>,
        official_business_account: Option<bool>,
        phone_number: Option<ShortText>,
        display_name: Option<ShortText>,
        waba: Option<Arc<WabaAccount>>,
        new_name_status: Option<Box<str>>,
        setup_error: Option<Box<str>>,
        on_business_app: Option<bool>,
        created_at: Option<Timestamp>,
        cancelled_at: Option<Timestamp>,
        terminated_at: Option<Timestamp>,
        account_mode: Option<AccountMode>,
        billing_started_at: Option<Timestamp>,
        version: Option<u32>,
    }
}

saved! {
    /// A WhatsApp business account.
    SavedWaba of WabaAccount {
        id: ShortText,
        name: Option<ShortText>,
        business_id: Option<ShortText>,
        status: Option<ShortText>,
        verification: Option<ShortText>,
    }
}

saved! {
    /// The last change of a field.
    SavedChange of LastChange {
        field: WatchedField,
        from: ShortText,
        to: ShortText,
        direction: Direction,
        at: Timestamp,
    }
}

saved! {
    /// A channel that is gone.
    SavedGoneChannel of GoneChannel {
        client_name: Option<ShortText>,
        last: ChannelState,
        reason: GoneReason,
        at: Timestamp,
    }
}

saved! {
    /// A client that is gone.
    SavedGoneClient of GoneClient {
        name: Option<ShortText>,
        at: Timestamp,
    }
}
