//! `clients update`: the API's one write. The change is shown and confirmed before
//! it is sent, once, and shown again as the API reports it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;
use serde::Serialize;

use crate::cli::access::{self, failure, setting_error};
use crate::cli::failure::Failure;
use crate::cli::records::{self, Format, OutputFlags, Records};
use crate::cli::terminal::{Progress, Screen, print};
use crate::config::{Flags, PartnerConfig};
use crate::model::{Client, ClientId};
use crate::partner_api::http::HttpTransport;
use crate::partner_api::{ApiError, ClientUpdate, PartnerApi, Retries};
use crate::view::{CLIENT_FIELDS, ClientRow, Field, Object, Value, visible};

pub(super) const EXAMPLES: &str = "\
Examples:
  See what would change, and send nothing:
      d360_exporter clients update abc123CL --max-channels 20 --dry-run
  Change it, after a question:
      d360_exporter clients update abc123CL --max-channels 20
  Change it in a script:
      d360_exporter clients update abc123CL --partner-payload tier=gold --yes";

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
    /// Do not ask; needed without a terminal
    #[arg(long, short)]
    yes: bool,
    /// Show the change and send nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Allow a `--max-channels` below the number of channels that the client has
    #[arg(long)]
    force: bool,
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
        return Err(setting_error("clients update", message).into());
    }
    let config = access::load(&flags.flags)?;
    let partner = access::single_partner(&config)?;
    let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !(flags.yes || flags.dry_run || can_ask) {
        let message = "expected this flag, because there is no terminal to ask on; --dry-run shows the change";
        return Err(setting_error("--yes", message).into());
    }
    let api = access::connect(partner)?;
    let client = Target { partner, api, id: ClientId::from(flags.client.as_str()) };

    let mut before = client.read().await?;
    if let Some(max) = flags.max_channels.filter(|_| !flags.force) {
        client.refuse_below_used(max).await?;
    }
    if flags.dry_run {
        show(flags.output.output, partner, &before, &planned(&before, &update))?;
        eprintln!("nothing was sent (--dry-run)");
        return Ok(());
    }
    if !flags.yes {
        client.confirm(&mut before, &update).await?;
    }
    let after = client.update(&update).await?;
    show(flags.output.output, partner, &before, &after)?;
    in_force(&update, &after).map_err(Failure::Run)
}

/// The client that is to be changed.
struct Target<'a> {
    partner: &'a PartnerConfig,
    api: PartnerApi<HttpTransport>,
    id: ClientId,
}

impl Target<'_> {
    /// The client as it is now.
    async fn read(&self) -> anyhow::Result<Client> {
        let Self { partner, api, id } = self;
        let _progress = Progress::spinner(format!("looking for {id} among the clients of {}", partner.id));
        let listed = api.clients(None).await.map_err(|e| anyhow::anyhow!(failure(partner, "list the clients", &e)))?;
        listed.items.into_iter().find(|client| client.id == *id).ok_or_else(|| {
            anyhow::anyhow!(
                "partner {}: expected a client `{id}`, found none of that id; nothing was changed; \
                 `d360_exporter clients list` shows the ids",
                partner.id
            )
        })
    }

    /// Fails if the client has more channels than it would be allowed.
    async fn refuse_below_used(&self, max: u64) -> anyhow::Result<()> {
        let Self { partner, api, id } = self;
        let _progress = Progress::spinner(format!("counting the channels of {id}"));
        let what = format!("count the channels of the client `{id}`");
        let channels = api.client_channels(id, Retries::Transient).await;
        let used = channels.map_err(|e| anyhow::anyhow!(failure(partner, &what, &e)))?.items.len() as u64;
        anyhow::ensure!(
            max >= used,
            "partner {}: expected --max-channels of at least {used}, the channels that the client `{id}` has, found \
             {max}; nothing was changed; --force sends it all the same",
            partner.id
        );
        Ok(())
    }

    /// Asks until the client is what was shown when the person agreed.
    async fn confirm(&self, before: &mut Client, update: &ClientUpdate) -> anyhow::Result<()> {
        loop {
            anyhow::ensure!(confirmed(before, update)?, "nothing was changed");
            let now = self.read().await?;
            if now == *before {
                return Ok(());
            }
            eprintln!("the client changed meanwhile; this is it now:");
            *before = now;
        }
    }

    async fn update(&self, update: &ClientUpdate) -> anyhow::Result<Client> {
        let Self { partner, api, id } = self;
        let _progress = Progress::spinner(format!("updating {id}"));
        api.update_client(id, update).await.map_err(|e| anyhow::anyhow!(not_updated(partner, id, &e)))
    }
}

