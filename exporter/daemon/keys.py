"""The callback keys in force, and the one that is made when none is configured."""

import os
import secrets
import string
from pathlib import Path
from typing import Final, NamedTuple

from exporter.daemon.setting_types import keys_in
from exporter.daemon.settings import Settings
from exporter.ledger.sqlite.files import sync_directory
from exporter.protocol.signature import Keyring

KEY_FILE: Final = "callback-key"
KEY_LENGTH: Final = 32
"""The longest that the console takes."""


class Keys(NamedTuple):
    """The keyring, and where its generated key stands, if it is one."""

    keyring: Keyring
    generated: Path | None = None
    is_new: bool = False


def keys_of(settings: Settings) -> Keys:
    """Return the configured keys; without any, one that is made at first start and kept.

    Nothing is made for ``accept_unsigned = all``.  Raises ``OSError``.
    """
    general = [key.get_secret_value() for key in settings.callback_keys]
    if settings.callback_keys_file:
        general += keys_in(settings.callback_keys_file)
    by_domain = {
        domain: tuple(key.get_secret_value().encode() for key in keys)
        for domain, keys in settings.callback_keys_by_domain.items()
    }
    if general or by_domain or "all" in settings.accept_unsigned:
        return Keys(Keyring(tuple(key.encode() for key in general), by_domain))
    path = settings.data_dir / KEY_FILE
    is_new = _make(path)
    return Keys(Keyring(tuple(key.encode() for key in keys_in(path))), path, is_new)


def _make(path: Path) -> bool:
    """Make a key's file, whole or not at all; return False if there is one."""
    if path.exists():
        if not keys_in(path):
            raise OSError(f"{path} is empty: remove it to have a new key made")
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    alphabet = string.ascii_letters + string.digits
    key = "".join(secrets.choice(alphabet) for _ in range(KEY_LENGTH))
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{key}\n")
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    sync_directory(path.parent)
    return True
