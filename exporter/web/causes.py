"""What to do about a push that ended, by its cause.

Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from exporter.ledger.history import KeptPush
from exporter.protocol.errcodes import Cause
from exporter.web.hints import Advice, Hint, advice_on


def advice_on_ends(pushes: Iterable[KeptPush]) -> list[Advice]:
    """Return what the ends of pushes call for, each cause once, in order of the pushes."""
    return advice_on((push.cause, HINTS[push.cause]) for push in pushes if push.cause)


HINTS: Final[Mapping[Cause, Hint]] = {
    "client_stop": Hint(
        "the host stopped", "A normal end. If nobody meant it, look at the push client."
    ),
    "client_network": Hint(
        "the connection of the host failed, or what it sent was broken",
        "Look at the host's uplink, encoder and bit rate. If many streams ended so at once, it is"
        " the network between them and Tencent Cloud, or the platform.",
    ),
    "rejected": Hint(
        "the platform refused the push",
        "Check the push URL's txSecret and txTime, the domain, the account's balance and its"
        " quota. The sub code, with the exact reason, stands in the CSS console.",
    ),
    "platform": Hint(
        "the platform ended it",
        "Let the host push again. If it repeats, open a ticket with Tencent Cloud, with the"
        " sequence and the time.",
    ),
    "operator": Hint(
        "cut or banned by request, or replaced by a new push",
        "Look who cut it, or whether two hosts push under one name.",
    ),
    "unknown": Hint(
        "the platform gives no reason",
        "Look for the stream and its sub code in the CSS console. If it repeats, open a ticket"
        " with Tencent Cloud, with the sequence and the time.",
    ),
}
