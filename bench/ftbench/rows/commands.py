"""The output of a remote command, against a get of the same bytes to standard output."""

from collections.abc import Callable
from pathlib import Path

from ftbench.contest import Contestant, Goal, Row
from ftbench.peers.ftpd import Ftpd
from ftbench.peers.peer import Peer
from ftbench.process import Action
from ftbench.rows.build import Field, lay
from ftbench.session import Session
from ftbench.workspace import check_same

MOST_BYTES = 100_000_000


def run(session: Session) -> None:
    size = min(MOST_BYTES, session.scale.large_bytes)
    source = session.workspace.file("output.bin", size)
    field = Field(session)
    field.add(_to_output(source, "ftpd get -o -", "xxh128, stored bytes", Ftpd.get_to_output), Ftpd, commands=True)
    field.add(_to_output(source, "ftpd exec cat", "no", Ftpd.run_cat), Ftpd, commands=True)
    field.run(Row(
        "exec", f"{size / 1e6:.0f} MB to standard output, of a command and of a get, loopback", [], "ftpd get -o -",
        session.scale.rounds, size, goals=[Goal("ftpd exec cat", ["ftpd get -o -"], 0.5)]))


def _to_output(source: Path, name: str, verified: str, words: Callable[[Ftpd, str], list[str]]):
    def make(session: Session, peer: Peer) -> Contestant:
        remote = session.workspace.fresh_name("output")
        lay(source, peer.stored(remote))
        action = Action([words(peer, remote)])
        return Contestant(name, verified, lambda _: action, lambda _: check_same(source, Path(session.workspace.output)), peer.daemon)

    return make
