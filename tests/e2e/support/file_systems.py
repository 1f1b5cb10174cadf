"""Small file systems of a test's own, that can be full, and whose power can be cut. Needs root."""

import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from support.waiting import wait_until

kShutdown = 0x8004587D
kNoLogFlush = 2
kMebibyte = 1 << 20

# ext4 commits by itself every 5 s; far more here, so that only what was synced is on the disk.
kLoop = {"ext4": (["mkfs.ext4", "-q", "-F"], 16 * kMebibyte, "commit=600"), "xfs": (["mkfs.xfs", "-q", "-f"], 320 * kMebibyte, "")}


def need_root():
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a file system")


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)


class MountedFolder:
    """A file system at `folder`, until the block ends. `source` and `options` are as mount takes them."""

    def __init__(self, folder, kind, source, options):
        self.folder = Path(folder)
        self.kind = kind
        self.source = source
        self.options = options

    def mount(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        done = run("mount", "-t", self.kind, *(["-o", self.options] if self.options else []), self.source, self.folder)
        if done.returncode != 0:
            pytest.skip(f"{self.kind} cannot be mounted here: {done.stderr.strip()}")
        return self

    def unmount(self):
        # Whoever had files open there has ended; the kernel may close them a moment later.
        wait_until(lambda: run("umount", self.folder).returncode == 0, what=f"nobody has files open in {self.folder}")

    def __enter__(self):
        return self.mount()

    def __exit__(self, *_):
        run("umount", self.folder)

    def fill(self, keep=0):
        """Takes all space but about `keep` bytes; returns the file that holds it."""
        path = self.folder / "filler"
        with open(path, "wb") as file:
            left = self.free() - keep
            try:
                while left > 0:
                    left -= os.write(file.fileno(), bytes(min(left, 65536)))
            except OSError:
                pass
        return path

    def free(self):
        info = os.statvfs(self.folder)
        return info.f_bavail * info.f_frsize


class LoopFolder(MountedFolder):
    """ext4 or XFS in an image file, whose power can be cut."""

    def __init__(self, folder, kind, size=None):
        make, smallest, options = kLoop[kind]
        self._image = Path(folder).with_suffix(".image")
        super().__init__(folder, kind, self._image, ",".join(filter(None, ("loop", options))))
        if shutil.which(make[0]) is None:
            pytest.skip(f"needs {make[0]}")
        with open(self._image, "wb") as image:
            image.truncate(size or smallest)
        done = run(*make, self._image)
        assert done.returncode == 0, done.stderr

    def cut_power(self):
        """From now on nothing reaches the disk, and what had not reached it is lost."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, kShutdown, struct.pack("=I", kNoLogFlush))
        finally:
            os.close(descriptor)

    def unmount(self):
        """As above, and waits until the file system is gone: whoever has made mounts of their own meanwhile has a copy of ours for a while,
        and a file system that is in use somewhere would only be shown again, without a reboot."""
        super().unmount()
        wait_until(lambda: not run("losetup", "-n", "-j", self._image).stdout, what=f"nobody has {self._image} mounted")

    def restore_power(self):
        """Mounts again, as after a reboot. Nobody may use the folder meanwhile."""
        self.unmount()
        self.mount()


def memory_folder(folder, **options):
    """tmpfs with mount options such as size="8m", nr_inodes=100."""
    return MountedFolder(folder, "tmpfs", "tmpfs", ",".join(f"{key}={value}" for key, value in options.items()))