/// Shows the change and asks.
fn confirmed(before: &Client, update: &ClientUpdate) -> std::io::Result<bool> {
    let mut err = std::io::stderr().lock();
    writeln!(err, "client {} {}", visible(before.id.as_str()), visible(before.name.as_deref().unwrap_or_default()))?;
    for Difference { field, before, after } in
        differences(before, &planned(before, update), &["max_channels", "partner_payload"])
    {
        if before != after {
            let text = |value: &Value| match value {
                Value::Missing => "none".to_owned(),
                value => visible(&value.plain()).into_owned(),
            };
            writeln!(err, "  {field}: {} -> {}", text(&before), text(&after))?;
        }
    }
    write!(err, "Change it? [y/N] ")?;
    err.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// The client as it should be afterwards.
fn planned(before: &Client, update: &ClientUpdate) -> Client {
    let mut after = before.clone();
    if let Some(max) = update.max_channels {
        after.max_channels = Some(max);
    }
    if let Some(payload) = &update.partner_payload {
        after.partner_payload = Some(payload.as_str().into());
    }
    after
}

/// The API has been seen to line 429 and 5xx to writes that took effect.
fn not_updated(partner: &PartnerConfig, id: &ClientId, error: &ApiError) -> String {
    let doubt = match error.status {
        Some(400..=428) => "nothing was changed",
        _ => "it may have taken effect all the same, and was not sent again: look with `d360_exporter clients list`",
    };
    format!("{}; {doubt}", failure(partner, &format!("update the client `{id}`"), error))
}

/// Writes the client before and after.
fn show(format: Format, partner: &PartnerConfig, before: &Client, after: &Client) -> std::io::Result<()> {
    let mut out = Vec::new();
    if format == Format::Json {
        #[derive(Serialize)]
        struct BeforeAndAfter<'a> {
            before: Object<'a, ClientRow>,
            after: Object<'a, ClientRow>,
        }
        let rows = [before, after].map(|client| ClientRow::new(partner.id.clone(), client.clone()));
        let [before, after] = [&rows[0], &rows[1]].map(|row| Object { fields: CLIENT_FIELDS, row });
        records::write_json(&mut out, &BeforeAndAfter { before, after })?;
    } else {
        let shown = ["id", "name", "max_channels", "partner_payload", "modified_at"];
        let rows = differences(before, after, &shown);
        Records::of(DIFFERENCE, &rows, &[]).write(&mut out, format, Screen::stdout())?;
    }
    print(&out)
}

/// Some fields before and after.
fn differences(before: &Client, after: &Client, names: &[&str]) -> Vec<Difference> {
    let [before, after] = [before, after].map(|client| ClientRow::new("".into(), client.clone()));
    let fields = CLIENT_FIELDS.iter().filter(|field| names.contains(&field.name));
    fields
        .map(|field| Difference { field: field.name, before: (field.value)(&before), after: (field.value)(&after) })
        .collect()
}

/// A response of success that shows other values is none.
fn in_force(update: &ClientUpdate, after: &Client) -> anyhow::Result<()> {
    if let Some(asked) = update.max_channels
        && after.max_channels != Some(asked)
    {
        anyhow::bail!("expected max_channels {asked} in the API's response, found {}", or_none(after.max_channels));
    }
    if let Some(asked) = update.partner_payload.as_deref()
        && after.partner_payload.as_deref().unwrap_or_default() != asked
    {
        anyhow::bail!("expected the new partner_payload in the API's response, found another one");
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
    fn a_response_with_other_values_than_requested_is_a_failure() {
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
            Err("expected max_channels 9 in the API's response, found none".to_owned())
        );
        assert_eq!(
            said(client(Some(9), None)),
            Err("expected the new partner_payload in the API's response, found another one".to_owned())
        );
    }

    #[test]
    fn a_payload_that_was_cleared_may_come_back_as_none() {
        let asked = ClientUpdate { max_channels: None, partner_payload: Some(String::new()) };
        assert!(in_force(&asked, &Client::new("a1CL")).is_ok());
    }
}
