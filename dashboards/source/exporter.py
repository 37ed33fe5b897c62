"""The exporter: is the data fresh, does the API answer, is the request budget enough?"""

from . import board, parts, tables
from .parts import CLIENT, CLIENT_KEY, PARTNER, TARGET, graph, row, tile, timeline
from .tables import colored, name

OK = {1: ("OK", "green"), 0: ("Failed", "red")}


def rate(family, labels, selector=PARTNER):
    """A counter's rate, one value per process however often it is scraped."""
    return f"max by (job, instance, {labels}) (rate({family}{{{selector}}}[$__rate_interval]))"


def grown(family, labels, selector=PARTNER):
    """How much a counter grew in each step."""
    return f"max by (job, instance, {labels}) (increase({family}{{{selector}}}[$__rate_interval]))"


def own(expr):
    """A family of every process, of the exporters alone."""
    return f"max by (job, instance) ({expr} and on (job, instance) d360_exporter_build_info{{{TARGET}}})"


def tiles():
    """Is it well?"""
    up = f"max by ({CLIENT_KEY}) (d360_client_up{{{CLIENT}}})"
    read = f"max by ({CLIENT_KEY}) (d360_client_last_refresh_timestamp_seconds{{{CLIENT}}})"
    failures = f"sum({rate('d360_api_request_failures_total', 'partner_id, endpoint, reason')})"
    requests = f"(sum({rate('d360_api_requests_total', 'partner_id, endpoint')}) > 0)"
    unknown = f"sum({grown('d360_api_unknown_values_total', 'partner_id, field')})"
    rejected = f"sum({grown('d360_api_rejected_items_total', 'partner_id, endpoint, reason')})"
    good, bad = (None, "green"), (1, "red")
    return [
        tile("Exporters", "Exporter processes that are scraped now. No data: none is.",
             f"count(max by (job, instance) (d360_exporter_build_info{{{TARGET}}}))", [(None, "blue")], runbook="D360ExporterAbsent"),
        tile("Unreachable partners", "Partners whose client list could not be read at the last attempt.",
             f"sum(1 - max by (partner_id) (d360_partner_up{{{PARTNER}}}))", [good, bad], runbook="D360PartnerUnreachable"),
        tile("Unreadable clients", "Clients whose channels could not be read at the last attempt.", f"sum(1 - {up})",
             [good, (1, "yellow")], runbook="D360ClientUnreadable"),
        tile("Oldest data, in cycles", "Age of the oldest client's data in poll intervals: yellow above 2, red above 6, the staleness bound "
             "at default settings.", f"max(time() - {read}) / scalar(max(d360_exporter_poll_interval_seconds{{{TARGET}}}))",
             [good, (2, "yellow"), (6, "red")], decimals=1, runbook="D360DataTooOld"),
        tile("Failed requests", "Share of API requests that failed in the last rate interval.", f"{failures}\n/ {requests}",
             [good, (0.01, "yellow"), (0.1, "red")], unit="percentunit", decimals=1, instant=False),
        tile("Throttled", "Share of the time in which requests waited because the API had answered 429.",
             f"max({rate('d360_api_throttled_seconds_total', 'partner_id')})", [good, (0.1, "yellow"), (0.5, "red")], unit="percentunit",
             decimals=0, runbook="D360RateLimited", instant=False),
        tile("Not understood", "Unknown values and rejected items in the last step. Above zero: the API has changed, or its answers are "
             "broken; the panels below name the field and endpoint.", f"{unknown}\n+ {rejected}", [good, (1, "yellow")],
             runbook="D360UnknownValues", instant=False),
        tile("Configuration", "Whether the last reload of the configuration succeeded, on all exporters. After a failed reload the old "
             "configuration stays in use.", f"min(d360_exporter_config_last_reload_successful{{{TARGET}}})", [(None, parts.GREY)],
             mapping=OK, unit="none", runbook="D360ConfigReloadFailed"),
    ]  # fmt: skip


