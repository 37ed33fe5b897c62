//! `clients update`: the API's one write, sent once, shown before and after.

use clap::Args;
use serde::Serialize;

use super::{FIELDS, Row};
use crate::cli::Failure;
use crate::cli::access::{self, failure, mistake};
use crate::cli::records::{self, Field, Format, Object, OutputFlags};
use crate::cli::terminal::{Progress, Screen, print};
use crate::cli::value::Value;
use crate::config::{Flags, PartnerConfig};
use crate::model::{Client, ClientId};
use crate::partner_api::{ApiError, ClientUpdate};

/// The flags of `clients update`.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct UpdateFlags {
    /// Id of the client
    #[arg(value_name = "CLIENT_ID")]
    client: String,
    /// Most channels that the client may have
    #[arg(long, value_name = "COUNT")]
    max_channels: Option<u64>,
    /// Free text of your own; an empty text clears it
    #[arg(long, value_name = "TEXT")]
    partner_payload: Option<String>,
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    output: OutputFlags,
}

/// A field before and after.
#[derive(Debug)]
struct Difference {
    field: &'static str,
    before: Value,
    after: Value,
}

const DIFFERENCE: &[Field<Difference>] = &[
    Field { name: "field", heading: Some("FIELD"), value: |row| Value::Text(row.field.to_owned()) },
    Field { name: "before", heading: Some("BEFORE"), value: |row| row.before.clone() },
    Field { name: "after", heading: Some("AFTER"), value: |row| row.after.clone() },
];

/// Updates the client.
pub(super) async fn run(flags: &UpdateFlags) -> Result<(), Failure> {
    let update = ClientUpdate { partner_payload: flags.partner_payload.clone(), max_channels: flags.max_channels };
    if update == ClientUpdate::default() {
        let message = "expected at least one of --max-channels and --partner-payload, found neither";
        return Err(mistake("clients update", message).into());
    }
    let config = access::load(&flags.flags)?;
    let partner = access::single_partner(&config)?;
    let api = access::connect(partner)?;
    let id = ClientId::from(flags.client.as_str());

    let progress = Progress::walk(format!("looking for {id} among the clients of {}", partner.id));
    let listed = api.clients(None).await.map_err(|e| anyhow::anyhow!(failure(partner, "list the clients", &e)))?;
    let before = listed.items.into_iter().find(|client| client.id == id).ok_or_else(|| {
        anyhow::anyhow!(
            "partner {}: expected a client `{id}`, found none of that id; nothing was changed; \
             `d360_exporter clients list` shows the ids",
            partner.id
        )
    })?;
    progress.says(format!("updating {id}"));
    let after = api.update_client(&id, &update).await.map_err(|e| anyhow::anyhow!(not_updated(partner, &id, &e)))?;
    drop(progress);

    let mut out = Vec::new();
    show(&mut out, flags.output.output, partner, before, &after)?;
    print(&out)?;
    in_force(&update, &after).map_err(Failure::Run)
}

/// The API has been seen to answer 429 and 5xx to writes that took effect.
fn not_updated(partner: &PartnerConfig, id: &ClientId, error: &ApiError) -> String {
    let doubt = match error.status {
        Some(400..=428) => "nothing was changed",
        _ => "it may have taken effect all the same, and was not sent again: look with `d360_exporter clients list`",
    };
    format!("{}; {doubt}", failure(partner, &format!("update the client `{id}`"), error))
}

fn show(
    out: &mut Vec<u8>,
    format: Format,
    partner: &PartnerConfig,
    before: Client,
    after: &Client,
) -> std::io::Result<()> {
    let [before, after] = [before, after.clone()].map(|client| Row { partner: partner.id.clone(), client });
    if format == Format::Json {
        #[derive(Serialize)]
        struct BeforeAndAfter<'a> {
            before: Object<'a, Row>,
            after: Object<'a, Row>,
        }
        let fields: Vec<_> = FIELDS.iter().collect();
        let [before, after] = [&before, &after].map(|row| Object { fields: &fields, row });
        return records::write_json(out, &BeforeAndAfter { before, after });
    }
    let shown = ["id", "name", "max_channels", "partner_payload", "modified_at"];
    let rows: Vec<Difference> = FIELDS
        .iter()
        .filter(|field| shown.contains(&field.name))
        .map(|field| Difference { field: field.name, before: (field.value)(&before), after: (field.value)(&after) })
        .collect();
    records::write(out, format, Screen::stdout(), &DIFFERENCE.iter().collect::<Vec<_>>(), &rows)
}

/// An answer of success that shows other values is none.
fn in_force(update: &ClientUpdate, after: &Client) -> anyhow::Result<()> {
    if let Some(asked) = update.max_channels
        && after.max_channels != Some(asked)
    {
        anyhow::bail!("expected max_channels {asked} in the API's answer, found {}", or_none(after.max_channels));
    }
    if let Some(asked) = update.partner_payload.as_deref()
        && after.partner_payload.as_deref().unwrap_or_default() != asked
    {
        anyhow::bail!("expected the new partner_payload in the API's answer, found another one");
    }
    Ok(())
}

fn or_none(count: Option<u64>) -> String {
    count.map_or_else(|| "none".to_owned(), |n| n.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_shows_other_values_than_asked_for_is_a_failure() {
        let asked = ClientUpdate { max_channels: Some(9), partner_payload: Some("gold".to_owned()) };
        let client = |max, payload: Option<&str>| Client {
            max_channels: max,
            partner_payload: payload.map(Into::into),
            ..Client::new("a1CL")
        };
        let said = |after| in_force(&asked, &after).map_err(|e| e.to_string());
        assert_eq!(said(client(Some(9), Some("gold"))), Ok(()));
        assert_eq!(
            said(client(None, Some("gold"))),
            Err("expected max_channels 9 in the API's answer, found none".to_owned())
        );
        assert_eq!(
            said(client(Some(9), None)),
            Err("expected the new partner_payload in the API's answer, found another one".to_owned())
        );
    }

    #[test]
    fn a_payload_that_was_cleared_may_come_back_as_none() {
        let asked = ClientUpdate { max_channels: None, partner_payload: Some(String::new()) };
        assert!(in_force(&asked, &Client::new("a1CL")).is_ok());
    }
}
