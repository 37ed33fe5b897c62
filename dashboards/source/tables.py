"""Tables: queries at the end of the time range, joined by their labels, and columns in a stated order.

What a column looks like stands here once, under its name, for all dashboards.
"""

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.models import dashboard as models

from . import parts
from .parts import prop

HERE = "${datasource:queryparam}&${job:queryparam}&${instance:queryparam}"
CHANNEL_LINK = (
    f"/d/d360-channel?{HERE}&var-partner_id=${{__data.fields.partner_id}}&var-client_id=${{__data.fields.client_id}}"
    "&var-channel_id=${__data.fields.channel_id}"
)
CLIENT_LINK = (
    f"/d/d360-channel?{HERE}&var-partner_id=${{__data.fields.partner_id}}&var-client_id=${{__data.fields.client_id}}"
    "&var-channel_id=$__all"
)


def link(title, url):
    """A cell that leads somewhere."""
    return prop("links", [{"title": title, "url": url, "targetBlank": False}])


def name(text):
    """The heading of a column."""
    return prop("displayName", text)


def width(pixels):
    """How wide a column is."""
    return prop("custom.width", pixels)


def colored(values, how="color-text"):
    """A cell whose text and colour follow from its value."""
    cell = {"type": how, "mode": "basic"} if how == "color-background" else {"type": how}
    return [prop("mappings", [parts.mapped(values)]), prop("custom.cellOptions", cell)]


def bar(shade, unit="short"):
    """A cell with a bar."""
    return [
        prop("unit", unit),
        prop("decimals", 0),
        prop("color", {"mode": "fixed", "fixedColor": shade}),
        prop("min", 0),
        prop("custom.cellOptions", {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}),
    ]


def age(text, *steps):
    """A cell with a length of time."""
    cells = [name(text), prop("unit", "s"), prop("decimals", 0)]
    if steps:
        cells += [prop("thresholds", parts.thresholds(*steps).build()), prop("custom.cellOptions", {"type": "color-text"})]
    return cells


def moment(text):
    """A cell with a point in time; the query gives milliseconds."""
    return [name(text), prop("unit", "dateTimeAsIso"), width(170)]


def limit(text="Messaging limit"):
    """A cell with a messaging limit."""
    return [name(text), prop("unit", "locale"), prop("mappings", [parts.mapped(parts.INFINITE)]), width(140)]


OPEN_CHANNEL, OPEN_CLIENT = link("Open this channel", CHANNEL_LINK), link("Open this client", CLIENT_LINK)

# Columns that are labels, by the label.
COLUMNS = {
    "client_name": [name("Client"), OPEN_CLIENT],
    "display_name": [name("Display name"), OPEN_CHANNEL],
    "phone_number": [name("Phone number"), OPEN_CHANNEL, width(150)],
    "channel_id": [name("Channel"), OPEN_CHANNEL],
    "client_id": [name("Client ID"), OPEN_CLIENT, width(120)],
    "partner_id": [name("Partner")],
    "waba_account_id": [name("WABA")],
    "waba_account_name": [name("WABA name")],
    "business_id": [name("Portfolio")],
    "alertname": [name("Alert")],
    "severity": [name("Severity"), *colored(parts.SEVERITY), width(100)],
    "status": [name("Availability"), *colored(parts.AVAILABILITY), width(120)],
    "rating": [name("Quality rating"), *colored(parts.RATING), width(130)],
    "field": [name("Field"), width(170)],
    "from": [name("From"), width(130)],
    "to": [name("To"), width(130)],
    "currency": [name("Currency"), width(100)],
    "direction": [
        name("Direction"),
        *colored({"worse": ("Worse", "red"), "better": ("Better", "green"), "other": ("Other", parts.GREY)}),
        width(100),
    ],
    "reason": [name("Reason"), width(130)],
}


def build(title, description, queries, columns, hidden=(), sort=None, size=(24, 8), runbook=None, before=()):
    """A table.

    `queries`: expressions, A, B, C …, joined by their labels. `columns`: what is shown, in order: a label, or a pair of a
    value's column and its properties. `hidden`: labels that links need, and nobody reads. `before`: transformations that
    go first.
    """
    panel = parts.new_table()
    for index, expr in enumerate(queries):
        panel.with_target(parts.query(expr, ref=chr(ord("A") + index), instant=True, as_table=True))
    for transformation in before:
        panel.with_transformation(transformation)
    if len(queries) > 1:
        panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    names = [column if isinstance(column, str) else column[0] for column in columns]
    values = {"Value"} if len(queries) == 1 else {f"Value #{chr(ord('A') + index)}" for index in range(len(queries))}
    options = {
        "excludeByName": {unseen: True for unseen in sorted({"Time", *values} - set(names))},
        "indexByName": {column: index for index, column in enumerate([*names, *hidden])},
        "renameByName": {},
    }
    panel.with_transformation(models.DataTransformerConfig(id_val="organize", options=options))
    for column in columns:
        panel.override_by_name(*((column, COLUMNS[column]) if isinstance(column, str) else column))
    for label in hidden:
        panel.override_by_name(label, [*COLUMNS[label][:1], prop("custom.hidden", True)])
    if sort is not None:
        fields = [common_builders.TableSortByFieldState().display_name(heading).desc(descending) for heading, descending in sort]
        panel.sort_by(fields)
    return parts.finish(panel, title, description, "short", *size, runbook)
