"""One channel, or a client's channels: what is its state, and how did it get there?

Everything here is about chosen clients, so panels read the exporter's own series. At most a hundred channels have a line
of their own, the worst at the end of the time range.
"""

from . import board, parts, tables
from .parts import CHANNEL, CHANNEL_KEY, CLIENT, CLIENT_KEY, graph, row, tile, timeline
from .tables import colored, name, prop, width

NAMED = 'partner_id=~"$partner_id", client_id=~"$client_id", channel_id=~"$channel_id"'
LEGEND = "{{phone_number}} {{display_name}}"
STATE, RATING = "d360_channel_availability_status", "d360_channel_quality_rating"
# From good to bad, so that the highest is the worst.
STATES = ["ready", "setting_up", "unknown", "error"]
RATINGS = ["high", "na", "unknown", "medium", "low"]
STEPS = [
    "submitted", "sandbox", "verified", "ready", "pending_verification", "waiting_for_verification_code",
    "migration_code_requested", "waiting_for_migration_code", "migration_verified", "unknown", "certificate_declined",
    "unregistered", "transferred", "removed", "error",
]  # fmt: skip


def coded(family, label, values, selector=CHANNEL, at=""):
    """A state as its place in a list, one series per channel."""
    terms = [f'{place} * {family}{{{selector}, {label}="{value}"}}{at}' for place, value in enumerate(values, start=1)]
    return f"max by ({CHANNEL_KEY}) (\n  " + "\n  or ".join(terms) + "\n)"


def shown(values, looks):
    """The texts and colours of the places in a list."""
    return {place: looks[value] for place, value in enumerate(values, start=1)}


def lines(expr):
    """A range query, cut to the hundred channels that are worst at its end, with their names."""
    last = f'{STATE}{{{CHANNEL}, status="error"}} @ end()'
    return parts.with_names(f"(\n{expr}\nand on ({CHANNEL_KEY}) topk(100, max by ({CHANNEL_KEY}) ({last}))\n)", CHANNEL, few=False)


def step_looks():
    """Lifecycle statuses: on the way in yellow, ready in green, lost in red."""
    bad = {"certificate_declined", "unregistered", "transferred", "removed", "error"}
    colors = {"ready": "green", "verified": "green", "unknown": "purple"} | dict.fromkeys(bad, "red")
    return {step: (step.replace("_", " ").capitalize(), colors.get(step, "yellow")) for step in STEPS}


def ready_share(reduce):
    """The share of the time range in which a channel was ready, of the time that was observed."""
    ready = f'{STATE}{{{CHANNEL}, status="ready"}}[$__range]'
    observed, spent = (f"sum by ({CHANNEL_KEY}) ({how}_over_time({ready}))" for how in ("count", "sum"))
    return f"{reduce}({spent} / {observed})"


def tiles():
    """The worst of what was chosen."""
    client = f"max by (client_name) (topk by ({CLIENT_KEY}) (1, max by ({CLIENT_KEY}, client_name) (d360_client_info{{{CLIENT}}})))"
    read = f"max by ({CLIENT_KEY}) (d360_client_last_refresh_timestamp_seconds{{{CLIENT}}})"
    firing = f'count(max by (alertname, channel_id) (ALERTS{{alertstate="firing", {NAMED}}})) or vector(0)'
    name_tile = tile("Client", "The chosen client. Choose it above by its id; links and alerts fill it in.", client, [(None, "blue")],
                     width=4)  # fmt: skip
    name_tile.text_mode(parts.common.BigValueTextMode.NAME)
    return [
        name_tile,
        tile("Channels", "Channels that were chosen.", f"count(max by ({CHANNEL_KEY}) ({STATE}{{{CHANNEL}, status=\"ready\"}}))",
             [(None, "blue")], width=2),
        tile("Firing alerts", "Alerts about the chosen channels that fire now.", firing, [(None, "green"), (1, "red")]),
        tile("Availability", "The worst availability status now.", f"max({coded(STATE, 'status', STATES)})", [(None, parts.GREY)],
             mapping=shown(STATES, parts.AVAILABILITY), unit="none"),
        tile("Quality rating", "The worst quality rating now.", f"max({coded(RATING, 'rating', RATINGS)})", [(None, parts.GREY)],
             mapping=shown(RATINGS, parts.RATING), unit="none"),
        tile("Messaging limit", "The smallest messaging limit: recipients that a number may open conversations with in a rolling 24 "
             "hours. Numbers of one business portfolio share it.", f"min(d360_channel_messaging_limit{{{CHANNEL}}})", [(None, "blue")],
             unit="locale", mapping=parts.INFINITE),
        tile("Ready", "The smallest share of the chosen time range in which a channel was ready, of the time that was observed.",
             ready_share("min"), [(None, "red"), (0.99, "yellow"), (0.999, "green")], unit="percentunit", decimals=2),
        tile("Data age", "How long ago the channels of the chosen clients were last read: the oldest.", f"max(time() - {read})",
             [(None, "green"), (600, "yellow"), (1800, "red")], unit="s"),
    ]  # fmt: skip


