"""A put that was cut at 99 % and is done again."""

import shutil
from pathlib import Path

from ftbench import process
from ftbench.contest import Contestant, Goal, Row
from ftbench.peers.ftpd import Ftpd
from ftbench.peers.peer import Peer
from ftbench.peers.rsync import Rsync
from ftbench.peers.vsftpd import Vsftpd
from ftbench.process import Action, Failed
from ftbench.relay import CuttingRelay
from ftbench.rows.build import Field, take
from ftbench.rows.large import size_of
from ftbench.session import Session

CUT_AT = 0.99


def run(session: Session) -> None:
    source = session.workspace.file("large.bin", session.scale.large_bytes)
    field = Field(session)
    field.add(_cut_by_relay(source), Ftpd)
    field.add(_cut_by_hand(source, "rsync --append-verify", Rsync.verified), Rsync)
    field.add(_cut_by_hand(source, "vsftpd + curl -C -", "no"), Vsftpd)
    field.run(Row(
        "resume", f"put again of a file of {size_of(session)} that was cut at {CUT_AT:.0%}", [], "rsync --append-verify",
        session.scale.rounds, goals=[Goal("ftpd", ["rsync --append-verify"], 3.0)]))


def _cut_by_relay(source: Path):
    def make(session: Session, peer: Peer) -> Contestant:
        stem = session.workspace.fresh_name("cut")

        def action(number: int) -> Action:
            with CuttingRelay((peer.place.address, peer.port), int(source.stat().st_size * CUT_AT)) as relay:
                try:
                    process.perform(Action([peer.put_file_by(relay.port, source, f"{stem}-{number}")]), session.workspace.output)
                except Failed:
                    return Action([peer.put_file(source, f"{stem}-{number}")])
            raise Failed("the put that was to be cut came through")

        return Contestant(peer.name, peer.verified, action, lambda n: take(source, peer.stored(f"{stem}-{n}")), peer.daemon)

    return make


def _cut_by_hand(source: Path, name: str, verified: str):
    """What these servers keep of a cut put is the beginning of the file under its name; it can as well be laid there."""

    def make(session: Session, peer: Peer) -> Contestant:
        stem = session.workspace.fresh_name("cut")

        def action(number: int) -> Action:
            part = peer.stored(f"{stem}-{number}")
            shutil.copyfile(source, part)
            with open(part, "r+b") as file:
                file.truncate(int(source.stat().st_size * CUT_AT))
            part.chmod(0o666)
            if isinstance(peer, Vsftpd):
                peer.open_for_put(part)
            return Action([peer.append_file(source, part.name)])

        return Contestant(name, verified, action, lambda n: take(source, peer.stored(f"{stem}-{n}")), peer.daemon)

    return make
