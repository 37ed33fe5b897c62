"""What the dashboards have in common: selectors, colours, and panels as this repository likes them.

Here are functions that know nothing of a single dashboard. Each panel is the foundation SDK's builder, finished by
the caller, so that a field that Grafana does not have is an error of Python's.
"""

from grafana_foundation_sdk.builders import bargauge, common as common_builders, dashboard, prometheus, stat, statetimeline
from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
RUNBOOKS = "https://d360-exporter.example/runbooks/"
GREY = "#8e8e8e"

# A value of a state: its text and colour, the same wherever it is shown.
AVAILABILITY = {
    "ready": ("Ready", "green"),
    "setting_up": ("Setting up", "yellow"),
    "error": ("Error", "red"),
    "unknown": ("Unknown", "purple"),
}
RATING = {
    "high": ("High", "green"),
    "medium": ("Medium", "yellow"),
    "low": ("Low", "red"),
    "na": ("Not rated", GREY),
    "unknown": ("Unknown", "purple"),
}
SEVERITY = {"critical": ("Critical", "red"), "warning": ("Warning", "yellow"), "info": ("Info", "blue")}
INFINITE = {"Infinity": ("∞", "dark-blue"), "+Inf": ("∞", "dark-blue")}

TARGET = 'job=~"$job", instance=~"$instance"'
PARTNER = f'{TARGET}, partner_id=~"$partner_id"'
CLIENT = f'{PARTNER}, client_id=~"$client_id"'
CHANNEL = f'{CLIENT}, channel_id=~"$channel_id"'

PARTNER_KEY = "partner_id"
CLIENT_KEY = "partner_id, client_id"
CHANNEL_KEY = "partner_id, client_id, channel_id"
CHANNEL_NAMES = "client_name, display_name, phone_number"


def names(info):
    """One series per channel with its names, also where two exporters disagree about one."""
    return f"topk by ({CHANNEL_KEY}) (1, max by ({CHANNEL_KEY}, {CHANNEL_NAMES}) ({info}))"


def with_names(expr, selector=CLIENT, few=True, always=False):
    """An expression about channels, with the names of each.

    `few`: it has fewer channels than the selector chooses, so that only their names are read. `always`: a channel whose
    names nobody exports any more stays, without them.
    """
    info = f"d360_channel_info{{{selector}}}"
    if few:
        info += f"\nand on ({CHANNEL_KEY}) ({expr})"
    joined = f"({expr})\n* on ({CHANNEL_KEY}) group_left ({CHANNEL_NAMES})\n{names(info)}"
    return f"{joined}\nor on ({CHANNEL_KEY}) ({expr})" if always else joined


def with_client_name(expr, selector=PARTNER):
    """An expression about clients, with the name of each."""
    return (
        f"{expr}\n* on ({CLIENT_KEY}) group_left (client_name)\n"
        f"topk by ({CLIENT_KEY}) (1, max by ({CLIENT_KEY}, client_name) (d360_client_info{{{selector}}}))"
    )


def query(expr, legend="__auto", ref="A", instant=False, as_table=False):
    """A query of a panel: over the time range, or at its end."""
    built = prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(ref).datasource(SOURCE)
    built = built.editor_mode(QueryEditorMode.CODE)
    built = built.format(PromQueryFormat.TABLE if as_table else PromQueryFormat.TIME_SERIES)
    return built.instant() if instant else built.range()


def finish(panel, title, description, unit, width, height, runbook=None, decimals=None):
    """What every panel needs."""
    panel.title(title).description(description).datasource(SOURCE).unit(unit).span(width).height(height)
    if decimals is not None:
        panel.decimals(decimals)
    if runbook is not None:
        link = dashboard.DashboardLink(f"Runbook {runbook}").type(models.DashboardLinkType.LINK)
        panel.links([link.url(f"{RUNBOOKS}{runbook}.md").target_blank(True)])
    return panel


def thresholds(*steps):
    """Colours from the values on; the first has none."""
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value, color) for value, color in steps])
    )


def mapped(values):
    """A value mapping: text and colour for each value."""
    results = {
        str(value): models.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(values.items())
    }
    return models.ValueMap(options=results)


def color(mode, fixed=None):
    """How a field gets its colour."""
    built = dashboard.FieldColor().mode(mode)
    return built if fixed is None else built.fixed_color(fixed)


def prop(name, value):
    """One property of an override."""
    return models.DynamicConfigValue(id_val=name, value=value)


def painted(name, text, shade):
    """An override that paints and renames one series."""
    return name, [prop("color", {"mode": "fixed", "fixedColor": shade}), prop("displayName", text)]


def reduce_last():
    """The last value counts."""
    return common_builders.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)


