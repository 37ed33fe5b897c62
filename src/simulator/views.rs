//! The JSON of the Partner API, one line per field: name, type and value, deprecated fields included. It is borrowed from
//! the records, so that a page of a thousand channels is written without building it first.

use std::fmt::{self, Display};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::records::{Balance, Channel, Client, States, Waba};

/// Declares an object of the API and how it is made from the records.
macro_rules! view {
    (
        $(#[$doc:meta])*
        $name:ident<$life:lifetime>($($record:ident: $record_type:ty),*) {
            $($(#[$attribute:meta])* $field:ident: $type:ty = $value:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Serialize)]
        pub(super) struct $name<$life> {
            $($(#[$attribute])* $field: $type,)*
        }

        impl<$life> $name<$life> {
            /// The view of these records.
            pub(super) fn new($($record: $record_type),*) -> Self {
                Self { $($field: $value,)* }
            }
        }
    };
}

view! {
    /// A client, as the client list shows it.
    ClientView<'a>(client: &'a Client) {
        id: &'a str = &client.id,
        name: &'a str = &client.name,
        status: &'a str = &client.status,
        organisation: &'a str = &client.name,
        partner_payload: Option<&'a str> = client.partner_payload.as_deref(),
        max_channels: Option<i64> = client.max_channels,
        created_at: Timestamp = client.created_at,
        modified_at: Timestamp = client.modified_at,
        contact_info: ContactInfo<'a> = ContactInfo::new(client),
        contact_user: ContactUser<'a> = ContactUser::new(client),
        meta_info: MetaInfo<'a> = MetaInfo::new(client),
        created_by: Person = SYSTEM,
        modified_by: Person = SYSTEM,
        suspicious: bool = false,
        fb_business_id: Text<u64> = Text(client.waba.fb_business_id),
    }
}

view! {
    /// How to reach the business.
    ContactInfo<'a>(client: &'a Client) {
        email: Text<Mailbox<'a>> = Text(Mailbox(&client.mailbox)),
        phone: Text<InternationalNumber> = Text(InternationalNumber(client.telephone)),
        country: &'a str = client.locale.country,
        language: &'a str = client.locale.language,
        city: &'a str = client.city.0,
        street_name: &'a str = "",
        zip_code: &'a str = client.city.1,
        full_name: &'a str = client.person,
        webpage_url: Text<Webpage<'a>> = Text(Webpage(&client.mailbox)),
    }
}

view! {
    /// Whom to ask for.
    ContactUser<'a>(client: &'a Client) {
        name: &'a str = client.person,
        email: Text<Mailbox<'a>> = Text(Mailbox(&client.mailbox)),
        phone: Option<&'a str> = None,
    }
}

view! {
    /// What the business does.
    MetaInfo<'a>(client: &'a Client) {
        business_vertical: &'a str = client.vertical,
        timezone: &'a str = client.locale.timezone,
        about: &'a str = "",
        business_description: &'a str = "",
        use_case: &'a str = "",
    }
}

view! {
    /// A channel, as the channel lists show it.
    ChannelView<'a>(channel: &'a Channel, client: &'a Client) {
        id: &'a str = &channel.id,
        client_id: &'a str = &channel.client_id,
        #[serde(rename = "type")]
        kind: &'a str = "whatsapp",
        version: u8 = 2,
        #[serde(flatten)]
        states: &'a States = &channel.states,
        account_mode: &'a str =
            if channel.states.hub_status.as_deref() == Some("sandbox") { "sandbox" } else { "live" },
        is_oba: bool = channel.is_oba,
        is_on_biz_app: bool = channel.is_on_biz_app,
        is_migrated: bool = channel.status() == Some("migration_verified"),
        has_inbox: bool = false,
        external_id: Text<u64> = Text(channel.external_id),
        created_at: Timestamp = channel.created_at,
        modified_at: Timestamp = channel.modified_at,
        billing_started_at: Option<Timestamp> =
            (channel.availability() == Some("ready")).then_some(channel.created_at),
        cancelled_at: Option<Timestamp> = channel.cancelled_at,
        terminated_at: Option<Timestamp> = channel.terminated_at,
        client: ClientOfChannel<'a> = ClientOfChannel::new(client),
        setup_info: SetupInfo<'a> = SetupInfo::new(channel, client),
        waba_account_id: &'a str = &client.waba.id,
        waba_account: WabaView<'a> = WabaView::new(&client.waba, client),
        integration: Integration<'a> = Integration::new(channel),
        project: Project<'a> = Project::new(client),
        profile_info: ProfileInfo<'a> = ProfileInfo::new(client),
    }
}

view! {
    /// The owner of a channel.
    ClientOfChannel<'a>(client: &'a Client) {
        id: &'a str = &client.id,
        name: &'a str = &client.name,
        partner_payload: Option<&'a str> = client.partner_payload.as_deref(),
        contact_info: ContactInfo<'a> = ContactInfo::new(client),
    }
}

