"""A release of stub packages, and the tools of a node."""

import os
import subprocess
from pathlib import Path

from infra.build.archive import write_tar
from infra.build.manifest import SUMS, seal
from infra.local.options import REPOSITORY

SCRIPTS = REPOSITORY / "infra/bin"
PYTHON = REPOSITORY / ".venv/spark/bin/python"
STUBS = {
    "extract": ("blosc2", "numpy", "pandas", "pyarrow", "rasterio", "shapely"),
    "embed": ("torch",),
}


def write(folder: Path) -> Path:
    """A release whose packages are one line each."""
    (folder / "env").mkdir(parents=True)
    (folder / "bin").mkdir()
    for layer, packages in STUBS.items():
        source = folder.with_name(f"{folder.name}-{layer}")
        source.mkdir()
        for package in packages:
            (source / f"{package}.py").write_text(f"WHAT = {package!r}\n")
        write_tar(source, [f"{package}.py" for package in packages], folder / f"env/{layer}.tar.gz")
    for script in SCRIPTS.iterdir():
        (folder / "bin" / script.name).write_bytes(script.read_bytes())
    seal(folder, "cpu")
    return folder


def digest(folder: Path) -> str:
    done = subprocess.run(["sha256sum", str(folder / SUMS)], capture_output=True, text=True, check=True)
    return done.stdout.split()[0]


def tool(folder: Path, name: str, script: str) -> None:
    """Put a program onto a path of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{script}\n")
    (folder / name).chmod(0o755)


class Node:
    """A machine made of a folder: disks, devices, and the programs that a bootstrap calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "opt/claylake"
        self.path = folder / "path"
        self.calls = folder / "calls"
        for name in ("opt", "mnt", "pci/0000:00:1e.0"):
            (folder / name).mkdir(parents=True)
        (folder / "pci/0000:00:1e.0/vendor").write_text("0x1d0f\n")
        self.tell('{"isMaster": false}')
        record = f'echo "$(basename $0) $*" >> {self.calls}'
        tool(self.path, "python3.11", f'{record}\nexec {PYTHON} "$@"')
        tool(self.path, "mount", record)
        tool(self.path, "mountpoint", f"{record}\ngrep -qs '^mount ' {self.calls}")
        tool(self.path, "sudo", 'exec "$@"')

    def tell(self, document: str) -> None:
        (self.folder / "instance.json").write_text(document)

    def add_gpu(self) -> None:
        (self.folder / "pci/0000:00:1f.0").mkdir()
        (self.folder / "pci/0000:00:1f.0/vendor").write_text("0x10de\n")

    def python(self, code: str) -> subprocess.CompletedProcess:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        command = [str(self.root / "python/bin/python"), "-c", code]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def called(self, program: str) -> list[str]:
        text = self.calls.read_text() if self.calls.exists() else ""
        return [line for line in text.splitlines() if line.split()[0] == program]

    def bootstrap(self, *arguments: str, disks: str = "mnt opt") -> subprocess.CompletedProcess:
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "PATH": f"{self.path}:{os.environ['PATH']}",
            "CLAYLAKE_ROOT": str(self.root),
            "CLAYLAKE_DISKS": " ".join(str(self.folder / disk) for disk in disks.split()),
            "CLAYLAKE_NODE_INFO": str(self.folder / "instance.json"),
            "CLAYLAKE_PCI_DEVICES": str(self.folder / "pci"),
            "CLAYLAKE_CGROUP": str(self.folder / "cgroup"),
        }
        return subprocess.run(
            ["bash", str(SCRIPTS / "bootstrap.sh"), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
