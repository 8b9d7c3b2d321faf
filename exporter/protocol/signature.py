"""Verify that (t, sign) comes from a holder of one of our keys, and now.

Pure: no clock, no I/O.  ``sign`` is the lowercase hex MD5 of the callback key followed
by the decimal ``t``; ``t`` is the expiry, Unix seconds, ten minutes past the sending.
It covers neither the body nor the event (docs/protocol.md section 2).
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import md5
from typing import Final

from exporter.protocol.envelope import Envelope
from exporter.protocol.refusals import Refusal

LIFETIME_SECONDS: Final = 600
"""How far in the future the sender sets ``t``."""


def sign(key: bytes, expires_at: int) -> str:
    """Return the signature of a callback that expires at a Unix second."""
    return md5(key + b"%d" % expires_at, usedforsecurity=False).hexdigest()


@lru_cache(maxsize=256)
def _expected(key: bytes, expires_at: int) -> bytes:
    """Return the signature that all callbacks of a second and a key have."""
    return sign(key, expires_at).encode()


@dataclass(frozen=True, slots=True)
class Keyring:
    """The callback keys that may have signed a packet.

    ``general`` sign for any push domain that is not named in ``by_domain``; a packet that
    names a domain of ``by_domain`` must be signed by one of that domain's keys.  A packet
    that names no domain (subtitles, smart erase) may be signed by any of the keys.
    """

    general: tuple[bytes, ...] = ()
    by_domain: dict[str, tuple[bytes, ...]] = field(default_factory=dict)

    def candidates(self, push_domain: str | None) -> Iterable[bytes]:
        """Return the keys that may sign for a push domain (lower case), None for no domain."""
        if push_domain is None:
            return (*self.general, *(key for keys in self.by_domain.values() for key in keys))
        return self.by_domain.get(push_domain, self.general)

    def __len__(self) -> int:
        return len(self.general) + sum(len(keys) for keys in self.by_domain.values())


def verify(envelope: Envelope, *, keyring: Keyring, now: float, tolerance: float) -> None:
    """Raise a ``Refusal`` unless one of the keys signed a packet's ``t`` and ``t`` is current.

    ``now`` is in Unix seconds, ``tolerance`` the seconds of grace on both sides.  Reasons:
    ``unsigned``, ``bad_field``, ``bad_signature``, ``expired``, ``not_yet_valid``.
    """
    if not envelope.is_signed:
        raise Refusal("unsigned")
    expires_at = envelope.expires_at
    if expires_at is None:
        raise Refusal("bad_field", "t")
    if not isinstance(envelope.sign, str):
        raise Refusal("bad_field", "sign")
    given = envelope.sign.lower().encode(errors="replace")
    # Every key is tried, and compared as bytes: compare_digest raises on non-ASCII text.
    matches = [
        hmac.compare_digest(_expected(key, expires_at), given)
        for key in keyring.candidates(envelope.push_domain)
    ]
    if not any(matches):
        raise Refusal("bad_signature")
    if expires_at + tolerance < now:
        raise Refusal("expired", f"{now - expires_at:.0f} s past t")
    if expires_at > now + LIFETIME_SECONDS + tolerance:
        raise Refusal("not_yet_valid", f"{expires_at - now:.0f} s before t")