def now():
    """The chosen channels as they are."""
    worst = f"topk(500, {coded(STATE, 'status', STATES)})"
    event = f"topk by ({CHANNEL_KEY}) (1, max by ({CHANNEL_KEY}, event) (d360_channel_last_quality_event{{{CHANNEL}}}))"
    ends = f"1000 * max by ({CHANNEL_KEY}) (d360_channel_termination_timestamp_seconds{{{CHANNEL}}})"
    availability = [name("Availability"), *colored(shown(STATES, parts.AVAILABILITY)), width(120)]
    rating = [name("Quality rating"), *colored(shown(RATINGS, parts.RATING)), width(130)]
    return tables.build(
        "Channels now", "The chosen channels as they are now, at most 500, the worst first.",
        [parts.with_names(worst, CHANNEL, few=False), coded(RATING, "rating", RATINGS), f"min by ({CHANNEL_KEY}) (d360_channel_messaging_limit{{{CHANNEL}}})",
         event, f"1000 * max by ({CHANNEL_KEY}) (d360_channel_created_timestamp_seconds{{{CHANNEL}}})", ends],
        ["display_name", "phone_number", ("Value #A", availability), ("Value #B", rating), ("Value #C", tables.limit()),
         ("event", [name("Last quality event")]), ("Value #E", tables.moment("Created")), ("Value #F", tables.moment("Ends")),
         "channel_id", "client_name"],
        hidden=["client_id", "partner_id"], sort=[("Availability", True)], size=(24, 7))  # fmt: skip


def happened():
    """Changes and time down in the chosen range."""
    recent = f"channel:d360_channel_last_change_timestamp_seconds:recent{{{NAMED}}}"
    labels = f"{CHANNEL_KEY}, field, from, to, direction"
    changes = f"max by ({labels}) (last_over_time({recent}[$__range])) >= ${{__from:date:seconds}}"
    failed = f'{STATE}{{{CHANNEL}, status="error"}}[$__range]'
    spent, observed = (f"sum by ({CHANNEL_KEY}) ({how}_over_time({failed}))" for how in ("sum", "count"))
    share = f"topk(100, {spent} / {observed})"
    return [
        tables.build(
            "What happened", "Every change of a watched field in the chosen time range, newest first.",
            [parts.with_names(f"topk(500, 1000 * ({changes}))", CHANNEL, few=False, always=True)],
            [("Value", tables.moment("When")), "direction", "field", "from", "to", "phone_number", "display_name"],
            hidden=["channel_id", "client_id", "client_name", "partner_id"], sort=[("When", True)], size=(14, 8)),
        tables.build(
            "In error in this time", "How long each channel was in error within the chosen time range, in minutes and as a share of the time "
            "that was observed. Choose “Last 30 days” for the month.",
            [parts.with_names(f"{share} * $__range_s / 60", CHANNEL, few=False, always=True), share],
            ["phone_number", "display_name", ("Value #A", [name("In error"), prop("unit", "m"), prop("decimals", 1), width(100)]),
             ("Value #B", [name("Share"), prop("unit", "percentunit"), prop("decimals", 3), width(100)])],
            hidden=["channel_id", "client_id", "client_name", "partner_id"], sort=[("In error", True)], size=(10, 8)),
    ]  # fmt: skip


