"""What must hold between settings that are each right by themselves."""

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from exporter.daemon import tls
from exporter.ledger.watching import is_name
from exporter.tencent.calling import lacking_package

if TYPE_CHECKING:
    from exporter.daemon.setting_types import Address
    from exporter.daemon.settings import Settings

_PORTS = {"http": 80, "https": 443}


def of(settings: "Settings") -> tuple[list[str], list[str]]:
    """Return what is wrong, and what is doubtful, a sentence each."""
    errors = _loops(settings)
    if settings.callback_listen == settings.metrics_listen:
        errors.append("callback_listen and metrics_listen must differ")
    if (names := sum(is_name(one) for one in settings.watched_streams)) > (
        most := settings.max_watched_streams
    ):
        errors.append(f"watched_streams names {names} streams, and max_watched_streams is {most}")
    if settings.reconcile_seconds and (reason := lacking_package()):
        errors.append(f"reconcile_seconds: {reason}")
    warnings = []
    if settings.tls_certfile and settings.tls_keyfile:
        try:
            objection = tls.check(settings.tls_certfile, settings.tls_keyfile).objection
        except tls.TlsError as error:
            errors.append(f"tls_certfile, tls_keyfile: {error}")
        else:
            if objection:
                warnings.append(f"clients will refuse {settings.tls_certfile}: {objection}")
    return errors, warnings


def _loops(settings: "Settings") -> list[str]:
    """Return a sentence for each consumer that is ourselves: callbacks would go round.

    A name that cannot be resolved is taken for another's.
    """
    named: list[tuple[str, str | None]] = [("forward_to", settings.forward_to)]
    named += [
        (f"forward_to_by_event ({event})", url)
        for event, url in settings.forward_to_by_event.items()
    ]
    listeners = {
        "callback_listen": settings.callback_listen,
        "metrics_listen": settings.metrics_listen,
    }
    return [
        f"{name} leads to this exporter itself ({listener}); give it the consumer's address"
        for name, url in named
        if url
        for listener, address in listeners.items()
        if _leads_to(url, address)
    ]


def _leads_to(url: str, listener: "Address") -> bool:
    parts = urlsplit(url)
    port = parts.port or _PORTS[parts.scheme]
    if port != listener.port:
        return False
    addresses = _resolved(parts.hostname or "")
    if _is_any(listener.host):
        return any(map(_is_ours, addresses))
    return bool(addresses & _resolved(listener.host))


def _resolved(host: str) -> set[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return set()
    return {str(address[0]) for *_, address in found}


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _is_ours(address: str) -> bool:
    """Return whether an address is this machine's: only those can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
