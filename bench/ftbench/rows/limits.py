"""What the machine itself can do: digests and ciphers on one core, and a bare TCP line."""

import json
import re
import subprocess

from ftbench import process
from ftbench.contest import Line, RowResult
from ftbench.daemon import LOOPBACK, Daemon, free_port
from ftbench.process import Failed
from ftbench.session import Session

BLOCK = 1 << 20
SPEEDS = ["md5", "sha256", "aes-128-gcm", "aes-256-gcm", "chacha20-poly1305"]


def run(session: Session) -> None:
    session.say("limits: openssl speed, iperf3")
    result = RowResult("limits", "what the machine can do, one core for each digest and cipher", "GB/s", "")
    for name in SPEEDS:
        _try(result, lambda name=name: _openssl(session, name))
    _try(result, lambda: _iperf(session))
    session.publish(result)


def _try(result: RowResult, measure) -> None:
    try:
        result.lines.append(measure())
    except Failed as failure:
        result.skipped.append(str(failure))


def _output(argv: list[str]) -> str:
    program = process.find_program(argv[0])
    if program is None:
        raise Failed(f"{argv[0]} is not installed")
    done = subprocess.run([program, *argv[1:]], capture_output=True, text=True, env=process.environment())
    if done.returncode != 0:
        raise Failed(f"{' '.join(argv)}: {done.stderr.strip()[-200:]}")
    return done.stdout


def _line(name: str, value: float) -> Line:
    return Line(name, "-", value, value, value, None, 1)


def _openssl(session: Session, name: str) -> Line:
    text = _output(["openssl", "speed", "-mr", "-seconds", str(session.scale.limit_seconds), "-bytes", str(BLOCK), "-evp", name])
    found = re.search(r"^\+F:\d+:[^:]+:([\d.]+)", text, re.MULTILINE)
    if not found:
        raise Failed(f"openssl speed {name}: no figure in its output")
    return _line(f"openssl speed {name}", float(found[1]) / 1e9)


def _iperf(session: Session) -> Line:
    if process.find_program("iperf3") is None:
        raise Failed("iperf3 is not installed")
    port = free_port()
    server = Daemon(["iperf3", "-s", "-B", LOOPBACK.address, "-p", str(port)], session.workspace.root / "iperf3.log")
    try:
        server.wait_for_port(LOOPBACK, port)
        seconds = str(session.scale.limit_seconds)
        report = json.loads(_output(["iperf3", "-c", LOOPBACK.address, "-p", str(port), "-t", seconds, "-J"]))
    finally:
        server.stop()
    return _line("iperf3, bare line", report["end"]["sum_received"]["bits_per_second"] / 8e9)
