"""The fleet: is any number in trouble, which one, and what happened?

Whole-fleet numbers come from recording rules (rules/), so they cost the same whatever the size of the fleet. Tables take
at most 500 rows.
"""

from grafana_foundation_sdk.models import dashboard as models

from . import board, parts, tables
from .parts import CHANNEL_KEY, CLIENT, CLIENT_KEY, PARTNER, bars, graph, new_table, per_step, row, state_graph, tile
from .tables import colored, name, prop, width

CHOSEN = 'partner_id=~"$partner_id"'
AVAILABILITY = "partner_status:d360_channel_availability_status:sum"
RATING = "partner_rating:d360_channel_quality_rating:sum"
FIRING = f'alertname=~"D360.+", partner_id=~"$partner_id|"'
GOOD, BAD = (None, "green"), (1, "red")
WATCH = (1, "yellow")


def rated(state):
    """How many channels have a rating."""
    return f'sum({RATING}{{{CHOSEN}, rating="{state}"}})'


def available(state):
    """How many channels are in an availability status."""
    return f'sum({AVAILABILITY}{{{CHOSEN}, status="{state}"}})'


def tiles():
    """Is there trouble?"""
    read = f"max by ({CLIENT_KEY}) (d360_client_last_refresh_timestamp_seconds{{{PARTNER}}})"
    return [
        tile("Channels", "Channels that the exporter serves for the chosen partners. Channels whose data is older than the "
             "staleness bound are in no count.", f"sum({AVAILABILITY}{{{CHOSEN}}})", [(None, "blue")]),
        tile("In error", "Channels with availability status “error”: they can't send or receive.", available("error"),
             [GOOD, BAD], runbook="D360ChannelError"),
        tile("Quality low", "Channels rated “low”. Meta limits or blocks numbers that stay low.", rated("low"), [GOOD, BAD],
             runbook="D360ChannelQualityLow"),
        tile("Quality medium", "Channels rated “medium”: one step before low.", rated("medium"), [GOOD, WATCH]),
        tile("Setting up", "Channels with availability status “setting_up”. Normal for a new number, a problem when it lasts for "
             "days.", available("setting_up"), [(None, "blue")], runbook="D360ChannelStuckInSetup"),
        tile("Unreadable clients", "Clients whose channels could not be read at the last attempt. What is shown for them is the "
             "last good read.", f"sum(1 - max by ({CLIENT_KEY}) (d360_client_up{{{PARTNER}}}))", [GOOD, WATCH],
             runbook="D360ClientUnreadable"),
        tile("Oldest data", "Age of the data of the client that was read longest ago. Yellow above 10 minutes and red above 30: two "
             "poll intervals and the staleness bound at default settings.", f"max(time() - {read})",
             [(None, "green"), (600, "yellow"), (1800, "red")], unit="s", runbook="D360DataTooOld"),
        tile("Unreachable partners", "Partners whose client list could not be read at the last attempt: wrong key, no network, or the "
             "API is down. Nothing below is fresh for them.", f"sum(1 - max by (partner_id) (d360_partner_up{{{PARTNER}}}))",
             [GOOD, BAD], runbook="D360PartnerUnreachable"),
    ]  # fmt: skip


def firing_alerts():
    """What somebody is being told."""
    labels = f"alertname, severity, {CHANNEL_KEY}"
    since = (
        f"max by ({labels}) (time() - ALERTS_FOR_STATE{{{FIRING}}})\n"
        f'and on (alertname, {CHANNEL_KEY}) ALERTS{{{FIRING}, alertstate="firing"}}'
    )
    expr = f"topk(500,\n{parts.with_names(since, always=True)}\n)"
    return tables.build(
        "Firing alerts", "Every alert that fires now, with the time since its cause began. Prometheus' own list: what "
        "Alertmanager silences or inhibits is here, too. Empty is the good case.",
        [expr],
        ["severity", "alertname", *parts.CHANNEL_NAMES.split(", "), ("Value", tables.age("For")), "client_id", "channel_id"],
        hidden=["partner_id"], sort=[("Severity", False), ("For", False)], size=(24, 8),
    )  # fmt: skip


