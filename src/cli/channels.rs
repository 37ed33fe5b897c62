//! `channels list`: the channels of all clients, or of one.

use std::collections::HashMap;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::access::{self, Problems};
use super::failure::Failure;
use super::records::{self, Field, Format, OutputFlags, Sort};
use super::terminal::{Progress, Screen, print};
use super::value::{Tone, Value};
use crate::config::{Flags, PartnerConfig};
use crate::model::{
    Availability, Channel, Client, ClientId, LifecycleStatus, MessagingLimit, PartnerId, QualityRating, Reason,
    ShortText,
};
use crate::partner_api::http::HttpTransport;
use crate::partner_api::wire::OwnedChannel;
use crate::partner_api::{ApiError, PartnerApi, Retries};

/// The commands about channels.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum ChannelsCommand {
    /// List the channels
    List(Box<ListFlags>),
}

/// The flags of `channels list`.
#[derive(Debug, Clone, Args)]
pub(super) struct ListFlags {
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    output: OutputFlags,
    /// Only the channels of this client, in one request
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<String>,
    /// Only channels of this availability
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(Availability::ALL.iter().map(|s| s.as_str())))]
    availability: Option<String>,
    /// Only channels of this quality rating
    #[arg(long, value_name = "RATING", value_parser = PossibleValuesParser::new(QualityRating::ALL.iter().map(|s| s.as_str())))]
    rating: Option<String>,
    /// Only channels of this lifecycle status
    #[arg(long, value_name = "STATUS", value_parser = PossibleValuesParser::new(LifecycleStatus::ALL.iter().map(|s| s.as_str())))]
    status: Option<String>,
    /// Only channels of this messaging limit, such as `250`, `TIER_1K` or `unlimited`
    #[arg(long, value_name = "LIMIT", value_parser = limit)]
    limit: Option<MessagingLimit>,
    /// Only channels that a person should look at: not ready, rated below high, or on their way out
    #[arg(long)]
    attention: bool,
    /// Field to sort by, as JSON and CSV name it; `-FIELD` is descending. States sort from good to bad
    #[arg(long, value_name = "FIELD", default_value = "client_id", allow_hyphen_values = true,
        value_parser = |text: &str| Sort::parse(text, FIELDS))]
    sort: Sort,
}

fn limit(text: &str) -> Result<MessagingLimit, String> {
    let tier = format!("TIER_{}", text.strip_prefix("TIER_").unwrap_or(text));
    let parsed = MessagingLimit::parse(&tier).ok().flatten();
    parsed.ok_or_else(|| "expected a limit such as `250`, `TIER_1K` or `unlimited`".to_owned())
}

/// A channel and whose it is.
#[derive(Debug)]
struct Row {
    partner: PartnerId,
    client: Option<ClientId>,
    client_name: Option<ShortText>,
    /// As much of it as is to be shown.
    phone_number: Option<String>,
    channel: Channel,
}

const FIELDS: &[Field<Row>] = &[
    Field { name: "partner_id", heading: Some("PARTNER"), value: |row| Value::Text(row.partner.to_string()) },
    Field {
        name: "client_id",
        heading: Some("CLIENT"),
        value: |row| Value::text(row.client.as_ref().map(ClientId::as_str)),
    },
    Field { name: "client_name", heading: Some("CLIENT NAME"), value: |row| Value::text(row.client_name.as_deref()) },
    Field { name: "id", heading: Some("CHANNEL"), value: |row| Value::Text(row.channel.id.to_string()) },
    Field { name: "phone_number", heading: Some("NUMBER"), value: |row| Value::text(row.phone_number.as_deref()) },
    Field {
        name: "display_name",
        heading: Some("DISPLAY NAME"),
        value: |row| Value::text(row.channel.display_name.as_deref()),
    },
    Field {
        name: "availability_status",
        heading: Some("AVAILABILITY"),
        value: |row| availability(row.channel.availability),
    },
    Field { name: "quality_rating", heading: Some("RATING"), value: |row| quality(row.channel.quality) },
    Field {
        name: "messaging_limit",
        heading: Some("LIMIT"),
        value: |row| match row.channel.limit {
            None => Value::Missing,
            Some(MessagingLimit::Recipients(n)) => Value::Count(n),
            Some(MessagingLimit::Unlimited) => Value::Unlimited,
        },
    },
    Field { name: "status", heading: Some("STATUS"), value: |row| Value::text(Some(row.channel.status.as_str())) },
    Field {
        name: "hub_status",
        heading: None,
        value: |row| Value::text(row.channel.hub_status.map(|status| status.as_str())),
    },
    Field {
        name: "last_quality_event",
        heading: None,
        value: |row| Value::text(row.channel.last_quality_event.as_deref()),
    },
    Field {
        name: "official_business_account",
        heading: None,
        value: |row| Value::bool(row.channel.official_business_account),
    },
    Field { name: "waba_account_id", heading: None, value: |row| Value::text(row.channel.waba_account_id()) },
    Field { name: "created_at", heading: None, value: |row| Value::time(row.channel.created_at) },
    Field { name: "cancelled_at", heading: None, value: |row| Value::time(row.channel.cancelled_at) },
    Field { name: "terminated_at", heading: None, value: |row| Value::time(row.channel.terminated_at) },
];

fn availability(state: Availability) -> Value {
    let tone = match state {
        Availability::Ready => Tone::Good,
        Availability::SettingUp => Tone::Warning,
        Availability::Error => Tone::Bad,
        Availability::Unknown => Tone::Unknown,
    };
    Value::State { text: state.as_str(), rank: state as usize, tone: Some(tone) }
}

