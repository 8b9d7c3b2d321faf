"""The ledger's files: the lock that all its processes share, and their safe creation."""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileLock:
    """A lock between processes, and between the threads of each; the kernel frees it.

    SQLite before 3.51.3 can corrupt a WAL database when two connections write or checkpoint
    at the same moment, and its own busy back-off starves one of two busy writers.  Holding
    this lock around every transaction, checkpoint and closing mends both.

    As a context manager it waits for ever, and fairly: for the committing thread, on which
    nobody waits for ever.  ``within`` is for the others.  Both raise ``OSError``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread_lock = threading.Lock()
        self._descriptor: int | None = None

    def __enter__(self) -> None:
        self._thread_lock.acquire()
        try:
            while not self._lock(fcntl.LOCK_EX):
                pass
        except BaseException:
            self._thread_lock.release()
            raise

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._thread_lock.release()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Hold the lock, or raise ``TimeoutError`` if others keep it for so long."""
        deadline = time.monotonic() + seconds
        late = TimeoutError(f"{self._path} was held by others for {seconds:g} s")
        if not self._thread_lock.acquire(timeout=seconds):
            raise late
        locked = False
        try:
            while not (locked := self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)):
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.005)
        finally:
            if not locked:
                self._thread_lock.release()
        if not locked:
            raise late
        try:
            yield
        finally:
            self.__exit__()

    def close(self) -> None:
        """Close the lock's file, which frees the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _lock(self, operation: int) -> bool:
        """Lock the file that has the name now; return False if another try is needed."""
        if self._descriptor is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(self._descriptor, operation)
        except BlockingIOError:
            return False
        status = os.fstat(self._descriptor)
        if inode(self._path) == (status.st_dev, status.st_ino):
            return True
        # Removed or replaced meanwhile: others would lock another file than this one.
        self.close()
        return False


def mark_used(path: Path) -> None:
    """Mark a ledger as used by exporters, until this process and all its children end.

    A connection is no such mark: a worker that has just begun has none yet.  Raises ``OSError``,
    ``BlockingIOError`` while somebody has the ledger alone.
    """
    _mark(os.open(_mark_of(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), fcntl.LOCK_SH)


@contextmanager
def used_by_nobody(path: Path) -> Iterator[None]:
    """Have a ledger alone.  Raises ``BlockingIOError`` if exporters use it, or ``OSError``."""
    try:
        descriptor = os.open(_mark_of(path), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:  # and not made here, perhaps for another user
        yield
        return
    _mark(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


def _mark_of(path: Path) -> Path:
    return Path(f"{path}.used")


def _mark(descriptor: int, operation: int) -> None:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def inode(path: Path) -> tuple[int, int] | None:
    """Return device and inode of the file that has a name now, None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
