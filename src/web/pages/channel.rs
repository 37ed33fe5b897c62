//! One channel: everything that the API says of it, and what became of it.

use askama::Template;

use super::changes::Change;
use super::data::named;
use super::layout::{Layout, Section};
use super::table::{Row, alert, runbook};
use super::{Context, Page, links};
use crate::model::Timestamp;
use crate::view::{ChannelRow, Parameter, Query, Value, shortened, visible};

pub(super) const PARAMETERS: &[Parameter] = &[Parameter::Partner, Parameter::Client];

#[derive(Template)]
#[template(path = "channel.html")]
struct Channel {
    layout: Layout,
    title: String,
    places: Vec<Place>,
}

/// A channel at one client; after a move it may be seen at two.
struct Place {
    client: String,
    client_href: String,
    row: Row,
    troubles: Vec<Trouble>,
    facts: Vec<(&'static str, String)>,
    changes: Vec<Change>,
    grafana: Option<String>,
}

/// What is wrong, and where it says what to do.
struct Trouble {
    text: &'static str,
    alert: &'static str,
    runbook: String,
}

pub(super) fn page(context: &Context<'_>, query: &Query, id: &str) -> Page {
    let asked = Query { clients: query.clients.clone(), partners: query.partners.clone(), ..Query::default() };
    let (rows, _) = context.channels(&asked);
    let rows: Vec<_> = rows.into_iter().filter(|row| row.channel.id.as_str() == id).collect();
    let Some(first) = rows.first() else {
        return Page::Missing(format!("No channel has the id {}.", visible(&shortened(id, 60))));
    };
    let layout = Layout::new(context, Section::Channels, 1, query);
    let channel = Channel {
        title: visible(first.channel.display_name.as_deref().unwrap_or(id)).into_owned(),
        places: rows.iter().map(|row| Place::new(context, layout.root, row)).collect(),
        layout,
    };
    Page::of(&channel, query)
}

impl Place {
    fn new(context: &Context<'_>, root: &str, row: &ChannelRow) -> Self {
        let client_id = row.client_id().map(|id| id.as_str()).unwrap_or_default();
        let of_client = Query { clients: vec![client_id.to_owned()], ..Query::default() };
        let changes = context.changes(&of_client);
        let own = changes.iter().filter(|change| change.channel == row.channel.id);
        let troubles = row.troubles.iter().map(|&trouble| {
            let alert = alert(row, trouble);
            Trouble { text: trouble.in_words(), alert, runbook: runbook(context, root, alert) }
        });
        Self {
            client: named(row.client_name(), client_id),
            client_href: links::client(root, client_id),
            row: Row::new(context, root, row),
            troubles: troubles.collect(),
            facts: facts(row),
            changes: own.map(|change| Change::new(context, root, change)).collect(),
            grafana: grafana(context, row),
        }
    }
}

/// Everything that the API says of a channel, deprecated fields last.
fn facts(row: &ChannelRow) -> Vec<(&'static str, String)> {
    let text = |text: Option<&str>| text.map_or_else(|| "–".to_owned(), |text| visible(text).into_owned());
    let time = |at: Option<Timestamp>| at.map_or_else(|| "–".to_owned(), |at| at.to_string());
    let yes = |value: Option<bool>| value.map_or("–", |yes| if yes { "yes" } else { "no" }).to_owned();
    let channel = &*row.channel;
    let waba = channel.waba.as_deref();
    vec![
        ("Channel id", visible(channel.id.as_str()).into_owned()),
        ("Number", text(Some(row.phone_number.as_str()).filter(|number| !number.is_empty()))),
        ("Partner", row.partner.to_string()),
        ("Lifecycle status", channel.status.as_str().to_owned()),
        ("Last quality event", text(channel.last_quality_event.as_deref())),
        (
            "Messaging limit per 24 h",
            text(Some(&Value::limit(channel.limit).plain()).filter(|t| !t.is_empty()).map(|t| &**t)),
        ),
        ("Official business account", yes(channel.official_business_account)),
        ("WhatsApp business account", text(waba.and_then(|waba| waba.name.as_deref()))),
        ("WhatsApp business account id", text(channel.waba_account_id())),
        ("Business account status", text(waba.and_then(|waba| waba.status.as_deref()))),
        ("Business verification", text(waba.and_then(|waba| waba.verification.as_deref()))),
        ("Meta business portfolio", text(waba.and_then(|waba| waba.business_id.as_deref()))),
        ("New display name", text(channel.new_name_status.as_deref())),
        ("Set-up error", text(channel.setup_error.as_deref().filter(|error| !error.is_empty()))),
        ("Also on the Business app", yes(channel.on_business_app)),
        ("Created", time(channel.created_at)),
        ("Cancelled", time(channel.cancelled_at)),
        ("Terminated", time(channel.terminated_at)),
        ("Hub status (deprecated)", text(channel.hub_status.map(|status| status.as_str()))),
        ("Account mode (deprecated)", text(channel.account_mode.map(|mode| mode.as_str()))),
        ("Billing started (deprecated)", time(channel.billing_started_at)),
        ("Version (deprecated)", text(channel.version.map(|version| version.to_string()).as_deref())),
    ]
}

fn grafana(context: &Context<'_>, row: &ChannelRow) -> Option<String> {
    let url = context.settings.grafana_url.as_ref()?.as_str().trim_end_matches('/');
    let client = row.client_id().map(|id| id.as_str()).unwrap_or_default();
    let [partner, client, channel] = [row.partner.as_str(), client, row.channel.id.as_str()].map(links::segment);
    Some(format!("{url}/d/d360-channel?var-partner_id={partner}&var-client_id={client}&var-channel_id={channel}"))
}
