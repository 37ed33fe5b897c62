//! The JSON shapes of the Partner API, field by field, deprecated fields included. Borrowed from the records,
//! so that a page of a thousand channels is written without building it first.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::records::{Channel, Client, Waba};

/// A number that the API writes as a string.
#[derive(Clone, Copy, Debug)]
struct Digits(u64);

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A text made while it is written.
#[derive(Clone, Copy, Debug)]
struct Written<T>(T);

impl Serialize for Written<std::fmt::Arguments<'_>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[derive(Debug, Serialize)]
struct Person<'a> {
    user_id: &'a str,
    user_name: &'a str,
}

const SYSTEM: Person<'static> = Person { user_id: "system", user_name: "system" };

/// What `GET …/clients` shows of a client.
#[derive(Debug, Serialize)]
pub(super) struct ClientView<'a> {
    id: &'a str,
    name: &'a str,
    status: &'a str,
    organisation: &'a str,
    partner_payload: Option<&'a str>,
    max_channels: Option<i64>,
    created_at: Timestamp,
    modified_at: Timestamp,
    contact_info: ContactInfo<'a>,
    contact_user: ContactUser<'a>,
    meta_info: MetaInfo<'a>,
    created_by: Person<'static>,
    modified_by: Person<'static>,
    suspicious: bool,
    fb_business_id: Option<Digits>,
}

#[derive(Debug, Serialize)]
struct ContactInfo<'a> {
    email: Mailbox<'a>,
    phone: Plus,
    country: &'a str,
    language: &'a str,
    city: &'a str,
    street_name: &'a str,
    zip_code: &'a str,
    full_name: &'a str,
    webpage_url: Webpage<'a>,
}

#[derive(Debug, Serialize)]
struct ContactUser<'a> {
    name: &'a str,
    email: Mailbox<'a>,
    phone: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct MetaInfo<'a> {
    business_vertical: &'a str,
    timezone: &'a str,
    about: &'a str,
    business_description: &'a str,
    use_case: &'a str,
}

/// `ops@<mailbox>.example`: a reserved domain, so no real address is ever shown.
#[derive(Debug)]
struct Mailbox<'a>(&'a str);

impl Serialize for Mailbox<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written(format_args!("ops@{}.example", self.0)).serialize(serializer)
    }
}

#[derive(Debug)]
struct Webpage<'a>(&'a str);

impl Serialize for Webpage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written(format_args!("https://{}.example", self.0)).serialize(serializer)
    }
}

#[derive(Debug)]
struct Plus(u64);

impl Serialize for Plus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written(format_args!("+{}", self.0)).serialize(serializer)
    }
}

fn contact_info(client: &Client) -> ContactInfo<'_> {
    ContactInfo {
        email: Mailbox(&client.mailbox),
        phone: Plus(client.telephone),
        country: client.locale.country,
        language: client.locale.language,
        city: client.city.0,
        street_name: "",
        zip_code: client.city.1,
        full_name: client.person,
        webpage_url: Webpage(&client.mailbox),
    }
}

impl<'a> ClientView<'a> {
    /// The view of a client.
    pub(super) fn new(client: &'a Client) -> Self {
        Self {
            id: &client.id,
            name: &client.name,
            status: &client.status,
            organisation: &client.name,
            partner_payload: client.partner_payload.as_deref(),
            max_channels: client.max_channels,
            created_at: client.created_at,
            modified_at: client.modified_at,
            contact_info: contact_info(client),
            contact_user: ContactUser { name: client.person, email: Mailbox(&client.mailbox), phone: None },
            meta_info: MetaInfo {
                business_vertical: client.vertical,
                timezone: client.locale.timezone,
                about: "",
                business_description: "",
                use_case: "",
            },
            created_by: SYSTEM,
            modified_by: SYSTEM,
            suspicious: false,
            fb_business_id: Some(Digits(client.waba.fb_business_id)),
        }
    }
}

/// What the channel lists show of a channel.
#[derive(Debug, Serialize)]
pub(super) struct ChannelView<'a> {
    id: &'a str,
    client_id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    version: u8,
    status: Option<&'a str>,
    hub_status: Option<&'a str>,
    availability_status: Option<&'a str>,
    account_mode: &'static str,
    current_limit: Option<&'a str>,
    current_quality_rating: Option<&'a str>,
    current_quality_update_event: Option<&'a str>,
    is_oba: bool,
    is_on_biz_app: bool,
    is_migrated: bool,
    has_inbox: bool,
    external_id: Digits,
    created_at: Timestamp,
    modified_at: Timestamp,
    billing_started_at: Option<Timestamp>,
    cancelled_at: Option<Timestamp>,
    terminated_at: Option<Timestamp>,
    client: ClientOfChannel<'a>,
    setup_info: SetupInfo<'a>,
    waba_account_id: &'a str,
    waba_account: WabaView<'a>,
    integration: Integration,
    project: Project<'a>,
    profile_info: ProfileInfo<'a>,
}

#[derive(Debug, Serialize)]
struct ClientOfChannel<'a> {
    id: &'a str,
    name: &'a str,
    partner_payload: Option<&'a str>,
    contact_info: ContactInfo<'a>,
}

