"""The command line of the benchmark."""

import argparse
import os
import resource
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from ftbench import disk, plot, process, report
from ftbench.process import Failed
from ftbench.rows import ROWS
from ftbench.scale import FULL, QUICK, TINY
from ftbench.session import BENCH, Session
from ftbench.workspace import Workspace, free_bytes

DESCRIPTORS = 24_000


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run", description=(
        "Compares ftpd and ftpc (build/release/bin) with other programs on this machine, all in turn in one session. "
        "Listens on loopback and in network namespaces of its own, and removes all that it made."))
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_const", dest="scale", const=QUICK, default=FULL, help="small sizes, about two minutes")
    sizes.add_argument("--tiny", action="store_const", dest="scale", const=TINY, help="tiny sizes, some seconds: shows that it works")
    parser.add_argument("--rows", metavar="ROW,...", help="some of: " + " ".join(ROWS))
    parser.add_argument("--rounds", type=int, metavar="N", help="counted rounds of each row")
    parser.add_argument("--without-slow", action="store_true", help="leave out peers that need more than ten times as long as the others")
    parser.add_argument("--dir", type=Path, default=Path("/var/tmp"), help="where the files are moved to and fro (%(default)s)")
    parser.add_argument("--folder", action="store_true", help="use the file system of --dir as it is, and not a new one in a file")
    parser.add_argument("--results", type=Path, default=BENCH / "results", help="where results go (%(default)s)")
    options = parser.parse_args(argv)
    if options.rounds:
        options.scale = replace(options.scale, rounds=options.rounds, line_rounds=options.rounds)
    if options.without_slow:
        options.scale = replace(options.scale, slow_peers=False)
    if options.rows is None:
        options.rows = [name for name in ROWS if name not in options.scale.left_out]
    else:
        options.rows = [name for name in options.rows.split(",") if name]
    unknown = [name for name in options.rows if name not in ROWS]
    if unknown:
        parser.error(f"unknown row '{unknown[0]}' (known: {' '.join(ROWS)})")
    return options


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def end_by_signal(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def run_rows(session: Session, names: list[str]) -> None:
    for name in names:
        start = time.monotonic()
        ROWS[name](session)
        say(f"  ({name}: {time.monotonic() - start:.1f} s)")


def save(session: Session, folder: Path, disk_kind: str) -> None:
    if session.results:
        rows = report.with_earlier(session.results, session.scale, folder)
        report.save(rows, session.scale, folder, disk_kind)
        plot.save(rows, folder)
        say(f"results: {folder}")


def main(argv: list[str]) -> int:
    options = parse(argv)
    options.dir.mkdir(parents=True, exist_ok=True)
    needed = 12 * options.scale.large_bytes
    if free_bytes(options.dir) < needed:
        say(f"bench/run: {options.dir} needs {needed >> 20} MiB of free space")
        return 2
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end_by_signal)
    os.umask(0o022)
    process.adopt_orphans()

    place = disk.make(options.dir, own=not options.folder)
    say(f"disk: {place.kind}")
    session = Session(Workspace(place.top), options.scale, say)
    try:
        run_rows(session, options.rows)
    except Failed as failure:
        say(f"bench/run: {failure}")
        return 1
    finally:
        session.close()
        place.close()
        save(session, options.results, place.kind)
    missed = any(goal.reached is False for row in session.results for goal in row.goals)
    return 1 if missed and options.scale.name == FULL.name else 0