def attention():
    """Channels in trouble, the worst first."""
    return tables.build(
        "Needs attention now", "Every channel with a problem, at most 500, the worst first, its worst problem in the first "
        "column. Recorded every three minutes. Follow a name to its history. Empty is the good case.",
        [f"topk(500, {TROUBLE}{{{RECORDED}}})"],
        [("Value", [name("Problem"), *colored(PROBLEMS, "color-background"), width(190)]), *parts.CHANNEL_NAMES.split(", "),
         "channel_id", "client_id"],
        hidden=["partner_id"], sort=[("Problem", True), ("Client", False)], size=(24, 11),
    )  # fmt: skip


TROUBLE = "channel:d360_channel_info:trouble"
PROBLEMS = {
    6: ("Error", "red"),
    5: ("Quality low", "red"),
    4: ("Status unknown", "purple"),
    3: ("Display name declined", "red"),
    2: ("Ends within 7 days", "yellow"),
    1: ("Quality medium", "yellow"),
}
RECORDED = 'partner_id=~"$partner_id", client_id=~"$client_id"'


def in_range(direction=".+"):
    """The changes of the chosen time range, by what changed; the value is when."""
    recent = f'channel:d360_channel_last_change_timestamp_seconds:recent{{{RECORDED}, direction=~"{direction}"}}'
    labels = f"{CHANNEL_KEY}, field, from, to, direction"
    return f"max by ({labels}) (last_over_time({recent}[$__range])) >= ${{__from:date:seconds}}"


def happened():
    """What happened last night?"""
    gone = f"d360_channel_gone_timestamp_seconds{{{CLIENT}}}"
    gone = f"max by ({CHANNEL_KEY}, {parts.CHANNEL_NAMES}, reason) ({gone})"
    return [
        tile("Got worse", "Changes for the worse in the chosen time range, recovered ones too.",
             f"count({in_range('worse')}) or vector(0)", [GOOD, WATCH], width=4),
        tile("Got better", "Changes for the better in the chosen time range.",
             f"count({in_range('better')}) or vector(0)", [(None, "blue")], width=4),
        tile("Gone", "Channels that left in the chosen time range.",
             f"count({gone} >= ${{__from:date:seconds}}) or vector(0)", [GOOD, WATCH], width=4, runbook="D360ChannelDisappeared"),
        per_step(graph("Transitions", "Changes of a watched field that the exporter counted, by field and new value. Grows with every "
                       "exporter that reads the same channels.",
                       [(f"sum by (field, to) (max by (job, instance, partner_id, field, from, to) "
                         f"(increase(d360_channel_transitions_total{{{PARTNER}}}[$__rate_interval])))", "{{field}} → {{to}}")],
                       height=4, stacked=True)),
        tables.build(
            "What happened", "Every change of a watched field in the chosen time range, newest first, at most 500. Choose “Last 12 hours” "
            "for last night; what recovered by itself is here, too. A field that changed the same way twice shows the last time.",
            [parts.with_names(f"topk(500, 1000 * ({in_range()}))", always=True)],
            [("Value", tables.moment("When")), "direction", "field", "from", "to", *parts.CHANNEL_NAMES.split(", "), "channel_id",
             "client_id"],
            hidden=["partner_id"], sort=[("When", True)], size=(24, 10)),
        tables.build(
            "Gone channels", "Channels that are no longer in the API's lists, for seven days, newest first.",
            [f"topk(500, 1000 * {gone})"],
            [("Value", tables.moment("When")), "reason", *parts.CHANNEL_NAMES.split(", "), "channel_id", "client_id"],
            hidden=["partner_id"], sort=[("When", True)], size=(12, 8)),
        down(),
    ]  # fmt: skip


