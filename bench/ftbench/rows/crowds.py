"""Many clients at once, each a process of its own that fetches one file."""

from pathlib import Path

from ftbench.contest import Contestant, Goal, Row
from ftbench.peers.ftpd import Ftpd
from ftbench.peers.nginx import Nginx
from ftbench.peers.peer import Peer
from ftbench.peers.vsftpd import Vsftpd
from ftbench.process import Action
from ftbench.rows.build import Field, lay, supported, take
from ftbench.session import Session

SPREAD = 3.0
SHARE_OF_BEST = 0.9


def run(session: Session) -> None:
    source = session.workspace.file("crowd.bin", session.scale.crowd_bytes)
    for crowd in session.scale.crowds:
        field = Field(session)
        for kind in (Ftpd, Vsftpd, Nginx):
            field.add(_fetchers(source, crowd), kind)
        goals = [Goal("ftpd", ["vsftpd + curl", "nginx + curl"], SHARE_OF_BEST), Goal("ftpd", spread=SPREAD)]
        field.run(Row(
            f"crowd-{crowd}", f"{crowd} clients at once, each gets {session.scale.crowd_bytes >> 10:,} KiB; total rate", [],
            "vsftpd + curl", session.scale.rounds, crowd * session.scale.crowd_bytes,
            goals=goals if crowd == max(session.scale.crowds) else [], show_spread=True))


def _fetchers(source: Path, crowd: int):
    def make(session: Session, peer: Peer) -> Contestant:
        remote = session.workspace.fresh_name("crowd")
        lay(source, peer.stored(remote))

        def target(number: int, client: int) -> Path:
            return session.workspace.folder("fetched") / f"{remote}-{number}-{client}"

        def action(number: int) -> Action:
            return Action([supported(peer, peer.get_file(remote, target(number, client))) for client in range(crowd)], at_once=True)

        def check(number: int) -> None:
            for client in range(crowd):
                take(source, target(number, client))

        return Contestant(peer.name, peer.verified, action, check, peer.daemon)

    return make
