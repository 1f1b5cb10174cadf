"""Starting programs, and what they cost: wall time, CPU time, peak memory. Linux only (/proc)."""

import ctypes
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A program ended with an error; the text holds the last lines it said."""


@dataclass
class Usage:
    """Cost of one action: all the programs it started, from the start of the first to the end of the last."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0  # of the largest program; 0 when it was not watched
    each_seconds: list[float] = field(default_factory=list)  # of programs that ran at once


@dataclass
class Action:
    """What is timed: steps one after the other, a program beside them from start to end, or a crowd at once."""

    steps: list[list[str]]
    beside: list[str] | None = None
    at_once: bool = False  # start all the steps together
    environment: dict[str, str] = field(default_factory=dict)  # added to that of all programs


def adopt_orphans() -> None:
    """From now on, what descends from this process becomes its child when its parent ends, so that nothing can be left behind."""
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def reap_orphans() -> float:
    """Takes leave of adopted processes that have ended, and returns the CPU time that they had used. What this process has started itself
    leads a group in its own session, and is left alone."""
    total, session = 0.0, os.getsid(0)
    for pid in children(os.getpid()):
        if (os.getpgid(pid) != pid or os.getsid(pid) != session) and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            cost = os.wait4(pid, 0)[2]
            total += cost.ru_utime + cost.ru_stime
    return total


def environment() -> dict[str, str]:
    """The environment of all programs: nothing of the user's configuration gets in."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "USER") if name in os.environ}
    kept["PATH"] = kept.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    return kept | {"LC_ALL": "C.UTF-8", "RCLONE_CONFIG": "/dev/null", "LFTP_HOME": "/nonexistent"}


def find_program(name: str) -> str | None:
    for folder in environment()["PATH"].split(":"):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


def spawn(argv: list[str], output: str, extra_environment: dict[str, str] | None = None, group: int | None = None) -> int:
    """Starts a program with its output appended to a file, in a process group (0: one of its own). By posix_spawn, since a fork of this
    interpreter costs milliseconds."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    options = {} if group is None else {"setpgroup": group}
    program = argv[0] if "/" in argv[0] else find_program(argv[0])
    if program is None:
        raise Failed(f"{argv[0]} is not installed")
    variables = environment() | (extra_environment or {})
    return os.posix_spawn(program, argv, variables, file_actions=files, setsigdef=[signal.SIGPIPE], **options)


def last_words(output: str) -> str:
    try:
        with open(output, "rb") as file:
            file.seek(max(0, os.path.getsize(output) - 600))
            return file.read().decode("utf-8", "backslashreplace").strip()
    except OSError:
        return ""


def perform(action: Action, output: str) -> Usage:
    """Runs an action and returns its cost, without the peak of its memory. Raises Failed when a program does not end with 0."""
    open(output, "w").close()
    usage = Usage()
    running: dict[int, list[str]] = {}
    group = 0  # of a crowd, so that it can be waited for without the servers
    start = time.perf_counter()
    try:
        if action.beside:
            running[spawn(action.beside, output, action.environment, group=0)] = action.beside
        for argv in action.steps:
            pid = spawn(argv, output, action.environment, group=group if action.at_once else 0)
            group = group or pid
            running[pid] = argv
            if not action.at_once:
                _collect(pid, usage, start, running, output)
        while running:
            _collect(-group if action.at_once else next(iter(running)), usage, start, running, output)
    finally:
        _end(running)
    usage.seconds = time.perf_counter() - start
    return usage


def _collect(which: int, usage: Usage, start: float, running: dict[int, list[str]], output: str) -> None:
    pid, status, cost = os.wait4(which, 0)
    usage.each_seconds.append(time.perf_counter() - start)
    argv = running.pop(pid)
    usage.cpu_seconds += cost.ru_utime + cost.ru_stime
    if status != 0:
        code = os.waitstatus_to_exitcode(status)
        raise Failed(f"{' '.join(argv[:12])}: exit code {code}: {last_words(output)}")


def _end(running: dict[int, list[str]]) -> None:
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def children(pid: int) -> list[int]:
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(word) for word in file.read().split()]
    except OSError:
        pass
    return found


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    members = [pid]
    for member in members:
        members += children(member)
    return members


def cpu_seconds(pid: int) -> float:
    """CPU time of a family, with that of its members that have ended."""
    total = 0
    for member in family(pid):
        try:
            with open(f"/proc/{member}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            total += sum(int(fields[i]) for i in (11, 12, 13, 14))
        except OSError:
            continue
    return total / TICKS


def status_bytes(pid: int, key: str, file_name: str = "status") -> int:
    """A line of /proc/PID/status or smaps_rollup that is given in kB; 0 when the process is gone."""
    return status_bytes_of(Path(f"/proc/{pid}/{file_name}"), key)


def status_bytes_of(path: Path, key: str) -> int:
    try:
        for line in path.read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


class PeakWatch:
    """Samples the peak memory of families of processes, for a run that is not timed. One value for each family: that of its largest
    member, since members share their pages."""

    def __init__(self, roots: list[int]):
        self._roots = roots
        self._own = os.getpid()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.clients = 0
        self.servers = 0

    def __enter__(self) -> "PeakWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        known = set(children(self._own))
        while not self._stop.wait(0.002):
            for root in self._roots:
                self.servers = max([self.servers] + [status_bytes(pid, "VmHWM") for pid in family(root)])
            for child in set(children(self._own)) - known:
                for pid in family(child):
                    if _has_own_image(pid):
                        self.clients = max(self.clients, status_bytes(pid, "VmHWM"))


def _has_own_image(pid: int) -> bool:
    """Whether a child has passed exec; before that it shows the memory of this interpreter."""
    try:
        return os.readlink(f"/proc/{pid}/exe") != os.readlink("/proc/self/exe")
    except OSError:
        return False