#[derive(Debug, Serialize)]
struct SetupInfo<'a> {
    phone_number: Digits,
    phone_name: &'a str,
    was_in_use: bool,
    ivr: bool,
    verification_method: &'static str,
    certificate: Option<&'a str>,
    new_name_status: Option<&'a str>,
    default_language: &'a str,
    has_integration_layer: bool,
    error: Option<&'static str>,
    configuration_type: Option<&'a str>,
    region: Option<&'a str>,
    shards_number: u8,
}

#[derive(Debug, Serialize)]
struct WabaView<'a> {
    id: &'a str,
    name: &'a str,
    client_id: &'a str,
    namespace: Namespace,
    external_id: Digits,
    status: &'static str,
    fb_account_status: &'static str,
    fb_business_id: Digits,
    on_behalf_of_business_info: BusinessInfo<'a>,
    consents: Consents,
    created_at: Timestamp,
    created_by: Person<'static>,
}

#[derive(Debug, Serialize)]
struct Consents {}

#[derive(Debug, Serialize)]
struct BusinessInfo<'a> {
    id: Digits,
    name: &'a str,
    status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Debug)]
struct Namespace(u128);

impl Serialize for Namespace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bits = self.0;
        Written(format_args!(
            "{:08x}_{:04x}_{:04x}_{:04x}_{:012x}",
            bits >> 96,
            (bits >> 80) & 0xffff,
            (bits >> 64) & 0xffff,
            (bits >> 48) & 0xffff,
            bits & 0xffff_ffff_ffff
        ))
        .serialize(serializer)
    }
}

#[derive(Debug, Serialize)]
struct Integration {
    enabled: bool,
    app_id: Digits,
    state: &'static str,
}

#[derive(Debug, Serialize)]
struct Project<'a> {
    id: &'a str,
    name: &'static str,
    license_model: &'static str,
}

#[derive(Debug, Serialize)]
struct ProfileInfo<'a> {
    about_text: &'static str,
    business_vertical: &'a str,
    business_description: &'static str,
    contact_email: Mailbox<'a>,
}

impl<'a> ChannelView<'a> {
    /// The view of a channel and the client that owns it.
    pub(super) fn new(channel: &'a Channel, client: &'a Client) -> Self {
        let ready = channel.availability_status.as_deref() == Some("ready");
        let failed = channel.availability_status.as_deref() == Some("error");
        Self {
            id: &channel.id,
            client_id: &channel.client_id,
            kind: "whatsapp",
            version: 2,
            status: channel.status.as_deref(),
            hub_status: channel.hub_status.as_deref(),
            availability_status: channel.availability_status.as_deref(),
            account_mode: if channel.hub_status.as_deref() == Some("sandbox") { "sandbox" } else { "live" },
            current_limit: channel.current_limit.as_deref(),
            current_quality_rating: channel.current_quality_rating.as_deref(),
            current_quality_update_event: channel.current_quality_update_event.as_deref(),
            is_oba: channel.is_oba,
            is_on_biz_app: channel.is_on_biz_app,
            is_migrated: channel.status.as_deref() == Some("migration_verified"),
            has_inbox: false,
            external_id: Digits(channel.external_id),
            created_at: channel.created_at,
            modified_at: channel.modified_at,
            billing_started_at: ready.then_some(channel.created_at),
            cancelled_at: channel.cancelled_at,
            terminated_at: channel.terminated_at,
            client: ClientOfChannel {
                id: &client.id,
                name: &client.name,
                partner_payload: client.partner_payload.as_deref(),
                contact_info: contact_info(client),
            },
            setup_info: SetupInfo {
                phone_number: Digits(channel.phone_number),
                phone_name: &channel.phone_name,
                was_in_use: false,
                ivr: false,
                verification_method: if channel.app_id.is_multiple_of(5) { "voice" } else { "sms" },
                certificate: None,
                new_name_status: channel.new_name_status.as_deref(),
                default_language: client.locale.language,
                has_integration_layer: false,
                error: failed.then_some("the number can't be reached on Meta's side"),
                configuration_type: None,
                region: None,
                shards_number: 1,
            },
            waba_account_id: &client.waba.id,
            waba_account: waba(&client.waba, client),
            integration: Integration {
                enabled: true,
                app_id: Digits(u64::from(channel.app_id)),
                state: if ready { "running" } else { "stopped" },
            },
            project: Project { id: &client.id, name: "default", license_model: "regular" },
            profile_info: ProfileInfo {
                about_text: "",
                business_vertical: client.vertical,
                business_description: "",
                contact_email: Mailbox(&client.mailbox),
            },
        }
    }
}

fn waba<'a>(waba: &'a Waba, client: &'a Client) -> WabaView<'a> {
    WabaView {
        id: &waba.id,
        name: &waba.name,
        client_id: &client.id,
        namespace: Namespace(waba.namespace),
        external_id: Digits(waba.external_id),
        status: "approved",
        fb_account_status: "verified",
        fb_business_id: Digits(waba.fb_business_id),
        on_behalf_of_business_info: BusinessInfo {
            id: Digits(waba.fb_business_id),
            name: &waba.name,
            status: "approved",
            kind: "self",
        },
        consents: Consents {},
        created_at: waba.created_at,
        created_by: SYSTEM,
    }
}
