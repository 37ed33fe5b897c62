//! `clients list` and `clients update`: a partner's clients.

mod update;

use clap::{Args, Subcommand};

use super::access::{self, Problems};
use super::failure::Failure;
use super::records::{self, Field, OutputFlags, Sort};
use super::terminal::{Progress, Screen, print};
use super::value::Value;
use crate::config::Flags;
use crate::model::{Client, PartnerId};

/// The commands about clients.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum ClientsCommand {
    /// List the clients
    List(Box<ListFlags>),
    /// Change a client: the one command that writes
    Update(Box<update::UpdateFlags>),
}

/// The flags of `clients list`.
#[derive(Debug, Clone, Args)]
pub(super) struct ListFlags {
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    output: OutputFlags,
    /// Only clients with this status, such as `active`
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only clients whose name contains this, in any case
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Field to sort by, as JSON and CSV name it; `-FIELD` is descending
    #[arg(long, value_name = "FIELD", default_value = "name", allow_hyphen_values = true,
        value_parser = |text: &str| Sort::parse(text, FIELDS))]
    sort: Sort,
}

/// A client and whose it is.
#[derive(Debug)]
struct Row {
    partner: PartnerId,
    client: Client,
}

const FIELDS: &[Field<Row>] = &[
    Field { name: "partner_id", heading: Some("PARTNER"), value: |row| Value::Text(row.partner.to_string()) },
    Field { name: "id", heading: Some("ID"), value: |row| Value::Text(row.client.id.to_string()) },
    Field { name: "name", heading: Some("NAME"), value: |row| Value::text(row.client.name.as_deref()) },
    Field { name: "status", heading: Some("STATUS"), value: |row| Value::text(row.client.status.as_deref()) },
    Field { name: "max_channels", heading: Some("MAX CHANNELS"), value: |row| Value::count(row.client.max_channels) },
    Field { name: "created_at", heading: Some("CREATED"), value: |row| Value::time(row.client.created_at) },
    Field { name: "modified_at", heading: None, value: |row| Value::time(row.client.modified_at) },
    // May hold anything and be of any length.
    Field { name: "partner_payload", heading: None, value: |row| Value::text(row.client.partner_payload.as_deref()) },
    Field { name: "organisation", heading: None, value: |row| Value::text(row.client.organisation.as_deref()) },
    Field { name: "business_id", heading: None, value: |row| Value::text(row.client.business_id.as_deref()) },
    Field { name: "suspicious", heading: None, value: |row| Value::bool(row.client.suspicious) },
];

/// Runs one of the commands.
pub(super) async fn run(command: &ClientsCommand) -> Result<(), Failure> {
    match command {
        ClientsCommand::List(flags) => list(flags).await,
        ClientsCommand::Update(flags) => update::run(flags).await,
    }
}

async fn list(flags: &ListFlags) -> Result<(), Failure> {
    let config = access::load(&flags.flags)?;
    let mut problems = Problems::default();
    let mut rows = Vec::new();
    for partner in &config.partners {
        let api = access::connect(partner)?;
        let progress = Progress::walk(format!("listing the clients of {}", partner.id));
        let listed = api.clients(None).await;
        drop(progress);
        match listed {
            Ok(listing) => {
                if !listing.is_complete() {
                    problems.incomplete(partner, "clients");
                }
                let wanted = listing.items.into_iter().filter(|client| wanted(flags, client));
                rows.extend(wanted.map(|client| Row { partner: partner.id.clone(), client }));
            }
            Err(error) => problems.failed(partner, "list the clients", &error),
        }
    }
    records::sort(&mut rows, FIELDS, &flags.sort);
    let several = config.partners.len() > 1;
    let table = flags.output.output == records::Format::Table;
    let fields: Vec<_> = FIELDS.iter().filter(|field| several || !table || field.name != "partner_id").collect();
    // Nothing read is not "nothing there".
    if problems.is_empty() || !rows.is_empty() {
        let mut out = Vec::new();
        records::write(&mut out, flags.output.output, Screen::stdout(), &fields, &rows)?;
        print(&out)?;
    }
    problems.finish()
}

/// What a filter of the API means is told nowhere, so the list is walked whole
/// and filtered here.
fn wanted(flags: &ListFlags, client: &Client) -> bool {
    let status = flags.status.as_ref();
    let name = flags.name.as_ref().map(|name| name.to_lowercase());
    status.is_none_or(|status| client.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case(status)))
        && name.is_none_or(|name| client.name.as_deref().is_some_and(|n| n.to_lowercase().contains(&name)))
}
