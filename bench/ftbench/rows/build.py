"""Contestants from peers: the same transfer for each, its check and its clean-up."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from ftbench.contest import Contestant, Row
from ftbench.daemon import LOOPBACK, Place
from ftbench.peers.peer import Peer
from ftbench.process import Action, Failed
from ftbench.session import Session
from ftbench.workspace import check_same

DIGEST_TOOL = "xxh128sum"


class Field:
    """The contestants of a row and the reasons why others are missing."""

    def __init__(self, session: Session, place: Place = LOOPBACK):
        self.session = session
        self.place = place
        self.contestants: list[Contestant] = []
        self.skipped: list[str] = []

    def add(self, make: Callable[[Session, Peer], Contestant], kind: type[Peer], **options) -> Contestant | None:
        """Starts the peer and lets it take part; otherwise notes why not."""
        try:
            contestant = make(self.session, self.session.peer(kind, self.place, **options))
        except Failed as failure:
            self.skipped.append(str(failure)[:300])
            return None
        self.contestants.append(contestant)
        return contestant

    def add_with_digest(self, make: Callable[[Session, Peer, bool], Contestant], kind: type[Peer], **options) -> None:
        """A peer that does not look at the bytes takes part twice: alone, and with what its user would do to be sure."""
        self.add(lambda session, peer: make(session, peer, False), kind, **options)
        self.add(lambda session, peer: make(session, peer, True), kind, **options)

    def run(self, row: Row) -> None:
        self.session.say(f"{row.key}: {row.title}")
        for reason in self.skipped:
            self.session.say(f"  not taking part: {reason}")
        row.contestants, row.skipped = self.contestants, self.skipped
        self.session.publish(row.run(self.session.workspace.output, self.session.say))
        self.session.stop_peers()


def put_file(source: Path):
    def make(session: Session, peer: Peer, digest: bool = False) -> Contestant:
        stem = session.workspace.fresh_name("put")

        def action(number: int) -> Action:
            transfer = supported(peer, peer.put_file(source, f"{stem}-{number}"))
            if digest:
                return with_digest(transfer, source, peer.stored(f"{stem}-{number}"))
            return Action([transfer], environment=peer.client_environment())

        def check(number: int) -> None:
            take(source, peer.stored(f"{stem}-{number}"))

        return _contestant(peer, digest, action, check)

    return make


def get_file(source: Path, folder: Path | None = None):
    def make(session: Session, peer: Peer, digest: bool = False) -> Contestant:
        remote = session.workspace.fresh_name("get")
        lay(source, peer.stored(remote))
        target = folder or session.workspace.folder("fetched")

        def action(number: int) -> Action:
            transfer = supported(peer, peer.get_file(remote, target / f"{remote}-{number}"))
            return with_digest(transfer, peer.stored(remote), target / f"{remote}-{number}") if digest else Action([transfer])

        def check(number: int) -> None:
            take(source, target / f"{remote}-{number}")

        return _contestant(peer, digest, action, check)

    return make


def put_tree(source: Path):
    """Stored trees stay until the end: to remove them would disturb the next contestant."""

    def make(session: Session, peer: Peer) -> Contestant:
        stem = session.workspace.fresh_name("tree")

        def action(number: int) -> Action:
            return Action([supported(peer, peer.put_tree(source, f"{stem}-{number}/tree"))])

        def check(number: int) -> None:
            check_same(source, peer.stored(f"{stem}-{number}/tree"))

        return _contestant(peer, False, action, check)

    return make


def get_tree(source: Path):
    def make(session: Session, peer: Peer) -> Contestant:
        stem = session.workspace.fresh_name("tree")
        lay(source, peer.stored(f"{stem}/tree"))

        def target(number: int) -> Path:
            return session.workspace.root / "fetched" / f"{stem}-{number}"

        def action(number: int) -> Action:
            target(number).mkdir(parents=True)
            return Action([supported(peer, peer.get_tree(f"{stem}/tree", target(number) / "tree"))])

        def check(number: int) -> None:
            check_same(source, target(number) / "tree")

        return _contestant(peer, False, action, check)

    return make


def with_digest(transfer: list[str], source: Path, result: Path) -> Action:
    """The source is read beside the transfer, the result after it: the fastest that a user can do with common tools."""
    return Action([transfer, [DIGEST_TOOL, str(result)]], beside=[DIGEST_TOOL, str(source)])


def supported(peer: Peer, argv: list[str] | None) -> list[str]:
    if argv is None:
        raise Failed(f"{peer.name} cannot do this")
    return argv


def take(source: Path, result: Path) -> None:
    """Compares a file that was moved with its source, and removes it: before it is written out, which would disturb the others."""
    check_same(source, result)
    result.unlink()


def lay(source: Path, stored: Path) -> None:
    """Puts a file or a tree under a server's root without a transfer. Files are linked, so that all peers read the same cached pages."""
    stored.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        subprocess.run(["cp", "-al", str(source), str(stored)], check=True)
    else:
        os.link(source, stored)


def _contestant(peer: Peer, digest: bool, action: Callable[[int], Action], check: Callable[[int], None]) -> Contestant:
    if not digest:
        return Contestant(peer.name, peer.verified, action, check, peer.daemon)
    return Contestant(f"{peer.name} + {DIGEST_TOOL}", "xxh128 of both files", action, check, peer.daemon)