def down():
    """How long was which number down?"""
    labels = f"{CHANNEL_KEY}, {parts.CHANNEL_NAMES}"
    samples = f"max by ({labels}) (count_over_time(channel:d360_channel_availability_status:error{{{RECORDED}}}[$__range]))"
    worst = f"topk(100, 3 * {samples})"
    return tables.build(
        "Down in this time", "How long each channel was in error within the chosen time range, in minutes and as a share of it, longest "
        "first, at most 100. Counted in steps of three minutes; choose “Last 30 days” for the month.",
        [worst, f"{worst} * 60 / $__range_s"],
        ["phone_number", "display_name", "client_name",
         ("Value #A", [name("Down"), prop("unit", "m"), prop("decimals", 0), width(90)]),
         ("Value #B", [name("Share"), prop("unit", "percentunit"), prop("decimals", 2), width(90)])],
        hidden=["channel_id", "client_id", "partner_id"], sort=[("Down", True)], size=(12, 8))  # fmt: skip


def states():
    """The fleet now."""
    limits = f"sum by (limit) (partner_limit:d360_channel_messaging_limit:count{{{CHOSEN}}})"
    number = models.DataTransformerConfig(
        id_val="convertFieldType",
        options={"conversions": [{"targetField": "limit", "destinationType": "number"}], "fields": {}},
    )
    unlimited = prop("mappings", [parts.mapped({"1000000000": ("∞", "dark-blue")})])
    trouble = f"count by ({CLIENT_KEY}) ({TROUBLE}{{{RECORDED}}} >= 5)"
    return [
        bars("By availability", "Channels by availability status.", f"sum by (status) ({AVAILABILITY}{{{CHOSEN}}})", "status",
             parts.AVAILABILITY),
        bars("By quality rating", "Channels by Meta's quality rating. “Not rated” is Meta's NA: too few messages to judge.",
             f"sum by (rating) ({RATING}{{{CHOSEN}}})", "rating", parts.RATING),
        tables.build("By messaging limit", "Channels by messaging limit: how many recipients a number may open conversations with in a "
                     "rolling 24 hours. Numbers of one business portfolio share their limit, so the limits don't add up.", [limits],
                     [("limit", [name("Messaging limit"), prop("unit", "locale"), unlimited, width(140)]),
                      ("Value", [name("Channels"), *tables.bar("blue")])], sort=[("Messaging limit", True)], size=(6, 8),
                     before=[number]),
        tables.build("Clients in trouble", "The ten clients with the most channels in error or rated low.",
                     [parts.with_client_name(f"topk(10, {trouble})")],
                     ["client_name", "client_id", ("Value", [name("Channels"), *tables.bar("red")])],
                     hidden=["partner_id"], sort=[("Channels", True)], size=(6, 8)),
    ]  # fmt: skip


def over_time():
    """The fleet's history, from recording rules."""
    read = "d360_client_last_refresh_timestamp_seconds"
    age = [(f"time() - max by (partner_id) (partner:{read}:{calc}{{{CHOSEN}}})", f"{{{{partner_id}}}} {text}")
           for calc, text in (("min", "oldest"), ("avg", "average"))]  # fmt: skip
    return [
        state_graph("Channels by availability", "How many channels were in each availability status. A step that hits many channels "
                    "at once points at 360dialog or Meta rather than at a number.", f"sum by (status) ({AVAILABILITY}{{{CHOSEN}}})",
                    "status", parts.AVAILABILITY, "D360FleetAvailabilityDrop"),
        state_graph("Channels by quality rating", "How many channels had each quality rating.",
                    f"sum by (rating) ({RATING}{{{CHOSEN}}})", "rating", parts.RATING, "D360FleetQualityDrop"),
        graph("Age of the data", "Per partner: how long ago the client that was read longest ago was read, and the average over all "
              "clients.", age, unit="s", width=24),
    ]  # fmt: skip


