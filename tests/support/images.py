"""The unmodified Dockerfile, built and run without a container engine.

What runs is what the image says, isolated as ``docker run --read-only --cap-drop ALL
--security-opt no-new-privileges --network none`` would.
"""

import ctypes
import json
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from support.daemon import Answer, request
from support.image_storage import Storage, build, buildah, storage_with_base
from support.programs import missing, program

_PROGRAMS = ("buildah", "mmdebstrap", "unshare", "nsenter", "setpriv", "ip")

_RUN = """
root=$1 data=$2; shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev"
touch "$root/dev/null" && mount --bind /dev/null "$root/dev/null"
mkdir "$root/dev/shm" && mount -t tmpfs -o mode=1777,size=64m shm "$root/dev/shm"
mount --bind "$data" "$root/data"
mount -o remount,bind,ro "$root"
ip link set lo up
exec env -i "$@"
"""


def need_an_image_builder() -> None:
    """Skip the test where no image can be built."""
    for name in _PROGRAMS:
        program(name)
    if os.geteuid() != 0:
        missing("an image can be built only by root")
    if not Path("/etc/debian_version").exists():
        missing("an image's stand-in base can be made only on Debian")


class Builder:
    """Builds on the stand-in of a base image, into a storage of its own."""

    def __init__(self, directory: Path, base: str) -> None:
        self._directory = directory
        self._storage = Storage(directory / "storage", storage_with_base(base))

    def build(self, tag: str) -> None:
        """Build the Dockerfile."""
        build(self._storage, self._directory, f"--tag={tag}")

    def configuration(self, tag: str) -> dict[str, Any]:
        """Return what the image says about running it."""
        inspected = buildah(self._storage, "inspect", "--type=image", tag)
        found: dict[str, Any] = json.loads(inspected)["Docker"]["config"]
        return found

    def mount(self, tag: str) -> Path:
        """Return the root directory of a new container."""
        container = buildah(self._storage, "from", "--pull-never", tag).strip()
        return Path(buildah(self._storage, "mount", container).strip())

    def close(self) -> None:
        """Unmount and remove the containers."""
        buildah(self._storage, "rm", "--all")


class Container:
    """One running container, with a network of its own."""

    def __init__(
        self, root: Path, configuration: dict[str, Any], data: Path, log: Path, **env: str
    ) -> None:
        self._root = root
        self._user, self._group = configuration["User"].split(":")
        self._env = [*configuration["Env"], *(f"{name}={value}" for name, value in env.items())]
        self._stop_signal = signal.Signals[configuration["StopSignal"]]
        self.log = log
        command = self._confined(*configuration["Entrypoint"], *configuration["Cmd"])
        namespaces = ("--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child")
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                ["unshare", *namespaces, "sh", "-euc", _RUN, "sh", root, data, *command],
                stdout=file,
                stderr=file,
            )

    def request(self, port: int, method: str, path: str, body: str = "") -> Answer:
        """Send a request from inside the container's network."""

        def asked() -> Answer:
            self._enter_network()
            return request(port, method, path, body.encode())

        with ThreadPoolExecutor(1) as inside:
            return inside.submit(asked).result()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run another command in the image, as ``docker exec`` would."""
        spaces = f"/proc/{self.process.pid}/ns"
        return subprocess.run(
            [
                *("nsenter", f"--net={spaces}/net", f"--mount={spaces}/mnt"),
                *("env", "-i", *self._confined(*command)),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def process_one(self) -> int:
        """Return the number, outside, of the container's process 1."""
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())

    def stop(self) -> int:
        """Send the image's stop signal and return the exit status."""
        os.kill(self.process_one(), self._stop_signal)
        return self.process.wait(40)

    def kill(self) -> None:
        """End whatever still runs."""
        if self.process.poll() is None:
            # Not unshare alone: --kill-child is forgotten when the child changes its user.
            with suppress(OSError, ValueError):
                os.kill(self.process_one(), signal.SIGKILL)
            self.process.kill()
            self.process.wait()

    def _confined(self, *command: str) -> list[str]:
        user = (f"--reuid={self._user}", f"--regid={self._group}", "--clear-groups")
        powers = ("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")
        return [*self._env, "chroot", str(self._root), "setpriv", *user, *powers, *command]

    def _enter_network(self) -> None:
        """Let the thread that calls this be in the container's network."""
        with Path(f"/proc/{self.process.pid}/ns/net").open() as space:
            if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), 0):
                raise OSError(ctypes.get_errno(), "setns")
