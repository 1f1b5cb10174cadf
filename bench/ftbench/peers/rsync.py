"""rsync and its daemon. Every file that it moves is checked by a digest of the whole (xxh128 in the versions of today)."""

import os
from pathlib import Path

from ftbench.daemon import Place, free_port
from ftbench.peers.peer import Peer
from ftbench.workspace import Workspace

CONFIG = """\
{ids}use chroot = no
reverse lookup = no
max connections = 0
lock file = {home}/lock
pid file = {home}/pid
log file = {home}/rsyncd.log
[bench]
path = {root}
read only = no
"""


class Rsync(Peer):
    programs = ["rsync"]
    verified = "whole-file digest, as received"

    def __init__(self, workspace: Workspace, place: Place, fsync: bool = False):
        super().__init__(workspace, place)
        self.options = ["--fsync"] if fsync else []
        self.name = "rsync --fsync" if fsync else "rsync"

    def start(self) -> None:
        if self.daemon:
            return
        self.port = free_port()
        ids = "uid = 0\ngid = 0\n" if os.geteuid() == 0 else ""
        config = self.home / "rsyncd.conf"
        config.write_text(CONFIG.format(ids=ids, home=self.home, root=self.files))
        server = self.server("rsync", "--daemon", "--no-detach", f"--config={config}", f"--address={self.place.address}",
                             f"--port={self.port}")
        server.wait_for_port(self.place, self.port)

    def _url(self, remote: str) -> str:
        return f"rsync://{self.place.address}:{self.port}/bench/{remote}"

    def rsync(self, *words: str | Path) -> list[str]:
        return self.client("rsync", *self.options, *words)

    def put_file(self, local: Path, remote: str) -> list[str]:
        return self.rsync("-tpW", local, self._url(remote))

    def append_file(self, local: Path, remote: str) -> list[str]:
        return self.rsync("-tp", "--partial", "--append-verify", local, self._url(remote))

    def get_file(self, remote: str, local: Path) -> list[str]:
        return self.rsync("-tpW", self._url(remote), local)

    def put_tree(self, local: Path, remote: str) -> list[str]:
        return self.rsync("-rtpW", local, self._url(str(Path(remote).parent) + "/"))

    def get_tree(self, remote: str, local: Path) -> list[str]:
        return self.rsync("-rtpW", self._url(remote), f"{local.parent}/")