def freshness():
    """How old is the data?"""
    age = f"time() - max by ({CLIENT_KEY}) (d360_client_last_refresh_timestamp_seconds{{{CLIENT}}})"

    def per_partner(family):
        return f"max by (job, instance, partner_id) (d360_partner_{family}{{{PARTNER}}})"

    return [
        graph("Data age by partner", "Time since the last full cycle ended. It rises to about one cycle and falls back; a ramp means that "
              "cycles no longer complete.", [(f"time() - {per_partner('last_refresh_timestamp_seconds')}", "{{partner_id}}")],
              unit="s", width=8),
        graph("Cycle time and interval", "How long the last full cycle took, against the configured poll interval. At or above the interval "
              "the budget is too small for the fleet.",
              [(per_partner("refresh_duration_seconds"), "{{partner_id}}"),
               (f"max(d360_exporter_poll_interval_seconds{{{TARGET}}})", "Poll interval"),
               (f"max(d360_exporter_max_staleness_seconds{{{TARGET}}})", "Staleness bound")], unit="s", width=8),
        tables.build("Oldest clients", "The 20 clients whose channels were read longest ago.",
                     [parts.with_client_name(f"topk(20, {age})", CLIENT)],
                     ["client_name", "client_id",
                      ("Value", tables.age("Last read", (None, "green"), (600, "yellow"), (1800, "red")))],
                     hidden=["partner_id"], sort=[("Last read", True)], size=(8, 8)),
        timeline("Partner reachable", "Whether the last attempt to list each partner's clients succeeded.", per_partner("up"),
                 "{{partner_id}} {{instance}}", OK, width=12, height=6),
        graph("Unreadable clients", "Clients by partner whose channels could not be read at the last attempt.",
              [(f"partner:d360_client_up:failed{{partner_id=~\"$partner_id\"}}", "{{partner_id}}")], width=12, height=6, decimals=0),
    ]  # fmt: skip


def api():
    """What the API does."""
    bucket = "max by (job, instance, endpoint, le) (rate(d360_api_request_duration_seconds_bucket{" + TARGET + "}[$__rate_interval]))"
    quantiles = [(f"histogram_quantile({q}, sum by (le) ({bucket}))", f"p{int(q * 100)}") for q in (0.5, 0.9, 0.99)]
    return [
        graph("Requests and budget", "API requests per second by endpoint, stacked, and what the pacer allows. Requests at the budget mean that "
              "the pacer is the limit; a budget that halves means 429 answers.",
              [(f"sum by (endpoint) ({rate('d360_api_requests_total', 'partner_id, endpoint')})", "{{endpoint}}"),
               (f"sum(max by (job, instance, partner_id) (d360_api_budget_requests_per_second{{{PARTNER}}}))", "Budget")], unit="reqps"),
        graph("Failures by reason", "Failed API requests per second by reason. unauthorized and forbidden are a matter of the key, rate_limited "
              "of the budget, the others of the API or the network.",
              [(f"sum by (reason) ({rate('d360_api_request_failures_total', 'partner_id, endpoint, reason')})", "{{reason}}")], unit="reqps"),
        graph("Request duration", "Quantiles of the API's response time over all endpoints.", quantiles, unit="s"),
        graph("Request duration by endpoint", "The 99th percentile of the API's response time by endpoint.",
              [(f"histogram_quantile(0.99, sum by (le, endpoint) ({bucket}))", "{{endpoint}}")], unit="s"),
        graph("Retries", "Retried API requests per second by reason.",
              [(f"sum by (reason) ({rate('d360_api_retries_total', 'partner_id, reason')})", "{{reason}}")], unit="reqps", width=8, height=7),
        graph("Throttled time", "Share of the time that each partner's requests waited after a 429.",
              [(rate("d360_api_throttled_seconds_total", "partner_id"), "{{partner_id}}")], unit="percentunit", width=8, height=7),
        graph("Budget by partner", "Requests per second that the pacer allows each partner now.",
              [(f"max by (job, instance, partner_id) (d360_api_budget_requests_per_second{{{PARTNER}}})", "{{partner_id}}")], unit="reqps",
              width=8, height=7),
        parts.per_step(graph("Unknown values", "Values that the exporter does not know, by field: the API has grown. The log names each once.",
                             [(f"sum by (field) ({grown('d360_api_unknown_values_total', 'partner_id, field')})", "{{field}}")], width=8,
                             height=7)),
        parts.per_step(graph("Rejected items", "Clients and channels in responses that could not be used, by endpoint and reason. The rest of "
                             "the response counts.",
                             [(f"sum by (endpoint, reason) ({grown('d360_api_rejected_items_total', 'partner_id, endpoint, reason')})",
                               "{{endpoint}} {{reason}}")], width=16, height=7)),
    ]  # fmt: skip


