"""Which colour means what, on every dashboard.

Green, amber and red are kept for states: good, watch, act.  A cause or an origin has one
colour of its own wherever it is drawn.  Push domains, formats and the like take Grafana's
colours in their order: those that it would give them by name are often too much alike.  All
are readable on the light and on the dark theme.
"""

from typing import Any, Final

GOOD: Final = "green"
WATCH: Final = "orange"
ACT: Final = "red"
NEUTRAL: Final = "#8E99A8"
MAIN: Final = "#5B9FE6"
"""What stands alone in its graph and is no state."""

CAUSES: Final = {
    "client_stop": NEUTRAL,
    "client_network": "#4C8BF5",
    "rejected": "#9B6DDB",
    "platform": "#E0559E",
    "operator": "#22A7B8",
    "unknown": "#A67C52",
}

ORIGINS: Final = {"mainland": "#3D71D9", "overseas": "#B180E0", "unknown": NEUTRAL}

SUGGESTIONS: Final = {"Block": ACT, "Review": WATCH, "Pass": GOOD, "other": NEUTRAL}
"""A suggestion is a state: somebody has to act, to look, or nothing is wrong."""

FLOWS: Final = {"pushes": MAIN, "ends": "#A9B4C2", "abnormal ends": "#C77DFF"}

SEVERITIES: Final = {"page": ACT, "warning": WATCH, "info": MAIN}
"""Of alerts."""

QUANTILES: Final = {
    "10% are shorter": "#22A7B8",
    "50% are shorter": MAIN,
    "90% are shorter": "#C77DFF",
    "99% are shorter": "#E0559E",
}

OUTCOMES: Final = {"accepted": MAIN, "redelivered": "#C77DFF", "refused": "#D4577B"}

FORWARDS: Final = {
    "taken": MAIN,
    "refused": "#D4577B",
    "unreachable": "#A67C52",
    "timed_out": "#9B6DDB",
    "overloaded": "#22A7B8",
}

CHANGES: Final = {"opened": MAIN, "closed": "#22A7B8", "withheld": "#C77DFF"}
"""What rounds of reconciliation do with pushes."""


def fixed(colour: str) -> dict[str, Any]:
    """Return a field's setting for one colour."""
    return {"mode": "fixed", "fixedColor": colour}