def tile(title, description, expr, steps, unit="short", width=3, runbook=None, decimals=0, mapping=None, instant=True):
    """A coloured number."""
    panel = stat.Panel().with_target(query(expr, instant=instant)).color_scheme(color(models.FieldColorModeId.THRESHOLDS))
    panel = panel.thresholds(thresholds(*steps)).graph_mode(common.BigValueGraphMode.NONE)
    panel = panel.color_mode(common.BigValueColorMode.BACKGROUND).justify_mode(common.BigValueJustifyMode.CENTER)
    panel = panel.text_mode(common.BigValueTextMode.VALUE).wide_layout(True).orientation(common.VizOrientation.AUTO)
    panel = panel.reduce_options(reduce_last())
    if mapping is not None:
        panel.mappings([mapped(mapping)])
    return finish(panel, title, description, unit, width, 4, runbook, decimals)


def bars(title, description, expr, label, values, width=6, runbook=None):
    """One bar per state."""
    panel = bargauge.Panel().with_target(query(expr, f"{{{{{label}}}}}", instant=True)).min(0)
    panel = panel.color_scheme(color(models.FieldColorModeId.THRESHOLDS)).thresholds(thresholds((None, "blue")))
    panel = panel.display_mode(common.BarGaugeDisplayMode.GRADIENT).orientation(common.VizOrientation.HORIZONTAL)
    panel = panel.value_mode(common.BarGaugeValueMode.COLOR).show_unfilled(True).reduce_options(reduce_last())
    for value, (text, shade) in values.items():
        panel.override_by_name(*painted(value, text, shade))
    return finish(panel, title, description, "short", width, 8, runbook, 0)


def graph(title, description, queries, unit="short", width=12, height=8, runbook=None, decimals=None, stacked=False):
    """Lines over time, stacked areas if asked for. Gaps of up to 15 minutes are bridged."""
    panel = timeseries.Panel()
    for index, (expr, legend) in enumerate(queries):
        panel.with_target(query(expr, legend, ref=chr(ord("A") + index)))
    panel = panel.color_scheme(color(models.FieldColorModeId.PALETTE_CLASSIC)).min(0)
    panel = panel.line_width(1).fill_opacity(60 if stacked else 8).span_nulls(900_000)
    panel = panel.show_points(common.VisibilityMode.NEVER)
    panel = panel.line_interpolation(common.LineInterpolation.STEP_AFTER if stacked else common.LineInterpolation.LINEAR)
    mode = common.StackingMode.NORMAL if stacked else common.StackingMode.NONE
    panel = panel.stacking(common_builders.StackingConfig().mode(mode).group("A"))
    legend = common_builders.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST)
    panel = panel.legend(legend.placement(common.LegendPlacement.BOTTOM).show_legend(True).calcs([]))
    tooltip = common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
    return finish(panel.tooltip(tooltip), title, description, unit, width, height, runbook, decimals)


def state_graph(title, description, expr, label, values, runbook=None, width=12):
    """How many were in which state."""
    panel = graph(title, description, [(expr, f"{{{{{label}}}}}")], width=width, runbook=runbook, decimals=0, stacked=True)
    for value, (text, shade) in values.items():
        panel.override_by_name(*painted(value, text, shade))
    return panel


def per_step(panel):
    """Bars instead of lines, for what happened in each step."""
    return panel.draw_style(common.GraphDrawStyle.BARS).fill_opacity(60).span_nulls(False)


def timeline(title, description, expr, legend, values, width=24, height=6):
    """States over time, one line per series."""
    panel = statetimeline.Panel().with_target(query(expr, legend)).max_data_points(400)
    panel = panel.color_scheme(color(models.FieldColorModeId.THRESHOLDS)).thresholds(thresholds((None, GREY)))
    panel = panel.mappings([mapped(values)]).merge_values(True).show_value(common.VisibilityMode.AUTO).row_height(0.85)
    panel = panel.align_value(common.TimelineValueAlignment.LEFT).line_width(0).fill_opacity(75)
    legend_options = common_builders.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST)
    panel = panel.legend(legend_options.placement(common.LegendPlacement.BOTTOM).show_legend(False).calcs([]))
    tooltip = common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.SINGLE).sort(common.SortOrder.NONE)
    return finish(panel.tooltip(tooltip), title, description, "none", width, height)


def row(title, panels=None):
    """A heading; with panels a closed one, whose queries run when it is opened."""
    built = dashboard.Row(title).collapsed(panels is not None)
    for panel in panels or []:
        built.with_panel(panel)
    return built


def new_table():
    """An empty table, in the style of all of them."""
    panel = table.Panel().color_scheme(color(models.FieldColorModeId.THRESHOLDS)).thresholds(thresholds((None, "text")))
    footer = common_builders.TableFooterOptions().show(False).reducer(["count"]).count_rows(False).enable_pagination(True)
    panel = panel.show_header(True).cell_height(common.TableCellHeight.SM).footer(footer).no_value("–")
    return panel.align(common.FieldTextAlignment.LEFT).filterable(True)