fn quality(rating: QualityRating) -> Value {
    let tone = match rating {
        QualityRating::High => Tone::Good,
        QualityRating::Medium => Tone::Warning,
        QualityRating::Low => Tone::Bad,
        QualityRating::Na | QualityRating::Unknown => Tone::Unknown,
    };
    Value::State { text: rating.as_str(), rank: rating as usize, tone: Some(tone) }
}

/// Runs one of the commands.
pub(super) async fn run(command: &ChannelsCommand) -> Result<(), Failure> {
    let ChannelsCommand::List(flags) = command;
    list(flags).await
}

async fn list(flags: &ListFlags) -> Result<(), Failure> {
    let config = access::load(&flags.flags)?;
    let client = flags.client.as_deref().map(ClientId::from);
    if client.is_some() {
        access::single_partner(&config)?;
    }
    let mut problems = Problems::default();
    let mut rows = Vec::new();
    for partner in &config.partners {
        let mut read = Read { partner, api: access::connect(partner)?, problems: &mut problems };
        let (names, channels) = match &client {
            Some(client) => {
                let _progress = Progress::walk(format!("reading the channels of {client}"));
                (HashMap::new(), read.client(client).await)
            }
            None => read.partner().await,
        };
        for OwnedChannel { client, channel } in channels.into_iter().filter(|owned| wanted(flags, &owned.channel)) {
            let shown = config.render.phone_numbers.shown(channel.phone_number.as_deref());
            rows.push(Row {
                partner: partner.id.clone(),
                client_name: client.as_ref().and_then(|id| names.get(id)?.clone()),
                client,
                phone_number: (!shown.is_empty()).then(|| shown.into_owned()),
                channel,
            });
        }
    }
    records::sort(&mut rows, FIELDS, &flags.sort);
    let several = config.partners.len() > 1;
    let table = flags.output.output == Format::Table;
    let fields: Vec<_> = FIELDS
        .iter()
        .filter(|field| match field.name {
            "partner_id" => several || !table,
            // One client's list says nothing of its name.
            "client_name" => client.is_none(),
            "client_id" => client.is_none() || !table,
            _ => true,
        })
        .collect();
    // Nothing read is not "nothing there".
    if problems.is_empty() || !rows.is_empty() {
        let mut out = Vec::new();
        records::write(&mut out, flags.output.output, Screen::stdout(), &fields, &rows)?;
        print(&out)?;
    }
    problems.finish()
}

fn wanted(flags: &ListFlags, channel: &Channel) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
    is(&flags.availability, channel.availability.as_str())
        && is(&flags.rating, channel.quality.as_str())
        && is(&flags.status, channel.status.as_str())
        && flags.limit.is_none_or(|limit| channel.limit == Some(limit))
        && (!flags.attention || channel.needs_attention())
}

/// The reads of one partner.
struct Read<'a> {
    partner: &'a PartnerConfig,
    api: PartnerApi<HttpTransport>,
    problems: &'a mut Problems,
}

impl Read<'_> {
    async fn client(&mut self, client: &ClientId) -> Vec<OwnedChannel> {
        let listing = match self.api.client_channels(client, Retries::Transient).await {
            Ok(listing) => listing,
            Err(error) => {
                self.problems.failed(self.partner, &format!("read the channels of the client `{client}`"), &error);
                return Vec::new();
            }
        };
        if !listing.is_complete() {
            self.problems.incomplete(self.partner, &format!("channels of the client `{client}`"));
        }
        listing.items.into_iter().map(|channel| OwnedChannel { client: Some(client.clone()), channel }).collect()
    }

    /// The clients' names and all channels: by the partner's list if the API
    /// lets us, or else client by client.
    async fn partner(&mut self) -> (HashMap<ClientId, Option<ShortText>>, Vec<OwnedChannel>) {
        let progress = Progress::walk(format!("listing the clients of {}", self.partner.id));
        let clients: Vec<Client> = match self.api.clients(None).await {
            Ok(listing) => {
                if !listing.is_complete() {
                    self.problems.incomplete(self.partner, "clients");
                }
                listing.items
            }
            Err(error) => {
                self.problems.failed(self.partner, "list the clients", &error);
                return (HashMap::new(), Vec::new());
            }
        };
        let channels = match walk(&self.api, &progress).await {
            Ok((channels, complete)) => {
                if !complete {
                    self.problems.incomplete(self.partner, "channels");
                }
                channels
            }
            Err(error) if matches!(error.reason, Reason::Forbidden | Reason::NotFound) => {
                drop(progress);
                self.one_by_one(&clients).await
            }
            Err(error) => {
                self.problems.failed(self.partner, "read the partner's channel list", &error);
                Vec::new()
            }
        };
        let names = clients.into_iter().map(|client| (client.id, client.name)).collect();
        (names, channels)
    }

    async fn one_by_one(&mut self, clients: &[Client]) -> Vec<OwnedChannel> {
        let progress = Progress::steps(format!("reading the channels of {}", self.partner.id), clients.len());
        let mut channels = Vec::new();
        for client in clients {
            channels.extend(self.client(&client.id).await);
            progress.step();
        }
        channels
    }
}

/// Walks the partner's channel list: the channels, and whether these are all.
async fn walk(api: &PartnerApi<HttpTransport>, progress: &Progress) -> Result<(Vec<OwnedChannel>, bool), ApiError> {
    let mut walk = api.partner_channels(None);
    let mut channels = Vec::new();
    while let Some(page) = walk.next_page().await? {
        channels.extend(page);
        progress.says(format!("reading the channels of {}: {}", api.partner(), channels.len()));
    }
    Ok((channels, walk.finish().is_complete()))
}
