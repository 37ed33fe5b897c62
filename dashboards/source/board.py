"""What is around the panels: variables, annotations, links, and the time range."""

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from . import parts

ALL = models.VariableOption(selected=True, text=["All"], value=["$__all"])

# What a person types is looked for in numbers, names and clients alike. Backticks, because a typed dot or plus arrives with
# a backslash.
SEARCH = "`(?i).*${search:regex}.*`"


def found(selector=parts.CLIENT):
    """The channels that the search finds, with their names."""
    labels = parts.CHANNEL_NAMES.split(", ")
    hits = "\n  or ".join(f"d360_channel_info{{{selector}, {label}=~{SEARCH}}}" for label in labels)
    return f"group by ({parts.CHANNEL_KEY}, {parts.CHANNEL_NAMES}) (\n  {hits}\n)"


def variable(name, label, query, include_all=True, regex="", everything=".+"):
    """A variable whose values come from a query.

    `everything`: what stands for all values. Prometheus gathers the series of each value for `.+`, and skips `.*`: that
    matters for clients and channels, of which there are many.
    """
    built = dashboard.QueryVariable(name).label(label).query(query).datasource(parts.SOURCE).multi(True)
    built = built.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)
    built = built.regex(regex)
    return built.include_all(True).all_value(everything).current(ALL) if include_all else built.include_all(False)


def targets():
    """The variables of every dashboard: data source, job, instance, partner."""
    return [
        dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        variable("job", "Job", "label_values(d360_exporter_build_info, job)"),
        variable("instance", "Instance", 'label_values(d360_exporter_build_info{job=~"$job"}, instance)'),
        variable("partner_id", "Partner", f"label_values(d360_client_info{{{parts.TARGET}}}, partner_id)"),
    ]


def client(include_all):
    """The variable for clients: by id, which is what series carry."""
    return variable("client_id", "Client", f"label_values(d360_client_info{{{parts.PARTNER}}}, client_id)", include_all, everything=".*")


def search():
    """The box to type a number or a name into."""
    return dashboard.TextBoxVariable("search").label("Number or name").default_value("")


def channel():
    """The variable for channels: by number and name, at most 500, those that the search finds."""
    shown = f'label_join(\n{found()},\n"a_text", " ", "phone_number", "display_name")'
    query = f"query_result(topk(500, max by (a_text, channel_id) ({shown})))"
    # Prometheus writes labels in the order of their names.
    return variable("channel_id", "Channel", query, everything=".*", regex='/a_text="(?<text>.*?)",channel_id="(?<value>[^"]+)"/')


class Happened(models.AnnotationQuery):
    """An annotation query of Prometheus, with the fields of its own that the SDK does not have."""

    def __init__(self, name, expr, title, text, shade, own_time):
        super().__init__(name=name, datasource=parts.SOURCE, enable=True, hide=False, icon_color=shade, expr=expr)
        self.formats = {"titleFormat": title, "textFormat": text, "step": "60s", "useValueForTime": own_time}

    def build(self):
        """The SDK wants builders; this is one that is done."""
        return self

    def to_json(self):
        """As Grafana stores it."""
        return super().to_json() | self.formats


def changes(selector):
    """Changes of watched fields in the time range, each at its own time."""
    recent = f"channel:d360_channel_last_change_timestamp_seconds:recent{{{selector}}}"
    labels = f"{parts.CHANNEL_KEY}, field, from, to, direction"
    expr = f"topk(100, 1000 * max by ({labels}) ({recent}))"
    return Happened("Changes", expr, "{{field}}: {{from}} → {{to}}", "channel {{channel_id}}, client {{client_id}}", "blue", True)


def firing(selector):
    """When alerts fired."""
    expr = f'topk(100, max by (alertname, severity, client_id, channel_id) (ALERTS{{alertstate="firing", {selector}}}))'
    return Happened("Alerts", expr, "{{alertname}}", "{{severity}} {{client_id}} {{channel_id}}", "red", False)


def new(uid, title, description, span, variables):
    """A dashboard without panels."""
    built = dashboard.Dashboard(title).uid(uid).description(description).tags(["d360", "whatsapp"]).readonly()
    built = built.tooltip(models.DashboardCursorSync.CROSSHAIR).timezone("browser").refresh("1m").time(f"now-{span}", "now")
    built = built.timepicker(dashboard.TimePicker().refresh_intervals(["30s", "1m", "5m", "15m", "30m", "1h"]))
    return built.variables([*targets(), *variables])


def to(title, uid, *names):
    """A link to another dashboard with the same variables."""
    kept = "&".join(f"${{{name}:queryparam}}" for name in ("datasource", "job", "instance", "partner_id", *names))
    link = dashboard.DashboardLink(title).type(models.DashboardLinkType.LINK).icon("dashboard").keep_time(True)
    return link.tooltip(f"Open “{title}” with the same choice").url(f"/d/{uid}?{kept}")


def runbooks():
    """The link to what each alert means."""
    link = dashboard.DashboardLink("Runbooks").type(models.DashboardLinkType.LINK).icon("doc").target_blank(True)
    return link.tooltip("What each alert means and what to do").url(parts.RUNBOOKS)
