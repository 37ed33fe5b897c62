//! `clients list` and `clients update`: a partner's clients.

mod update;

use std::collections::HashMap;

use clap::{Args, Subcommand};

use super::access::{self, Problems};
use super::channels::{column, show};
use super::failure::Failure;
use super::records::{OutputFlags, Records};
use super::terminal::Progress;
use crate::config::{Flags, PartnerConfig};
use crate::model::{Client, ClientId, Reason};
use crate::partner_api::http::HttpTransport;
use crate::partner_api::{ApiError, PartnerApi};
use crate::view::{CLIENT_FIELDS, ClientRow, Search, Sort, sort_rows};

/// The columns that a table can do without, the first of them first.
const EXPENDABLE: &[&str] = &["created_at", "status", "partner_id", "max_channels", "channels"];

const LIST_EXAMPLES: &str = "\
Examples:
  All clients by name, with the channels that they use and may have:
      d360_exporter clients list
  A client by a part of its name:
      d360_exporter clients list --search bakery
  The newest clients first, as JSON:
      d360_exporter clients list --sort -created_at -o json

A table that is wider than the terminal first drops these columns, in this order: created_at, status, partner_id,
max_channels, channels. Then it cuts long names.";

/// The commands about clients.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum ClientsCommand {
    /// List the clients
    #[command(after_help = LIST_EXAMPLES)]
    List(Box<ListFlags>),
    /// Change a client: the one command that writes
    #[command(after_help = update::EXAMPLES)]
    Update(Box<update::UpdateFlags>),
}

/// The flags of `clients list`.
#[derive(Debug, Clone, Args)]
pub(super) struct ListFlags {
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    output: OutputFlags,
    /// Only clients with one of these statuses, such as `active`
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    status: Vec<String>,
    /// Only clients with this in their name or id; case and accents do not matter
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Field to sort by, as JSON and CSV name it; `-FIELD` is descending
    #[arg(long, value_name = "FIELD", default_value = "name", allow_hyphen_values = true,
        value_parser = |text: &str| Sort::parse(text, CLIENT_FIELDS))]
    sort: Sort,
    /// Only these columns, in this order, as JSON and CSV name them
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = |text: &str| column(text, CLIENT_FIELDS))]
    columns: Vec<&'static str>,
}

/// Runs one of the commands.
pub(super) async fn run(command: &ClientsCommand) -> Result<(), Failure> {
    match command {
        ClientsCommand::List(flags) => list(flags).await,
        ClientsCommand::Update(flags) => update::run(flags).await,
    }
}

async fn list(flags: &ListFlags) -> Result<(), Failure> {
    let config = access::load(&flags.flags)?;
    let search = Search::new(flags.search.as_deref().unwrap_or_default());
    let mut problems = Problems::default();
    let mut rows = Vec::new();
    for partner in &config.partners {
        let api = access::connect(partner)?;
        let progress = Progress::spinner(format!("listing the clients of {}", partner.id));
        match api.clients(None).await {
            Ok(listing) => {
                if !listing.is_complete() {
                    problems.incomplete(partner, "clients");
                }
                let used = used(partner, &api, &progress, &mut problems).await;
                let wanted = listing.items.into_iter().filter(|client| has_status(flags, client));
                let wanted = wanted.map(|client| {
                    let channels = used.as_ref().map(|used| used.get(&client.id).copied().unwrap_or_default());
                    ClientRow { channels, ..ClientRow::new(partner.id.clone(), client) }
                });
                rows.extend(wanted.filter(|row| search.is_empty() || search.finds(row.texts(), "")));
            }
            Err(error) => problems.failed(partner, "list the clients", &error),
        }
    }
    sort_rows(&mut rows, CLIENT_FIELDS, flags.sort);
    let mut records = Records::of(CLIENT_FIELDS, &rows, EXPENDABLE);
    if config.partners.len() == 1 {
        records.hide(&["partner_id"]);
    }
    // Nothing read is not "nothing there".
    if problems.is_empty() || !rows.is_empty() {
        show(records, &flags.output, &flags.columns)?;
    }
    problems.finish()
}

/// How many channels each client has, by the partner's channel list; `None` if
/// the key may not read it.
async fn used(
    partner: &PartnerConfig,
    api: &PartnerApi<HttpTransport>,
    progress: &Progress,
    problems: &mut Problems,
) -> Option<HashMap<ClientId, u64>> {
    match count(partner, api, progress).await {
        Ok(used) => Some(used),
        Err(error) => {
            if !matches!(error.reason, Reason::Forbidden | Reason::NotFound) {
                problems.failed(partner, "count the channels", &error);
            }
            None
        }
    }
}

async fn count(
    partner: &PartnerConfig,
    api: &PartnerApi<HttpTransport>,
    progress: &Progress,
) -> Result<HashMap<ClientId, u64>, ApiError> {
    let mut used: HashMap<ClientId, u64> = HashMap::new();
    let mut read = 0;
    let mut pages = api.partner_channels(None);
    while let Some(page) = pages.next_page().await? {
        read += page.len();
        progress.says(format!("counting the channels of {}: {read}", partner.id));
        for client in page.into_iter().filter_map(|owned| owned.client) {
            *used.entry(client).or_default() += 1;
        }
    }
    Ok(used)
}

/// What a filter of the API means is not documented, so the whole list is read
/// and filtered here.
fn has_status(flags: &ListFlags, client: &Client) -> bool {
    let is = |status: &String| client.status.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(status));
    flags.status.is_empty() || flags.status.iter().any(is)
}
