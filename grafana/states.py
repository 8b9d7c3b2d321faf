"""The state of streams: which dropped and are not back, and how the watched ones are."""

from typing import Final

from grafana import palette
from grafana.links import Link, label, stream, streams
from grafana.overrides import values
from grafana.panels import TABLE_RIGHT, WHOLE_NUMBERS, Panel, state_timeline, timeseries
from grafana.queries import AT_END, JOB, ORIGIN, WATCHED, graph, most, total
from grafana.variables import variable

DROPPED: Final = f"tencent_css_dropped_streams{{{ORIGIN}}}"
_RANK: Final = total(f"{DROPPED} {AT_END}", "push_domain")
STREAM_VARIABLE: Final = variable(
    "stream_id", "Stream id", f"tencent_css_watched_stream_active{{{JOB}}}"
)
_DOMAIN: Final = label("push_domain")
DROPPED_OF_DOMAIN: Final[Link] = streams(
    f"Dropped streams of {_DOMAIN}", state="dropped", push_domain=_DOMAIN
)
BY_CAUSE: Final[Link] = streams(f"Streams that ended by {label('cause')}", cause=label("cause"))


def dropped() -> Panel:
    """Return the streams that are away, by push domain."""
    return timeseries(
        "Dropped streams, not back",
        *most(total(DROPPED, "push_domain"), _RANK, "push_domain", "{{push_domain}}"),
        description="The eight push domains with the most, and all others. Streams whose"
        " newest push ended with another cause than client_stop or operator, and that have"
        " not pushed again. Click a push domain for the list of them.",
        unit="none",
        empty="No data: exporter down, or no push yet",
        axis=WHOLE_NUMBERS,
        legend=TABLE_RIGHT,
        links=[DROPPED_OF_DOMAIN],
    )


def watched() -> Panel:
    """Return a band for each watched stream; in full width, as names are long."""
    return state_timeline(
        "Watched streams",
        graph(
            f"tencent_css_watched_stream_active{{{WATCHED}}}",
            "{{push_domain}}/{{app_name}}/{{stream_id}}",
        ),
        description="A band for each stream of watched_streams: live, or dark. Click one for"
        " the exporter's page of it, which says why it went dark.",
        empty="No data: exporter down, or watched_streams names none",
        mappings=values({"1": ("live", palette.GOOD), "0": ("dark", palette.ACT)}),
        links=[stream(f"Stream {label('stream_id')}", label)],
    )
