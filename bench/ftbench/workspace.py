"""The folder that everything happens in: test data, the servers' roots, results of transfers."""

import filecmp
import os
import random
import shutil
from pathlib import Path

from ftbench.process import Failed
from ftbench.scale import MIB

SMALL_BYTES = 4096


class Workspace:
    def __init__(self, root: Path):
        self.root = root
        os.chmod(root, 0o755)  # servers with an own account must get in
        self.output = str(root / "output.txt")
        self._random = random.Random(7021)
        self._counter = 0

    def folder(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def fresh_name(self, prefix: str) -> str:
        self._counter += 1
        return f"{prefix}{self._counter}"

    def file(self, name: str, size: int) -> Path:
        """A file of random bytes, made once."""
        path = self.folder("data") / name
        if not path.exists():
            with open(path, "wb") as out:
                for start in range(0, size, MIB):
                    out.write(self._random.randbytes(min(MIB, size - start)))
        return path

    def tree(self, folders: int, files: int) -> Path:
        """Folders of files of 4 KiB; the last part of its name is "tree", as each transfer of it keeps."""
        top = self.folder(f"data/{folders}x{files}") / "tree"
        if not top.exists():
            for i in range(folders):
                folder = top / f"folder{i:03}"
                folder.mkdir(parents=True)
                for k in range(files):
                    (folder / f"file{k:04}.dat").write_bytes(self._random.randbytes(SMALL_BYTES))
        return top

    def empty_folders(self, count: int) -> Path:
        top = self.folder(f"data/empty{count}") / "tree"
        if not top.exists():
            for i in range(0, count, 100):
                folder = top / f"group{i // 100:05}"
                folder.mkdir(parents=True)
                for k in range(min(100, count - i) - 1):
                    (folder / f"empty{k:02}").mkdir()
        return top


def check_same(source: Path, result: Path) -> None:
    """Raises Failed unless the two files or trees hold the same names and bytes."""
    if source.is_dir():
        _check_same_tree(source, result)
    elif not result.is_file():
        raise Failed(f"{result} is missing")
    elif not _same_bytes(source, result):
        raise Failed(f"{result} differs from {source}")


def _same_bytes(first: Path, second: Path) -> bool:
    with open(first, "rb") as a, open(second, "rb") as b:
        while True:
            left, right = a.read(MIB), b.read(MIB)
            if left != right:
                return False
            if not left:
                return True


def _check_same_tree(source: Path, result: Path) -> None:
    comparison = [(source, result)]
    while comparison:
        first, second = comparison.pop()
        if not second.is_dir():
            raise Failed(f"the folder {second} is missing")
        names = sorted(os.listdir(first))
        if names != sorted(os.listdir(second)):
            raise Failed(f"{second} holds other names than {first}")
        folders = {entry.name for entry in os.scandir(first) if entry.is_dir()}
        files = [name for name in names if name not in folders]
        _, different, unreadable = filecmp.cmpfiles(first, second, files, shallow=False)
        if different or unreadable:
            raise Failed(f"{second}: {(different + unreadable)[0]} differs")
        comparison += [(first / name, second / name) for name in folders]


def free_bytes(path: Path) -> int:
    return shutil.disk_usage(path).free
