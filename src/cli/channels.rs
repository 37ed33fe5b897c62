//! `channels list`: the channels of all clients, or of some; from the API, or from
//! an exporter that runs.

mod read;
mod remote;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::access::{self, Problems, setting_error};
use super::failure::Failure;
use super::records::{OutputFlags, Records};
use super::terminal::{Screen, print};
use crate::clock::Clock;
use crate::config::Flags;
use crate::model::{Availability, LifecycleStatus, MessagingLimit, QualityRating};
use crate::view::{CHANNEL_FIELDS, ChannelRow, Field, Query, Search, Sort, Trouble, severity, sort_rows};

/// The columns that a table can do without, the first of them first.
const EXPENDABLE: &[&str] = &[
    "status",
    "client_id",
    "attention",
    "waba_account_status",
    "messaging_limit",
    "client_name",
    "partner_id",
    "phone_number",
    "quality_rating",
];

/// Found what was looked for, with `--exit-code`.
const FOUND: u8 = 3;

/// The shortest interval of `--watch`.
const MIN_WATCH: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
Examples:
  All channels, the worst first:
      d360_exporter channels list
  What needs somebody, again every minute:
      d360_exporter channels list --attention --watch 1m
  Rated low or medium, as CSV for a spreadsheet:
      d360_exporter channels list --rating low,medium -o csv > channels.csv
  Ask a running exporter, which costs no request to the API:
      d360_exporter channels list --from http://localhost:10360 --search munich
  Fail a script if any channel is in error (exit code 3):
      d360_exporter channels list --availability error --exit-code

A table that is wider than the terminal first drops these columns, in this order: status, client_id, attention,
waba_account_status, messaging_limit, client_name, partner_id, phone_number, quality_rating. Then it cuts long names.";

/// The commands about channels.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum ChannelsCommand {
    /// List the channels, the worst first
    #[command(after_help = EXAMPLES)]
    List(Box<ListFlags>),
}

/// The flags of `channels list`. Filters take several values, with commas or
/// repeated.
#[derive(Debug, Clone, Args)]
pub(super) struct ListFlags {
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    output: OutputFlags,
    /// Only channels of these clients; a single one takes a single request
    #[arg(long, value_name = "CLIENT_ID", value_delimiter = ',')]
    client: Vec<String>,
    /// Only channels of these availability states
    #[arg(long, value_name = "STATE", value_delimiter = ',',
        value_parser = PossibleValuesParser::new(Availability::ALL.iter().map(|s| s.as_str())))]
    availability: Vec<String>,
    /// Only channels of these quality ratings; `na` is not rated
    #[arg(long, value_name = "RATING", value_delimiter = ',',
        value_parser = PossibleValuesParser::new(QualityRating::ALL.iter().map(|s| s.as_str())))]
    rating: Vec<String>,
    /// Only channels of these lifecycle statuses
    #[arg(long, value_name = "STATUS", value_delimiter = ',',
        value_parser = PossibleValuesParser::new(LifecycleStatus::ALL.iter().map(|s| s.as_str())))]
    status: Vec<String>,
    /// Only channels whose WhatsApp business account has one of these statuses, such as `banned`
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    waba_status: Vec<String>,
    /// Only channels of these messaging limits, such as `250`, `TIER_1K` or `unlimited`
    #[arg(long, value_name = "LIMIT", value_delimiter = ',', value_parser = limit)]
    limit: Vec<MessagingLimit>,
    /// Only channels that need somebody: in error, rated low, in trouble with their account, ending soon, name declined,
    /// stuck in set-up
    #[arg(long)]
    attention: bool,
    /// Only channels with this in a name, number or id; case and accents do not matter
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Field to sort by, as JSON and CSV name it; `-FIELD` is descending. States sort from bad to good
    #[arg(long, value_name = "FIELD", default_value = Sort::SEVERITY, allow_hyphen_values = true,
        value_parser = |text: &str| Sort::parse(text, CHANNEL_FIELDS))]
    sort: Sort,
    /// Only these columns, in this order, as JSON and CSV name them
    #[arg(long, value_name = "FIELD", value_delimiter = ',',
        value_parser = |text: &str| column(text, CHANNEL_FIELDS))]
    columns: Vec<&'static str>,
    /// Ask the exporter that runs at this URL, not the API
    #[arg(long, value_name = "URL")]
    from: Option<url::Url>,
    /// List again and again, until Ctrl-C
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, default_missing_value = "30s", value_parser = interval)]
    watch: Option<Duration>,
    /// Exit with 3 if a channel was found, 0 if none was, 1 on failure
    #[arg(long, conflicts_with = "watch")]
    exit_code: bool,
}

fn limit(text: &str) -> Result<MessagingLimit, String> {
    let tier = format!("TIER_{}", text.strip_prefix("TIER_").unwrap_or(text));
    let parsed = MessagingLimit::parse(&tier).ok().flatten();
    parsed.ok_or_else(|| "expected a limit such as `250`, `TIER_1K` or `unlimited`".to_owned())
}

fn interval(text: &str) -> Result<Duration, String> {
    let expected =
        || format!("expected a duration of at least {}, such as `30s`", humantime::format_duration(MIN_WATCH));
    humantime::parse_duration(text).ok().filter(|interval| *interval >= MIN_WATCH).ok_or_else(expected)
}