def process():
    """The processes themselves."""
    families = [own(f"d360_exporter_{family}{{{TARGET}}}") for family in ("config_last_reload_successful", "series")]
    handler = "max by (job, instance, handler, code) (rate(d360_exporter_http_requests_total{" + TARGET + "}[$__rate_interval]))"
    refused = "max by (job, instance, reason) (rate(d360_exporter_http_rejected_total{" + TARGET + "}[$__rate_interval]))"
    dropped = "max by (job, instance) (increase(d360_exporter_log_lines_dropped_total{" + TARGET + "}[$__rate_interval]))"
    files = f"process_open_fds{{{TARGET}}} / process_max_fds{{{TARGET}}}"
    return [
        tables.build("Exporters", "Every exporter process: version, uptime, configuration and size.",
                     [f"max by (job, instance, version, revision) (d360_exporter_build_info{{{TARGET}}})",
                      f"time() - {own(f'process_start_time_seconds{{{TARGET}}}')}", *families],
                     [("job", [name("Job")]), ("instance", [name("Instance")]), ("version", [name("Version")]), ("revision", [name("Revision")]),
                      ("Value #B", tables.age("Running for")), ("Value #C", [name("Configuration"), *colored(OK)]),
                      ("Value #D", [name("Series")])], size=(24, 5)),
        graph("CPU", "CPU cores used by each exporter.", [(own(f"rate(process_cpu_seconds_total{{{TARGET}}}[$__rate_interval])"), "{{instance}}")],
              width=8, height=7),
        graph("Memory", "Resident memory of each exporter.", [(own(f"process_resident_memory_bytes{{{TARGET}}}"), "{{instance}}")],
              unit="bytes", width=8, height=7),
        graph("File descriptors", "Open file descriptors of each exporter as a share of its limit.", [(own(f"({files})"), "{{instance}}")],
              unit="percentunit", width=8, height=7),
        graph("Series", "Series that each exporter serves.", [(own(f"d360_exporter_series{{{TARGET}}}"), "{{instance}}")], width=8, height=7),
        graph("Publish duration", "How long the last publication took: from changed data to finished bytes.",
              [(own(f"d360_exporter_publish_duration_seconds{{{TARGET}}}"), "{{instance}}")], unit="s", width=8, height=7),
        graph("HTTP requests by code", "Requests to the exporter per second by handler and status code.",
              [(f"sum by (handler, code) ({handler})", "{{handler}} {{code}}")], unit="reqps", width=8, height=7),
        graph("Connections", "Open connections to each exporter.", [(own(f"d360_exporter_http_connections{{{TARGET}}}"), "{{instance}}")],
              width=8, height=7, decimals=0),
        graph("Refused requests", "Requests and connections per second that were refused to keep scrapes going, by reason.",
              [(f"sum by (reason) ({refused})", "{{reason}}")], unit="reqps", width=8, height=7),
        parts.per_step(graph("Lost log lines", "Log lines that were dropped because nobody read them.", [(dropped, "{{instance}}")], width=8,
                             height=7)),
    ]  # fmt: skip


def build():
    """The dashboard."""
    built = board.new("d360-exporter", "WhatsApp channels / Exporter health",
                      "Whether the exporter's data is fresh, the API answers and the request budget is enough.", "6h",
                      [board.client(True)])  # fmt: skip
    built.links([board.to("Fleet", "d360-fleet"), board.to("Channel or client", "d360-channel"), board.runbooks()])
    built.annotations([board.firing('alertname=~"D360.+", channel_id="", client_id=""')])
    for panel in tiles():
        built.with_panel(panel)
    for title, panels in (("Freshness", freshness()), ("Partner API", api()), ("Exporter process", process())):
        built.with_row(row(title))
        for panel in panels:
            built.with_panel(panel)
    return built