def history():
    """States over time."""
    limit = f"clamp_max(min by ({CHANNEL_KEY}) (d360_channel_messaging_limit{{{CHANNEL}}}), 1e9)"
    limits = {250: ("250", "light-blue"), 1000: ("1K", "blue"), 2000: ("2K", "blue"), 10000: ("10K", "semi-dark-blue"),
              100000: ("100K", "semi-dark-blue"), 1000000000: ("∞", "dark-blue")}  # fmt: skip
    return [
        timeline("Availability", "Availability status over time, one line per channel. A gap is time without data, not time without "
                 "trouble.", lines(coded(STATE, "status", STATES)), LEGEND, shown(STATES, parts.AVAILABILITY)),
        timeline("Quality rating", "Quality rating over time, one line per channel. Not rated is Meta's NA.",
                 lines(coded(RATING, "rating", RATINGS)), LEGEND, shown(RATINGS, parts.RATING)),
        timeline("Messaging limit", "Messaging limit over time, one line per channel: the darker the blue, the higher; ∞ is unlimited.",
                 lines(limit), LEGEND, limits),
        timeline("Lifecycle status", "The API's lifecycle status over time: onboarding in yellow, ready in green, lost or declined in red.",
                 lines(coded("d360_channel_status", "status", STEPS)), LEGEND, shown(STEPS, step_looks())),
    ]  # fmt: skip


def client():
    """The chosen clients."""
    families = [f"max by ({CLIENT_KEY}) (d360_client_{family}{{{CLIENT}}})" for family in ("channels", "max_channels")]
    status = f"topk by ({CLIENT_KEY}) (1, max by ({CLIENT_KEY}, status) (d360_client_status{{{CLIENT}}} == 1))"
    age = f"time() - max by ({CLIENT_KEY}) (d360_client_last_refresh_timestamp_seconds{{{CLIENT}}})"
    up = {1: ("Yes", "green"), 0: ("No", "red")}
    return [
        tables.build(
            "Client", "The chosen clients: status, quota, and whether their channels can be read.",
            [parts.with_client_name(f"max by ({CLIENT_KEY}) (d360_client_up{{{CLIENT}}})", CLIENT), status, *families,
             f"1000 * max by ({CLIENT_KEY}) (d360_client_created_timestamp_seconds{{{CLIENT}}})", age],
            ["client_name", "client_id", ("status", [name("Status")]), ("Value #A", [name("Readable"), *colored(up)]),
             ("Value #C", [name("Channels")]), ("Value #D", [name("Allowed")]), ("Value #E", tables.moment("Created")),
             ("Value #F", tables.age("Last read", (None, "green"), (600, "yellow"), (1800, "red")))],
            hidden=["partner_id"], size=(24, 5)),
        graph("Age of the client's data", "How old the channel data of each chosen client was. A ramp is a client that can't be read.",
              [(parts.with_client_name(f"({age})", CLIENT), "{{client_name}}")], unit="s", height=7),
        graph("Channels and quota", "Channels of each chosen client and how many it may have.",
              [(parts.with_client_name(family, CLIENT), f"{{{{client_name}}}} {text}")
               for family, text in zip(families, ("channels", "allowed"))], height=7),
    ]  # fmt: skip


def build():
    """The dashboard."""
    built = board.new("d360-channel", "WhatsApp channels / Channel or client",
                      "The state of one number, or of a client's numbers, and how it came about.", "24h",
                      [board.search(), board.client(False), board.channel()])  # fmt: skip
    built.links([board.to("Fleet", "d360-fleet"), board.to("Exporter health", "d360-exporter"), board.runbooks()])
    built.annotations([board.changes(NAMED), board.firing(NAMED)])
    for panel in [*tiles(), now()]:
        built.with_panel(panel)
    for title, panels in (("What happened", happened()), ("History", history()), ("Client", client())):
        built.with_row(row(title))
        for panel in panels:
            built.with_panel(panel)
    return built
