"""The disk that everything happens on: a fresh ext4 file system in a file, so that every run finds the same conditions.

A used file system may slow down whoever stores files just after others were removed (ext4 without a journal passes over recently removed
inodes one by one, and is ten times slower for minutes). The mount lives in a mount namespace of this process and goes with it, whatever
happens. Without root the files go straight into the folder."""

import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

from ftbench import process
from ftbench.process import Failed

IMAGE_BYTES = 64 << 30  # sparse: only what is written takes space
INODES = 8_000_000
CLONE_NEWNS = 0x00020000
TOOLS = ["mkfs.ext4", "mount", "umount", "losetup"]


class FolderDisk:
    """No disk of its own: a new folder."""

    def __init__(self, parent: Path):
        self.top = Path(tempfile.mkdtemp(prefix="ftbench-", dir=parent))
        self.kind = "folder of the machine's file system"

    def close(self) -> None:
        # rm is several times faster than shutil for a million files.
        subprocess.run(["rm", "-rf", "--", str(self.top)], check=False)


class ImageDisk:
    def __init__(self, parent: Path):
        if os.geteuid() != 0:
            raise Failed("a disk of its own needs root")
        missing = [name for name in TOOLS if process.find_program(name) is None]
        if missing:
            raise Failed(f"a disk of its own needs {', '.join(missing)}")
        self._image = Path(tempfile.mkstemp(prefix="ftbench-", suffix=".img", dir=parent)[1])
        self.top = Path(tempfile.mkdtemp(prefix="ftbench-", dir=parent))
        self.kind = "new ext4 with a journal on a loop device"
        try:
            self._mount()
        except Failed:
            self.close()
            raise

    def _mount(self) -> None:
        os.truncate(self._image, IMAGE_BYTES)
        _run("mkfs.ext4", "-q", "-F", "-N", str(INODES), "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", str(self._image))
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
            raise Failed("no mount namespace of its own")
        _run("mount", "--make-rprivate", "/")
        _run("mount", "-o", "loop,noatime,noinit_itable", str(self._image), str(self.top))
        self._image.unlink()  # the loop device keeps it as long as it is mounted
        device = subprocess.run(["findmnt", "-nro", "SOURCE", str(self.top)], capture_output=True, text=True, env=process.environment())
        # Each page is cached once, not twice. Where that is not possible it is only slower.
        subprocess.run(["losetup", "--direct-io=on", device.stdout.strip()], check=False, capture_output=True, env=process.environment())

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.top)], check=False, capture_output=True, env=process.environment())
        self._image.unlink(missing_ok=True)
        self.top.rmdir()


def make(parent: Path, own: bool) -> FolderDisk | ImageDisk:
    """A disk in the folder. `own`: a file system of its own where that is possible."""
    if own:
        try:
            return ImageDisk(parent)
        except Failed:
            return FolderDisk(parent)
    return FolderDisk(parent)


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, env=process.environment())
    if done.returncode != 0:
        raise Failed(f"{argv[0]}: {done.stderr.strip()[-300:]}")