def accounts():
    """WhatsApp business accounts and portfolios."""
    account = "partner_id, client_id, waba_account_id"
    info = f"topk by ({account}) (1, max by ({account}, waba_account_name, business_id) (d360_waba_account_info{{{CLIENT}}}))"
    state = f'topk(500, max by ({account}, status) (d360_waba_account_status{{{CLIENT}, status!="approved"}} == 1))'
    portfolio = "portfolio:d360_channel_info:count"
    least = "portfolio:d360_channel_messaging_limit:min"
    return [
        tables.build("WABA accounts in trouble", "WhatsApp business accounts whose status is not “approved”: all their numbers are "
                     "affected. Empty is the good case.",
                     [f"{state}\n* on ({account}) group_left (waba_account_name, business_id)\n{info}"],
                     [("status", [name("Status"), width(150)]), "waba_account_name", "waba_account_id", "business_id", "client_id"],
                     hidden=["partner_id"], size=(12, 8)),
        tables.build("Portfolios", "Business portfolios by number of channels, at most 100, with the messaging limit that their numbers "
                     "share.",
                     [f"topk(100, {portfolio}{{{CHOSEN}}})",
                      f"{least}{{{CHOSEN}}} and on (partner_id, business_id) topk(100, {portfolio}{{{CHOSEN}}})"],
                     ["business_id", ("Value #A", [name("Channels"), width(100)]), ("Value #B", tables.limit()), "partner_id"],
                     sort=[("Channels", True)], size=(12, 8)),
    ]  # fmt: skip


def clients():
    """Clients: readable, and how full?"""
    age = f"time() - max by ({CLIENT_KEY}) (d360_client_last_refresh_timestamp_seconds{{{CLIENT}}})"
    failed = f"topk(500, ({age}) and on ({CLIENT_KEY}) (max by ({CLIENT_KEY}) (d360_client_up{{{CLIENT}}}) == 0))"
    used, allowed = (f"max by ({CLIENT_KEY}) (d360_client_{family}{{{CLIENT}}})" for family in ("channels", "max_channels"))
    full = f"topk(50, {used} / ({allowed} > 0))"
    share = [name("Used"), prop("unit", "percentunit"), prop("min", 0), prop("max", 1), prop("decimals", 0),
             prop("thresholds", parts.thresholds((None, "green"), (0.9, "yellow"), (1, "red")).build()),
             prop("custom.cellOptions", {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"})]  # fmt: skip
    return [
        tables.build("Clients that can't be read", "Clients whose last read failed, the oldest data first. Their channels stay until the "
                     "staleness bound and then leave.", [parts.with_client_name(failed)],
                     ["client_name", "client_id", "partner_id", ("Value", tables.age("Last read", (None, "yellow"), (1800, "red")))],
                     sort=[("Last read", True)], size=(12, 8), runbook="D360ClientUnreadable"),
        tables.build("Channel quota by client", "Clients by how much of their allowed number of channels they use, the fullest 50 first.",
                     [parts.with_client_name(full), f"{used} and on ({CLIENT_KEY}) {full}", f"{allowed} and on ({CLIENT_KEY}) {full}"],
                     ["client_name", "client_id", ("Value #B", [name("Channels"), width(100)]),
                      ("Value #C", [name("Allowed"), width(100)]), ("Value #A", share)],
                     hidden=["partner_id"], sort=[("Used", True)], size=(12, 8), runbook="D360ClientNearMaxChannels"),
    ]  # fmt: skip


def everything():
    """Any channel, as the search finds it."""
    return [
        tables.build(
            "Channels by number or name", "What the box “Number or name” finds, at most 500. The query runs only while this row is open.",
            [f"topk(500, {board.found()})"], [*parts.CHANNEL_NAMES.split(", "), "channel_id", "client_id"],
            hidden=["partner_id"], sort=[("Client", False)], size=(24, 16))
    ]  # fmt: skip


def build():
    """The dashboard."""
    built = board.new("d360-fleet", "WhatsApp channels / Fleet",
                      "All WhatsApp numbers on 360dialog: is anything in trouble, where, and since when.", "24h",
                      [board.client(True), board.search()])  # fmt: skip
    built.links([board.to("Channel or client", "d360-channel"), board.to("Exporter health", "d360-exporter"), board.runbooks()])
    built.annotations([board.firing(FIRING + ', channel_id=""')])
    for panel in tiles():
        built.with_panel(panel)
    built.with_panel(firing_alerts()).with_panel(attention())
    for title, panels in (
        ("What happened", happened()), ("Fleet by state", states()), ("Over time", over_time()), ("WABA and portfolios", accounts()),
        ("Clients", clients()),
    ):  # fmt: skip
        built.with_row(row(title))
        for panel in panels:
            built.with_panel(panel)
    return built.with_row(row("Search", everything()))