/// The name of a field.
pub(super) fn column<T>(text: &str, fields: &[Field<T>]) -> Result<&'static str, String> {
    let known = fields.iter().find(|field| field.name == text.trim());
    known.map(|field| field.name).ok_or_else(|| format!("expected one of {}", Field::names(fields)))
}

/// Runs one of the commands.
pub(super) async fn run(command: &ChannelsCommand) -> Result<ExitCode, Failure> {
    let ChannelsCommand::List(flags) = command;
    let Some(interval) = flags.watch else {
        let found = list(flags).await?;
        return Ok(if flags.exit_code && found > 0 { ExitCode::from(FOUND) } else { ExitCode::SUCCESS });
    };
    loop {
        if Screen::stdout().is_terminal {
            print(b"\x1b[H\x1b[2J\x1b[3J")?;
        }
        match list(flags).await {
            Ok(_) => {}
            Err(Failure::Config(errors)) => return Err(errors.into()),
            // The next time may be better.
            Err(Failure::Run(error)) => eprintln!("error: {error:#}"),
        }
        let now = Clock::system().now().strftime("%Y-%m-%d %H:%M:%SZ");
        print(format!("{now}, again in {}\n", humantime::format_duration(interval)).as_bytes())?;
        tokio::time::sleep(interval).await;
    }
}

/// Lists once, and says how many were found.
async fn list(flags: &ListFlags) -> Result<usize, Failure> {
    let (records, problems) = match &flags.from {
        Some(url) => (remote::list(url, flags).await?, Problems::default()),
        None => from_api(flags).await?,
    };
    let found = records.len();
    // Nothing read is not "nothing there".
    if problems.is_empty() || found > 0 {
        show(records, &flags.output, &flags.columns)?;
    }
    problems.finish()?;
    Ok(found)
}

/// Writes records to standard output, and says on standard error what a table
/// had no room for.
pub(super) fn show(mut records: Records, output: &OutputFlags, columns: &[&'static str]) -> Result<(), Failure> {
    if !columns.is_empty() {
        records.select(columns);
    }
    let mut out = Vec::new();
    let dropped = records.write(&mut out, output.output, Screen::stdout())?;
    print(&out)?;
    if !dropped.is_empty() {
        let _ = writeln!(
            std::io::stderr(),
            "no room for: {}; widen the terminal, choose with --columns, or use --output json",
            dropped.join(", ")
        );
    }
    Ok(())
}

async fn from_api(flags: &ListFlags) -> Result<(Records, Problems), Failure> {
    let config = access::load(&flags.flags)?;
    let single = match flags.client.as_slice() {
        [client] => Some(client.as_str().into()),
        _ => None,
    };
    if single.is_some() {
        access::single_partner(&config)?;
    }
    let query = query(flags);
    let now = Clock::system().now();
    let mut problems = Problems::default();
    let mut rows: Vec<ChannelRow> = Vec::new();
    for partner in &config.partners {
        for mut row in read::channels(partner, single.as_ref(), &mut problems).await? {
            row.phone_number = config.render.phone_numbers.shown(row.channel.phone_number.as_deref()).into();
            row.troubles = Trouble::of(&row, now);
            if query.matches(&row)
                && (flags.limit.is_empty() || flags.limit.iter().any(|l| row.channel.limit == Some(*l)))
            {
                rows.push(row);
            }
        }
    }
    if flags.sort.field == Sort::SEVERITY {
        rows.sort_by_cached_key(|row| (severity(row, now), row.client_id().cloned(), row.channel.id.clone()));
        if flags.sort.descending {
            rows.reverse();
        }
    } else {
        sort_rows(&mut rows, CHANNEL_FIELDS, flags.sort);
    }
    let mut records = Records::of(CHANNEL_FIELDS, &rows, EXPENDABLE);
    if config.partners.len() == 1 {
        records.hide(&["partner_id"]);
    }
    if single.is_some() {
        // One client's list does not say its name.
        records.hide(&["client_name", "client_id"]);
    }
    Ok((records, problems))
}

/// The filters, as the JSON API has them.
fn query(flags: &ListFlags) -> Query {
    let text = |values: &[String]| values.to_vec();
    Query {
        search: Search::new(flags.search.as_deref().unwrap_or_default()),
        clients: text(&flags.client),
        availability: flags.availability.iter().filter_map(|text| Availability::parse(text)).collect(),
        ratings: flags.rating.iter().filter_map(|text| QualityRating::parse(text)).collect(),
        statuses: text(&flags.status),
        waba_statuses: flags.waba_status.iter().map(|status| status.to_lowercase()).collect(),
        attention: flags.attention,
        sort: Some(flags.sort.to_text()),
        ..Query::default()
    }
}

/// What `--from` needs beside the URL.
fn remote_flags(flags: &ListFlags) -> Result<(), Failure> {
    if flags.from.as_ref().is_some_and(|url| !matches!(url.scheme(), "http" | "https")) {
        return Err(setting_error("--from", "expected a URL that begins with http:// or https://").into());
    }
    Ok(())
}

/// A client of which only the id is known.
fn unnamed(id: &crate::model::ClientId) -> Arc<crate::model::Client> {
    Arc::new(crate::model::Client::new(id.clone()))
}
