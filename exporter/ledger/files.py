"""The ledger's files: the lock that all its processes share, and their safe creation."""

import fcntl
import os
import threading
from pathlib import Path
from types import TracebackType


class FileLock:
    """A lock between processes, and between the threads of each; the kernel frees it.

    SQLite before 3.51.3 can corrupt a WAL database when two connections write or checkpoint
    at the same moment, and its own busy back-off starves one of two busy writers.  Holding
    this lock around every transaction, checkpoint, opening and closing mends both.
    """

    def __init__(self, path: Path) -> None:
        self._thread_lock = threading.Lock()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> None:
        self._thread_lock.acquire()
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except BaseException:
            self._thread_lock.release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._thread_lock.release()

    def close(self) -> None:
        """Close the lock's file."""
        os.close(self._descriptor)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def inode(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another of the same name, None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
