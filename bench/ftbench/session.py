"""One run of the benchmark: the workspace, the servers that are up, and what could not take part."""

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from ftbench import process, report
from ftbench.contest import RowResult
from ftbench.daemon import LOOPBACK, Place
from ftbench.line import LongLine
from ftbench.peers.peer import Peer
from ftbench.process import Failed
from ftbench.scale import TINY, Scale
from ftbench.workspace import Workspace

BENCH = Path(__file__).resolve().parents[1]
COMPILE = ["g++", "-std=c++20", "-O2", "-pthread"]


class Session:
    def __init__(self, workspace: Workspace, scale: Scale, say: Callable[[str], None]):
        self.workspace = workspace
        self.scale = scale
        self.say = say
        self.results: list[RowResult] = []
        self._peers: dict[tuple, Peer] = {}
        self._programs: dict[str, str] = {}
        self._line: LongLine | None = None

    def close(self) -> None:
        for peer in self._peers.values():
            peer.stop()
        self._peers.clear()
        if self._line:
            self._line.close()
            self._line = None

    def publish(self, result: RowResult) -> None:
        """Called with each row as it is done, so that a run that is ended early has shown what it knows."""
        if self.scale.name == TINY.name:
            result.goals = []  # nothing can be said about speed at this size
        result.date = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
        self.results.append(result)
        print(report.table(result), flush=True)

    def peer(self, kind: type[Peer], place: Place = LOOPBACK, **options) -> Peer:
        """A peer whose server is up; the same one for the same arguments. Raises Failed when it cannot take part."""
        key = (kind, place.name, *sorted(options.items()))
        if key not in self._peers:
            missing = kind.missing()
            if missing:
                raise Failed(f"{kind.__name__}: not installed: {', '.join(missing)}")
            peer = kind(self.workspace, place, **options)
            try:
                peer.start()
            except BaseException:
                peer.stop()
                raise
            self._peers[key] = peer
        return self._peers[key]

    def stop_peers(self) -> None:
        """Between rows, so that no server's leftovers are measured with the next one."""
        for peer in self._peers.values():
            peer.stop()
        self._peers.clear()

    def program(self, source: str) -> str:
        """A program of the benchmark's own, compiled once in a run."""
        if source not in self._programs:
            target = str(self.workspace.root / Path(source).stem)
            process.perform(process.Action([COMPILE + ["-o", target, str(BENCH / source)]]), self.workspace.output)
            self._programs[source] = target
        return self._programs[source]

    def long_line(self) -> Place:
        """25 ms each way, 1 Gbit/s, no loss."""
        if self._line is None:
            LongLine.check_possible()
            self._line = LongLine(self.program("wan/delay_line.cpp"), self.workspace.root / "delay_line.log")
        return self._line.place
