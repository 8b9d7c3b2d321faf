"""The lower half of exporter health: the ledger and the processes."""

from grafana.panels import Panel, bars, faint, table, timeseries
from grafana.queries import INSTANCE, JOB, graph, in_range, now, quantile, rate, rows, total

CALLBACKS = "tencent_css_callbacks_total"
COMMIT = "tencent_css_exporter_ledger_commit_seconds"
SCRAPE = "tencent_css_exporter_scrape_seconds"
NO_ANSWER = "The exporter is not scraped"


def commits() -> list[Panel]:
    """Return how long commits and scrapes take."""
    return [
        timeseries(
            "Duration of commits",
            *(
                graph(quantile(part, COMMIT, JOB), f"{part:.0%} are shorter")
                for part in (0.5, 0.99)
            ),
            description="Duration of the ledger's transactions. Each is shared by the callbacks"
            " that waited for it.",
            unit="s",
            empty="No commit just now",
        ),
        timeseries(
            "Commits per second",
            graph(rate(f"{COMMIT}_count", JOB), "commits"),
            graph(rate(CALLBACKS, JOB), "callbacks accepted"),
            description="Under load several callbacks share a commit.",
            unit="ops",
            empty=NO_ANSWER,
            overrides=[faint("callbacks accepted")],
        ),
        timeseries(
            "Duration of scrapes",
            *(
                graph(quantile(part, SCRAPE, JOB), f"{part:.0%} are shorter")
                for part in (0.5, 0.99)
            ),
            description="How long the exporter takes to answer a scrape of the ledger.",
            unit="s",
            empty="No scrape just now",
        ),
    ]


def held() -> list[Panel]:
    """Return what the ledger holds."""
    expired = in_range("tencent_css_expired_pushes_total", JOB, "reason")
    return [
        timeseries(
            "Open pushes",
            graph(f"max(tencent_css_exporter_open_pushes{{{JOB}}})", "open pushes"),
            graph(total(f"tencent_css_active_streams{{{JOB}}}"), "active streams"),
            description="Pushes that the ledger holds open. A stream may have several.",
            unit="short",
            empty=NO_ANSWER,
            overrides=[faint("active streams")],
        ),
        timeseries(
            "Sources with labels of their own",
            graph(f"max(tencent_css_exporter_sources{{{JOB}}})", "sources"),
            description="Pairs of push domain and app name, at most the setting max_sources.",
            unit="short",
            empty=NO_ANSWER,
        ),
        bars(
            "Expired pushes in this time range",
            now(expired, "{{reason}}"),
            description="Open pushes closed without their interruption: idle for push_idle_days,"
            " or not known to the platform any more.",
            unit="short",
            empty="None",
        ),
    ]


def processes() -> list[Panel]:
    """Return what each process says of itself."""
    return [
        timeseries(
            "Memory",
            graph(f"process_resident_memory_bytes{{{INSTANCE}}}", "{{instance}}"),
            description="Resident memory of the process that answered the scrape.",
            unit="bytes",
            empty=NO_ANSWER,
        ),
        timeseries(
            "CPU",
            graph(rate("process_cpu_seconds_total", INSTANCE, "instance"), "{{instance}}"),
            description="Share of one core.",
            unit="percentunit",
            empty=NO_ANSWER,
        ),
        table(
            "Versions",
            rows(
                "max by (instance, version, python_version)"
                f" (tencent_css_exporter_build_info{{{INSTANCE}}})"
            ),
            description="Versions of the exporter and of Python.",
            empty=NO_ANSWER,
            columns={
                "instance": "Instance",
                "version": "Exporter",
                "python_version": "Python",
            },
        ),
    ]
