"""The results as text and as JSON, with what is needed to read them later: machine, versions, sizes."""

import json
import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from ftbench import process
from ftbench.contest import Line, RowResult
from ftbench.scale import Scale

RESULTS = "results.json"
VERSIONS = {
    "vsftpd": ["vsftpd", "-v", "0>&1"], "curl": ["curl", "--version"], "lftp": ["lftp", "--version"], "nginx": ["nginx", "-v"],
    "rsync": ["rsync", "--version"], "OpenSSH": ["ssh", "-V"], "rclone": ["rclone", "version"], "iperf3": ["iperf3", "--version"],
    "openssl": ["openssl", "version"],
}


def table(row: RowResult) -> str:
    heads = ["", f"median {row.unit}", f"min {row.unit}", f"max {row.unit}", f"speed / {row.reference}" if row.reference else "",
             "runs", "CPU s/GiB", "client MiB", "server MiB", "verified"]
    cells = [heads] + [_cells(line) for line in row.lines]
    used = [i for i in range(len(heads)) if any(line[i] for line in cells[1:])]
    widths = {i: max(len(line[i]) for line in cells) for i in used}
    text = [f"\n{row.key}: {row.title}"]
    for line, words in zip([None, *row.lines], cells):
        body = "  ".join(words[i].ljust(widths[i]) if i in (0, 9) else words[i].rjust(widths[i]) for i in used)
        text.append(f"  {body}{'  ' + line.note if line and line.note else ''}".rstrip())
    for goal in row.goals:
        state = {True: "reached", False: "NOT reached", None: "open"}[goal.reached]
        text.append(f"  goal {state}: {goal.text}")
    text += [f"  without: {reason}" for reason in row.skipped]
    return "\n".join(text)


def _cells(line: Line) -> list[str]:
    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"

    return [line.name, number(line.value), number(line.lowest), number(line.highest), number(line.ratio), str(line.rounds),
            number(line.cpu_per_gib), number(line.client_mib), number(line.server_mib), line.verified]


def with_earlier(rows: list[RowResult], scale: Scale, folder: Path) -> list[RowResult]:
    """The rows of this run, and those that earlier runs of the same size have left there: the rows can be measured one after the other."""
    try:
        content = json.loads((folder / RESULTS).read_text())
        earlier = [RowResult.from_json(row) for row in content["rows"]] if content["scale"]["name"] == scale.name else []
    except (OSError, ValueError, KeyError, TypeError):
        earlier = []
    new = {row.key: row for row in rows}
    return [new.pop(row.key, row) for row in earlier] + list(new.values())


def save(rows: list[RowResult], scale: Scale, folder: Path, disk: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RESULTS
    content = {"machine": machine(disk), "scale": scale.__dict__, "rows": [row.as_json() for row in rows]}
    path.write_text(json.dumps(content, indent=1) + "\n")
    (folder / "results.txt").write_text("\n".join(table(row) for row in rows).lstrip("\n") + "\n")
    return path


def machine(disk: str) -> dict:
    cpu = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    memory = process.status_bytes_of(Path("/proc/meminfo"), "MemTotal")
    return {"date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "cpu": cpu, "cores": os.cpu_count(),
            "memory_gib": round(memory / (1 << 30), 1), "kernel": platform.release(), "disk": disk,
            "versions": {name: version for name, argv in VERSIONS.items() if (version := _version(argv))}}


def _version(argv: list[str]) -> str:
    program = process.find_program(argv[0])
    if program is None:
        return ""
    words = [word for word in argv[1:] if "&" not in word]
    # vsftpd prints its version to its standard input.
    done = subprocess.run([program, *words], stdin=subprocess.PIPE if "0>&1" not in argv else None, capture_output=True, text=True,
                          env=process.environment(), timeout=10)
    return ((done.stdout or done.stderr).strip().splitlines() or [""])[0][:80]