view! {
    /// The phone number and its onboarding.
    SetupInfo<'a>(channel: &'a Channel, client: &'a Client) {
        phone_number: Text<u64> = Text(channel.phone_number),
        phone_name: &'a str = &channel.phone_name,
        was_in_use: bool = false,
        ivr: bool = false,
        verification_method: &'a str = if channel.app_id.is_multiple_of(5) { "voice" } else { "sms" },
        certificate: Option<&'a str> = None,
        new_name_status: Option<&'a str> = channel.new_name_status.as_deref(),
        default_language: &'a str = client.locale.language,
        has_integration_layer: bool = false,
        error: Option<&'a str> =
            (channel.availability() == Some("error")).then_some("the number can't be reached on Meta's side"),
        configuration_type: Option<&'a str> = None,
        region: Option<&'a str> = None,
        shards_number: u8 = 1,
    }
}

view! {
    /// A WhatsApp Business account.
    WabaView<'a>(waba: &'a Waba, client: &'a Client) {
        id: &'a str = &waba.id,
        name: &'a str = &waba.name,
        client_id: &'a str = &client.id,
        namespace: Text<Namespace> = Text(Namespace(waba.namespace)),
        external_id: Text<u64> = Text(waba.external_id),
        status: &'a str = &waba.status,
        fb_account_status: &'a str = &waba.fb_account_status,
        fb_business_id: Text<u64> = Text(waba.fb_business_id),
        on_behalf_of_business_info: BusinessInfo<'a> = BusinessInfo::new(waba),
        consents: Consents = Consents {},
        created_at: Timestamp = waba.created_at,
        created_by: Person = SYSTEM,
    }
}

view! {
    /// The business that a WhatsApp Business account belongs to.
    BusinessInfo<'a>(waba: &'a Waba) {
        id: Text<u64> = Text(waba.fb_business_id),
        name: &'a str = &waba.name,
        status: &'a str = "approved",
        #[serde(rename = "type")]
        kind: &'a str = "self",
    }
}

view! {
    /// The application that sends and receives.
    Integration<'a>(channel: &'a Channel) {
        enabled: bool = true,
        app_id: Text<u64> = Text(u64::from(channel.app_id)),
        state: &'a str = if channel.availability() == Some("ready") { "running" } else { "stopped" },
    }
}

view! {
    /// The project of the channel.
    Project<'a>(client: &'a Client) {
        id: &'a str = &client.id,
        name: &'a str = "default",
        license_model: &'a str = "regular",
    }
}

view! {
    /// The public profile of the number.
    ProfileInfo<'a>(client: &'a Client) {
        about_text: &'a str = "",
        business_vertical: &'a str = client.vertical,
        business_description: &'a str = "",
        contact_email: Text<Mailbox<'a>> = Text(Mailbox(&client.mailbox)),
    }
}

view! {
    /// The prepaid balance of a client.
    ClientBalanceView<'a>(client: &'a Client) {
        balance: f64 = client.balance.amount(),
        currency: &'a str = client.balance.currency,
        granularity: &'a str = "month",
        estimated_template_cost: f64 = 0.0,
        usage: [(); 0] = [],
    }
}

view! {
    /// The prepaid balance of the partner in one currency.
    PartnerBalanceView<'a>(balance: &'a Balance) {
        currency: &'a str = balance.currency,
        total: f64 = balance.amount(),
    }
}

/// Who made or changed a record.
#[derive(Debug, Serialize)]
struct Person {
    user_id: &'static str,
    user_name: &'static str,
}

const SYSTEM: Person = Person { user_id: "system", user_name: "system" };

/// An empty object.
#[derive(Debug, Serialize)]
struct Consents {}

/// A value that the API writes as a string.
#[derive(Debug)]
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// `ops@<mailbox>.example`: a reserved domain, so no real address is ever shown.
#[derive(Debug)]
struct Mailbox<'a>(&'a str);

impl Display for Mailbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ops@{}.example", self.0)
    }
}

#[derive(Debug)]
struct Webpage<'a>(&'a str);

impl Display for Webpage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}.example", self.0)
    }
}

#[derive(Debug)]
struct InternationalNumber(u64);

impl Display for InternationalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

#[derive(Debug)]
struct Namespace(u128);

impl Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0;
        write!(
            f,
            "{:08x}_{:04x}_{:04x}_{:04x}_{:012x}",
            bits >> 96,
            (bits >> 80) & 0xffff,
            (bits >> 64) & 0xffff,
            (bits >> 48) & 0xffff,
            bits & 0xffff_ffff_ffff
        )
    }
}
