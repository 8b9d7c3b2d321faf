"""Who may sign, and when: MD5 of the key followed by ``t``, current on both sides."""

from typing import Any

import pytest
from support.packets import EMPTY

from exporter.protocol.envelope import Envelope
from exporter.protocol.refusals import Refusal
from exporter.protocol.signature import LIFETIME_SECONDS, Keyring, sign, verify

KEY = b"docskey2025"
T = 1767225600
SIGN = "5c7e11efcc0c04d06a486506d1083ca4"


def outcome(
    t: Any = T, signature: Any = SIGN, push_domain: str | None = None, **options: Any
) -> str:
    """Return the refusal's reason, ``accepted`` without one."""
    given: dict[str, Any] = {
        "keyring": Keyring((KEY,)),
        "now": T - LIFETIME_SECONDS,
        "tolerance": 0,
    } | options
    envelope = Envelope.of({"event_type": 1, "app": push_domain, "t": t, "sign": signature})
    try:
        verify(envelope, **given)
    except Refusal as refusal:
        return refusal.reason
    return "accepted"


@pytest.mark.parametrize(
    ("key", "t", "expected"),
    [
        (
            "test",
            1545030873,
            "ca3e25e5dc17a6f9909a9ae7281e300d",
        ),  # Tencent's documents 38081, 38082
        ("test", 1622600525, "57d158ed72263fdc06f71a4a3785eb3f"),
        ("test", 1754623810, "9e4bb18a54739577700a0d256b76c0ec"),
        ("docskey2025", 1767225600, SIGN),
    ],
)
def test_known_vectors(key: str, t: int, expected: str) -> None:
    """The signature of a known key and time is the known one, and verifies."""
    assert sign(key.encode(), t) == expected
    assert outcome(t, expected, keyring=Keyring((key.encode(),)), now=t) == "accepted"


@pytest.mark.parametrize(
    ("t", "signature", "expected"),
    [
        (T, SIGN, "accepted"),
        (T, SIGN.upper(), "accepted"),
        (str(T), SIGN, "accepted"),
        (T + 1, SIGN, "bad_signature"),
        (T, "0" * 32, "bad_signature"),
        (T, SIGN[:-1], "bad_signature"),
        (T, SIGN + " ", "bad_signature"),
        (T, "ключ\N{SNOWMAN}", "bad_signature"),
        (T, "\ud800", "bad_signature"),
        (T, "\x00", "bad_signature"),
        (T, None, "unsigned"),
        (T, "", "unsigned"),
        (None, SIGN, "unsigned"),
        ("", SIGN, "unsigned"),
        (None, None, "unsigned"),
        *[(T, wrong, "bad_field") for wrong in (0, 1, True, False, 1.5, [SIGN], *EMPTY)],
        *[
            (wrong, SIGN, "bad_field")
            for wrong in (
                *(True, False, 1.5, float(T), [T], *EMPTY, -1, 10**12 + 1, 2**64),
                *(f"{T}.0", f" {T}", f"{T}\n", f"+{T}", "1_767_225_600", "x", "9" * 13),
                *("\N{ARABIC-INDIC DIGIT ONE}" * 10, "\N{SUPERSCRIPT TWO}"),
            )
        ],
    ],
)
def test_any_value_has_one_outcome(t: Any, signature: Any, expected: str) -> None:
    """Digits in a string and upper case are taken; whatever is no signature is refused."""
    assert outcome(t, signature) == expected


@pytest.mark.parametrize("tolerance", [0, 60, 600])
@pytest.mark.parametrize(
    ("beyond", "expected"),
    [
        ((T, +1), "expired"),
        ((T, 0), "accepted"),
        ((T - LIFETIME_SECONDS, 0), "accepted"),
        ((T - LIFETIME_SECONDS, -1), "not_yet_valid"),
    ],
    ids=["past", "last second", "first second", "ahead"],
)
def test_tolerance_on_both_sides(tolerance: int, beyond: tuple[int, int], expected: str) -> None:
    """A packet is taken until the tolerance past ``t``, and no earlier than it before sending."""
    edge, step = beyond
    side = 1 if edge == T else -1
    assert outcome(now=edge + side * tolerance + step, tolerance=tolerance) == expected


@pytest.mark.parametrize("signature", ["0" * 32, "x"])
def test_a_forged_signature_does_not_learn_when_it_would_expire(signature: str) -> None:
    """Of a packet that is both forged and too old only the forgery is said."""
    assert outcome(signature=signature, now=T + 10**6) == "bad_signature"


OLD, NEW, OTHER, SHARED = (b"old", b"new", b"other", b"shared")
RING = Keyring((OLD, NEW), {"special.example": (OTHER, SHARED)})


@pytest.mark.parametrize(
    ("key", "push_domain", "expected"),
    [
        (OLD, "live.example", "accepted"),
        (NEW, "live.example", "accepted"),
        (OTHER, "live.example", "bad_signature"),
        (OTHER, "special.example", "accepted"),
        (SHARED, "special.example", "accepted"),
        (OLD, "special.example", "bad_signature"),
        (OLD, None, "accepted"),
        (OTHER, None, "accepted"),
        (b"stranger", None, "bad_signature"),
        (b"stranger", "special.example", "bad_signature"),
        (b"", "live.example", "bad_signature"),
    ],
)
def test_keys_of_rotation_and_of_domains(
    key: bytes, push_domain: str | None, expected: str
) -> None:
    """Any general key signs, but only a domain's own where it has some; no domain, any key."""
    signature = sign(key, T)
    assert outcome(signature=signature, keyring=RING, push_domain=push_domain) == expected


def test_an_empty_keyring_takes_nothing() -> None:
    """Without a key nothing is authentic."""
    assert outcome(keyring=Keyring()) == "bad_signature"
    assert not Keyring()
    assert len(RING) == 4
