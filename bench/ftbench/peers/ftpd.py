"""The project's own two programs, used through their documented command lines."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from ftbench.daemon import Place
from ftbench.peers.peer import Peer
from ftbench.workspace import Workspace

BINARIES = Path(os.environ.get("FT_BENCH_BIN", Path(__file__).resolve().parents[3] / "build/release/bin"))


class Ftpd(Peer):
    verified = "xxh128, stored bytes"

    def __init__(self, workspace: Workspace, place: Place, durability: str = "none", digest: str = "", sync: bool = False,
                 commands: bool = False, tls: bool = False, known: bool = False):
        """As the others do, neither end waits for the disk unless told: `durability` is the daemon's, `sync` that of a get. `known`: the
        client remembers the digests of files that it has put before; otherwise each put is the first one of its file."""
        super().__init__(workspace, place)
        self.durability = durability
        self.digest = digest
        self.sync = sync
        self.commands = commands
        self.tls = tls
        self.cache = self.home / "cache"
        self.known = known
        self.trust = ["--no-tls"]
        self.name = "ftpd" + (" TLS" if tls else "") + (f" {digest}" if digest else "") + (f", durability {durability}" if durability != "none" else "")
        if sync:
            self.name += ", synced"
        if known:
            self.name += ", known digest"
        if digest:
            self.verified = f"{digest}, stored bytes"

    @classmethod
    def missing(cls) -> list[str]:
        return [str(BINARIES / name) for name in ("ftpd", "ftpc") if not os.access(BINARIES / name, os.X_OK)]

    def start(self) -> None:
        if self.daemon:
            return
        insecure = [] if self.place.is_loopback else ["--insecure-no-auth"]
        self.server(BINARIES / "ftpd", "--root", self.files, "--listen", f"{self.place.address}:0", "--log-level", "warn", *insecure,
                    environment={"FTPD_STORAGE__DURABILITY": self.durability, "FTPD_SERVER__IDLE_TIMEOUT": "1h",
                                 "FTPD_SERVER__STATE": str(self.home / "state"), "FTPD_TLS__MODE": "required" if self.tls else "off", **self._commands()})
        self.port = int(self.daemon.wait_for_line(r"ftpd: listening on \S+:(\d+)")[1])
        if self.tls:
            self.trust = ["--pin", fingerprint(self.home / "state")]

    def _commands(self) -> dict[str, str]:
        if not self.commands:
            return {}
        return {"FTPD_EXEC__MODE": "shell", "FTPD_EXEC__USER": pwd.getpwuid(os.getuid()).pw_name}

    def _ftpc(self, *words: str | Path, port: int = 0) -> list[str]:
        return self.client(BINARIES / "ftpc", "-q", *self.trust, "-s", f"{self.place.address}:{port or self.port}", *words)

    def client_environment(self) -> dict[str, str]:
        if not self.known:
            shutil.rmtree(self.cache, ignore_errors=True)
        self.cache.mkdir(exist_ok=True)
        return {"XDG_CACHE_HOME": str(self.cache)}

    def _digest(self) -> list[str]:
        return ["--digest", self.digest] if self.digest else []

    def _sync(self) -> list[str]:
        return [] if self.sync else ["--no-sync"]

    def put_file(self, local: Path, remote: str) -> list[str]:
        return self._ftpc("put", *self._digest(), local, "-t", remote)

    def put_file_by(self, port: int, local: Path, remote: str) -> list[str]:
        """By way of another port, with no second try."""
        return self._ftpc("--retry", "0", "put", local, "-t", remote, port=port)

    def get_file(self, remote: str, local: Path) -> list[str]:
        return self._ftpc("get", *self._sync(), *self._digest(), remote, "-o", local)

    def get_to_output(self, remote: str) -> list[str]:
        return self._ftpc("get", *self._digest(), remote, "-o", "-")

    def run_cat(self, remote: str) -> list[str]:
        return self._ftpc("exec", "-n", "-c", f"cat '{self.stored(remote)}'")

    def put_tree(self, local: Path, remote: str) -> list[str]:
        return self._ftpc("put", local, "-t", str(Path(remote).parent) + "/")

    def get_tree(self, remote: str, local: Path) -> list[str]:
        return self._ftpc("get", *self._sync(), remote, "-o", f"{local.parent}/")


def fingerprint(state: Path) -> str:
    """Of the daemon that keeps its key in this folder."""
    done = subprocess.run([BINARIES / "ftpd", "--print-fingerprint"], env=dict(os.environ, FTPD_SERVER__STATE=str(state)),
                          check=True, capture_output=True, text=True)
    return done.stdout.strip()
