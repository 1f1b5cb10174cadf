"""Rows of the benchmark: contestants do the same work in turn, round after round; medians and ratios are what counts.

The machine may be shared and its speed may change from minute to minute. So the ratio to the reference is taken inside each round, and the
median of these ratios is reported, not the ratio of two medians."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from ftbench import process
from ftbench.daemon import Daemon
from ftbench.process import Action, Failed, PeakWatch, Usage
from ftbench.scale import GIB, MIB

MOST_FAILURES = 1  # runs; with more, a contestant is out
SETTLE = 0.02  # seconds after the end of a client, in which the server's process for it ends


@dataclass
class Contestant:
    """One way to do the work of a row. action(round) is called outside of the timed part, and may prepare what the work needs."""

    name: str
    verified: str  # by what, and between which ends; "no" when nothing looks at the bytes
    action: Callable[[int], Action]
    check: Callable[[int], None] = lambda _: None  # compares the result and puts it away
    daemon: Daemon | None = None
    most_rounds: int = 1000
    repeats: int = 1  # runs in one round; its value is their median
    samples: list[Usage] = field(default_factory=list)
    client_peak: int = 0
    server_peak: int = 0
    failures: int = 0


@dataclass
class Goal:
    """What a row is to reach: `factor` times the best of the others' speed, at most `below` in the row's unit, or a `spread`."""

    of: str
    against: list[str] = field(default_factory=list)
    factor: float = 1.0
    below: float | None = None
    spread: float | None = None  # the slowest of the clients at once, in medians of them


@dataclass
class Line:
    """One line of a row's table. value and extremes are in the row's unit."""

    name: str
    verified: str
    value: float
    lowest: float
    highest: float
    ratio: float | None
    rounds: int
    cpu_per_gib: float | None = None
    client_mib: float | None = None
    server_mib: float | None = None
    note: str = ""


@dataclass
class GoalResult:
    text: str
    reached: bool | None  # None: could not be told


@dataclass
class RowResult:
    key: str
    title: str
    unit: str
    reference: str
    lines: list[Line] = field(default_factory=list)
    goals: list[GoalResult] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    date: str = ""

    def as_json(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_json(content: dict) -> "RowResult":
        """Raises TypeError when it is of another version."""
        row = RowResult(**content)
        row.lines = [Line(**line) for line in row.lines]
        row.goals = [GoalResult(**goal) for goal in row.goals]
        return row


@dataclass
class Row:
    """A timed row. bytes_moved > 0 makes its unit GB/s; otherwise it is seconds (or milliseconds, for the short ones)."""

    key: str
    title: str
    contestants: list[Contestant]
    reference: str
    rounds: int
    bytes_moved: int = 0
    in_milliseconds: bool = False
    goals: list[Goal] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    show_spread: bool = False  # of the clients that run at once
    cpu_bytes: int = 0  # what CPU time is related to, when it is not bytes_moved

    def run(self, output: str, say: Callable[[str], None]) -> RowResult:
        for turn in range(self.rounds + 1):
            for contestant in list(self.contestants):
                if turn <= contestant.most_rounds:
                    self._take_turn(contestant, turn, output, say)
        return self._result()

    def _take_turn(self, contestant: Contestant, turn: int, output: str, say: Callable[[str], None]) -> None:
        try:
            if turn == 0:
                self._warm_up(contestant, output)
                return
            runs = []
            for repeat in range(contestant.repeats):
                number = turn * contestant.repeats + repeat + 1
                action = contestant.action(number)
                runs.append(_measure(contestant.daemon, action, output))
                contestant.check(number)
            runs.sort(key=lambda usage: usage.seconds)
            contestant.samples.append(runs[len(runs) // 2])
        except Failed as failure:
            say(f"  {contestant.name}: {failure}")
            self.skipped.append(f"{contestant.name}: {_shortened(str(failure))}")
            contestant.failures += 1
            if contestant.failures > MOST_FAILURES:
                self.contestants.remove(contestant)

    def _warm_up(self, contestant: Contestant, output: str) -> None:
        """The round that is not counted: it fills caches, and memory is watched in it, which would disturb the others."""
        action = contestant.action(0)
        with PeakWatch([contestant.daemon.pid] if contestant.daemon else []) as watch:
            usage = _measure(contestant.daemon, action, output)
        contestant.client_peak, contestant.server_peak = watch.clients, watch.servers
        contestant.check(0)
        if contestant.most_rounds == 0:
            contestant.samples.append(usage)

    def _result(self) -> RowResult:
        unit = "GB/s" if self.bytes_moved else "ms" if self.in_milliseconds else "s"
        result = RowResult(self.key, self.title, unit, self.reference, skipped=self.skipped)
        reference = next((one for one in self.contestants if one.name == self.reference and one.samples), None)
        for contestant in self.contestants:
            if contestant.samples:
                result.lines.append(self._line(contestant, reference))
        result.goals = [self._judge(goal) for goal in self.goals]
        return result

    def value(self, seconds: float) -> float:
        if self.bytes_moved:
            return self.bytes_moved / seconds / 1e9
        return seconds * 1000 if self.in_milliseconds else seconds

    def _line(self, contestant: Contestant, reference: Contestant | None) -> Line:
        values = [self.value(sample.seconds) for sample in contestant.samples]
        line = Line(contestant.name, contestant.verified, statistics.median(values), min(values), max(values),
                    _speed_ratio(contestant, reference), len(values))
        moved = self.cpu_bytes or self.bytes_moved
        if moved:
            line.cpu_per_gib = statistics.median(sample.cpu_seconds for sample in contestant.samples) * GIB / moved
        line.client_mib = contestant.client_peak / MIB or None
        line.server_mib = contestant.server_peak / MIB or None
        if self.show_spread:
            line.note = f"slowest client {statistics.median(_spread(sample) for sample in contestant.samples):.1f} x median"
        return line

    def _judge(self, goal: Goal) -> GoalResult:
        ours = next((one for one in self.contestants if one.name == goal.of and one.samples), None)
        if goal.spread is not None:
            text = f"{goal.of}: slowest client within {goal.spread:g} x the median"
            if ours is None:
                return GoalResult(text + ": not measured", None)
            value = statistics.median(_spread(sample) for sample in ours.samples)
            return GoalResult(f"{text}: {value:.2f}", value <= goal.spread)
        if goal.below is not None:
            text = f"{goal.of}: at most {goal.below:g} {'ms' if self.in_milliseconds else 's'}"
            if ours is None:
                return GoalResult(text + ": not measured", None)
            value = self.value(statistics.median(sample.seconds for sample in ours.samples))
            return GoalResult(f"{text}: {value:.3g}", value <= goal.below)
        others = [one for one in self.contestants if one.name in goal.against and one.samples]
        text = f"{goal.of}: at least {goal.factor:g} x {' and '.join(goal.against)}"
        if ours is None or not others:
            return GoalResult(text + ": not measured", None)
        ratio = min(_speed_ratio(ours, other) for other in others)
        return GoalResult(f"{text}: {ratio:.2f}", ratio >= goal.factor)


def _measure(daemon: Daemon | None, action: Action, output: str) -> Usage:
    before = daemon.cpu_seconds() if daemon else 0.0
    usage = process.perform(action, output)
    if daemon:
        time.sleep(SETTLE)
        usage.cpu_seconds += daemon.cpu_seconds() - before + process.reap_orphans()
    return usage


def _shortened(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:120]} ... {text[-170:]}"


def _speed_ratio(ours: Contestant, other: Contestant | None) -> float | None:
    if other is None:
        return None
    return statistics.median(b.seconds / a.seconds for a, b in zip(ours.samples, other.samples))


def _spread(sample: Usage) -> float:
    return max(sample.each_seconds) / statistics.median(sample.each_seconds)
