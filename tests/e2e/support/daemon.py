"""Starts ftpd on a free loopback port with its own root, waits until it is ready, and stops it."""

import os
import re
import selectors
import signal
import subprocess
import time
import weakref
from pathlib import Path

from support import binaries
from support.environment import clean_environment
from support.ports import reserved_port
from support.waiting import kPatience

kReadyLine = re.compile(r"^ftpd: listening on (?:(unix):(/.+)|(.+):(\d+))$")
kStartDeadline = kPatience
kStopDeadline = kPatience
kSanitizerMarks = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:")


class StartError(AssertionError):
    """The daemon ended, or stayed silent, instead of getting ready. `code` and `log` tell how."""

    def __init__(self, message, code, log):
        super().__init__(f"{message}; exit code {code}; log:\n{log}")
        self.code = code
        self.log = log


def config_text(sections):
    """INI text of {"server": {"workers": 2}, ...}."""
    lines = []
    for section, keys in sections.items():
        lines.append(f"[{section}]")
        lines.extend(f"{key} = {value}" for key, value in keys.items())
    return "\n".join(lines) + "\n"


def run_to_end(folder, *options, env=None, deadline=kStartDeadline):
    """Runs ftpd with these options and nothing else, for runs that must end by themselves; a CompletedProcess with text."""
    return subprocess.run([str(binaries.find("ftpd")), *[str(option) for option in options]], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, cwd=folder, env=clean_environment(Path(folder), env),
                          timeout=deadline, check=False)


class Daemon:
    """One ftpd process. `config` is {"section": {"key": value}}; `options` go to the command line as they are.

    `root` is a folder to serve instead of one of its own; `wrapper` are words to put before the command.
    """

    def __init__(self, folder, config=None, options=(), env=None, wrapper=(), root=None):
        self.folder = Path(folder)
        self.root = Path(root) if root else self.folder / "root"
        self.log_path = self.folder / "ftpd.log"
        self.config_path = self.folder / "ftpd.conf"
        self.options = [str(option) for option in options]
        self.env = env or {}
        self.wrapper = [str(word) for word in wrapper]
        self.sections = {"server": {"drain_timeout": "2s"}, "storage": {}, "log": {}}
        for section, keys in (config or {}).items():
            self.sections.setdefault(section, {}).update(keys)
        self.process = None
        self.addresses = []
        self._port = None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(exist_ok=True)

    @property
    def port(self):
        return self.addresses[0][1]

    @property
    def address(self):
        return self.addresses[0]

    @property
    def server(self):
        """HOST:PORT as ftpc takes it."""
        return "%s:%d" % self.address

    def start(self, name_root=True):
        """Starts and waits for one ready line per listener; raises StartError when that does not come."""
        self.config_path.write_text(config_text(self.sections))
        command = [*self.wrapper, str(binaries.find("ftpd")), "--config", str(self.config_path)]
        if name_root:
            command += ["--root", str(self.root)]
        if "--listen" not in self.options:
            command += ["--listen", f"127.0.0.1:{self.reserve_port()}"]
        command += self.options
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                cwd=self.folder, env=clean_environment(self.folder, self.env))
        try:
            self.addresses = [self._read_address() for _ in range(max(1, command.count("--listen")))]
        except StartError:
            self.process = None
            raise
        return self

    def reserve_port(self):
        """The port on 127.0.0.1 where it listens unless its options say something else: the same at every start, and nobody else's."""
        if self._port is None:
            place, self._port = reserved_port()
            weakref.finalize(self, place.close)
        return self._port

    def _read_address(self):
        line = self._read_line(kStartDeadline)
        found = kReadyLine.match(line)
        if not found:
            self.process.kill()
            raise StartError(f"not a ready line: {line!r}", self.process.wait(), self.log())
        if found.group(1):
            return found.group(1), found.group(2)
        return found.group(3).strip("[]"), int(found.group(4))

    def _read_line(self, deadline):
        end = time.monotonic() + deadline
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, end - time.monotonic())):
                    self.process.kill()
                    raise StartError("no ready line in time", self.process.wait(), self.log())
                byte = os.read(self.process.stdout.fileno(), 1)
                if not byte:
                    raise StartError("ended before it was ready", self.process.wait(), self.log())
                line += byte
        return line.decode().rstrip("\n")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def running(self):
        return self.process is not None and self.process.poll() is None

    def send_signal(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        """Asks the daemon to end; fails when it does not end with 0 in time, or when a sanitizer has complained."""
        if self.process is None:
            return ""
        if self.running():
            self.process.send_signal(number)
        code, rest = self.wait(kStopDeadline)
        assert code == 0, f"ftpd ended with {code}; log:\n{self.log()[-4000:]}"
        complaints = [mark for mark in kSanitizerMarks if mark in self.log()]
        assert not complaints, f"{complaints} in the log:\n{self.log()[-8000:]}"
        self.process = None
        return rest

    def wait(self, deadline):
        """Waits for the end; returns the exit code and what else was on stdout."""
        try:
            rest, _ = self.process.communicate(timeout=deadline)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise AssertionError(f"ftpd did not end within {deadline} s; log:\n{self.log()[-4000:]}") from None
        return self.process.returncode, rest.decode()

    def kill(self):
        """kill -9, as a crash would."""
        self.process.kill()
        self.process.communicate()
        self.process = None

    def restart(self):
        """Starts again on the same root and the same port (after kill or stop)."""
        assert self._port is not None, "a port that options name may be another's by now"
        return self.start()

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def thread_names(self):
        return [text.strip() for text in self.thread_files("comm")]

    def thread_files(self, name):
        """What the file of that name in /proc says of each thread; of one that ends meanwhile, nothing."""
        found = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                found.append((task / name).read_text())
            except OSError:
                continue
        return found

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def peak_memory(self):
        """Bytes: the highest resident size so far."""
        return peak_memory(self.process.pid)

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def visible(self):
        """Every name below the root that is not the daemon's own, as relative paths."""
        names = set()
        for folder, folders, files in os.walk(self.root):
            if Path(folder) == self.root and ".ftpd" in folders:
                folders.remove(".ftpd")
            names.update(str((Path(folder) / name).relative_to(self.root)) for name in files + folders)
        return names

    def staged(self):
        """Paths of what the daemon keeps in its own folder and is not a lock or an index: parts and temporary files."""
        found = []
        for folder, _, files in os.walk(self.root / ".ftpd"):
            found += [Path(folder) / name for name in files if name not in ("lock", "digests")]
        return found

    def staged_bytes(self):
        """How many bytes are in these files."""
        count = 0
        for path in self.staged():
            try:
                count += path.stat().st_size
            except FileNotFoundError:
                continue
        return count


def peak_memory(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no VmHWM for process {pid}")


def peak_memory_of(program):
    """As above, of a Popen; 0 when it has just ended."""
    try:
        return peak_memory(program.pid)
    except (AssertionError, OSError):
        return 0
