"""What a newcomer got wrong, found from where the exporter runs: each finding one sentence.

Nothing is changed.  The ledger is opened only if no exporter runs, as its start would do it.
"""

import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, NamedTuple

from exporter.daemon import tls
from exporter.daemon.asking import RunningExporter
from exporter.daemon.keys import KEY_FILE, KEY_LENGTH
from exporter.daemon.loading import Loaded
from exporter.daemon.setting_types import Address, keys_in, without_password
from exporter.daemon.settings import Settings
from exporter.ledger import LedgerUnavailable, Limits, UnusableLedger, open_ledger
from exporter.tencent.calling import Account, why_not
from exporter.web.formatting import span

REMOTE: Final = {"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "afs", "glusterfs", "sshfs"}
"""File systems of other machines, on which SQLite's locks and shared memory cannot be trusted."""

SOON_DAYS: Final = 14
"""When the end of a certificate is worth a word."""


class Finding(NamedTuple):
    """One sentence about a subject: all is well, worth knowing, or wrong and what to do."""

    level: Literal["ok", "note", "wrong"]
    about: str
    sentence: str


def examine(loaded: Loaded) -> Iterator[Finding]:
    """Yield what there is to say, from the settings outwards."""
    settings = loaded.settings
    yield Finding("ok", "settings", f"all are valid; {len(loaded.sources)} were given")
    yield from (Finding("wrong", "settings", warning) for warning in loaded.warnings)
    yield from _keys(settings)
    yield from _data_dir(settings)
    yield from _certificate(settings)
    yield from _clock(settings)
    yield from _platform(settings)
    exporter = RunningExporter(settings)
    yield _listener(exporter, "callback_listen", settings.callback_listen)
    yield _listener(exporter, "metrics_listen", settings.metrics_listen)
    if exporter.answers(settings.metrics_listen):
        yield from _running(exporter)
    else:
        yield Finding("note", "exporter", "none runs on metrics_listen: start css-exporter serve")
        yield _ledger(settings)


def _keys(settings: Settings) -> Iterator[Finding]:
    keys = [key.get_secret_value() for key in settings.callback_keys]
    if settings.callback_keys_file:
        keys += keys_in(settings.callback_keys_file)
    for own in settings.callback_keys_by_domain.values():
        keys += [key.get_secret_value() for key in own]
    generated = settings.data_dir / KEY_FILE
    if "all" in settings.accept_unsigned:
        yield Finding(
            "note",
            "keys",
            "accept_unsigned is all: whoever finds the address can send callbacks; give the"
            " template a key, and the exporter the same",
        )
    if keys:
        yield Finding("ok", "keys", f"{len(keys)} may sign callbacks")
    elif "all" not in settings.accept_unsigned:
        try:
            keys = keys_in(generated)
            yield Finding("ok", "keys", f"the generated one in {generated} may sign callbacks")
        except FileNotFoundError:
            yield Finding("note", "keys", "none is configured: serve will make one and show it")
        except (OSError, ValueError) as error:
            yield Finding("wrong", "keys", f"{generated} cannot be read: {error}")
    if any(len(key) > KEY_LENGTH or not (key.isascii() and key.isalnum()) for key in keys):
        yield Finding(
            "wrong",
            "keys",
            f"one is not as the console takes it, at most {KEY_LENGTH} letters and digits: look"
            " for quotes and for two keys on one line",
        )


def _data_dir(settings: Settings) -> Iterator[Finding]:
    wanted = settings.data_dir.absolute()
    # Not Path.exists, which raises where this user may not look.
    found = next(path for path in (wanted, *wanted.parents) if os.access(path, os.F_OK))
    if not found.is_dir():
        yield Finding("wrong", "data_dir", f"{found} is no directory: choose another data_dir")
    elif not os.access(found, os.W_OK | os.X_OK):
        yield Finding(
            "wrong",
            "data_dir",
            f"{found} cannot be written by this user: change its owner, or run as its owner",
        )
    elif found == wanted and found.stat().st_uid != os.geteuid():
        yield Finding(
            "note", "data_dir", f"{found} belongs to another user: run doctor as the exporter's"
        )
    else:
        yield Finding("ok", "data_dir", f"{wanted} can be written")
    kind = _file_system(found)
    if settings.ledger_url.startswith("sqlite") and kind.removeprefix("fuse.") in REMOTE:
        yield Finding(
            "wrong",
            "data_dir",
            f"{found} is on another machine ({kind}), where SQLite loses data: use a local disk,"
            " or a ledger in PostgreSQL",
        )


def _file_system(path: Path) -> str:
    """Return the kind of a path's file system, "" where the kernel does not say it."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    fields = [mount.split() for mount in mounts]
    over = {one[4]: one[one.index("-") + 1] for one in fields}
    real = path.resolve()
    return next((over[str(one)] for one in (real, *real.parents) if str(one) in over), "")


def _certificate(settings: Settings) -> Iterator[Finding]:
    if not settings.tls_certfile or not settings.tls_keyfile:
        return
    valid_until = tls.check(settings.tls_certfile, settings.tls_keyfile).valid_until
    if valid_until is None:
        return  # a warning of the settings
    left = valid_until - time.time()
    ends = f"{settings.tls_certfile} is valid for {span(left)}"
    if left < SOON_DAYS * 86400:
        yield Finding("note", "tls", f"{ends} more: renew it, and restart the exporter")
    else:
        yield Finding("ok", "tls", ends)


def _clock(settings: Settings) -> Iterator[Finding]:
    written = 0.0
    for name in ("ledger.sqlite", "ledger.sqlite-wal"):
        with suppress(OSError):  # not there, or not for this user
            written = max(written, (settings.data_dir / name).stat().st_mtime)
    ahead = written - time.time()
    if ahead > 60:
        yield Finding(
            "wrong",
            "clock",
            f"the ledger was written {span(ahead)} from now: set this machine's clock, and keep"
            " it right with NTP",
        )
    elif (
        Path("/run/systemd/timesync").exists()
        and not Path("/run/systemd/timesync/synchronized").exists()
    ):
        yield Finding("note", "clock", "it was not synchronised since the start of this machine")
    else:
        yield Finding("ok", "clock", f"it says {time.strftime('%Y-%m-%d %H:%M:%S %Z')}")


def _platform(settings: Settings) -> Iterator[Finding]:
    """Say whether there are credentials to reconcile with; they are not tried."""
    if settings.reconcile_seconds:
        reason = why_not(settings.part(Account))
        found = "there are credentials, docs/tencent-cloud.md says what they must allow"
        yield Finding("wrong" if reason else "ok", "reconciliation", reason or found)


def _listener(exporter: RunningExporter, name: str, address: Address) -> Finding:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and exporter.answers(address):
                return Finding("ok", name, f"a running exporter answers on {address}")
            why = {
                errno.EADDRINUSE: "is held by another program: end that, or choose another port",
                errno.EACCES: "needs more rights than this user's: choose a port above 1023",
                errno.EADDRNOTAVAIL: "is not of this machine: use 0.0.0.0 or one of its own",
            }
            other = f"cannot be listened on: {error}"
            return Finding("wrong", name, f"{address} {why.get(error.errno or 0, other)}")
    return Finding("ok", name, f"{address} is free")


def _ledger(settings: Settings) -> Finding:
    url = settings.ledger_url
    shown = without_password(url)
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not os.access(path, os.F_OK):
        return Finding("note", "ledger", f"{path} will be made by the first start")
    try:
        ledger = open_ledger(url, settings.part(Limits), make=False)
        try:
            ledger.check()
            ledger.snapshot()
        finally:
            ledger.close()
    except (UnusableLedger, LedgerUnavailable, OSError) as error:
        return Finding("wrong", "ledger", f"{shown} cannot be used: {error}")
    return Finding("ok", "ledger", f"{shown} can be opened and can commit")


def _running(exporter: RunningExporter) -> Iterator[Finding]:
    ready = exporter.get("/-/ready")
    if ready.status == 200:
        yield Finding("ok", "exporter", "it runs, and its ledger can commit")
    else:
        yield Finding("wrong", "exporter", f"it runs, but {ready.text.strip()}")
    metrics = exporter.get("/metrics")
    if metrics.status == 401:
        yield Finding(
            "wrong", "exporter", "it has another metrics_token than these settings: restart it"
        )
        return
    if metrics.status != 200:
        yield Finding("wrong", "exporter", f"it shows no metrics: {metrics.text.strip()}")
        return
    taken = exporter.callbacks_taken(metrics.text)
    if taken:
        yield Finding("ok", "callbacks", f"{taken} were taken")
        return
    refused = exporter.refusals()
    for reason, hint in refused.items():
        yield Finding("wrong", "callbacks", f"none was taken, but some refused: {reason}. {hint}")
    if not refused:
        yield Finding(
            "note",
            "callbacks",
            "none has come yet: enter the callback URL in a template of the console and bind it"
            " to the push domain; it takes 5 to 10 minutes, and the address must be reachable"
            " from outside",
        )
