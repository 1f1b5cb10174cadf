"""The benchmark works at tiny sizes: it moves and compares files with the two programs, writes its results, and leaves nothing behind."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

kRun = Path(__file__).resolve().parents[2] / "bench/run"
kRows = "large,tree,again,small,resume,idle,exec"
kLimit = 900  # seconds


def test_a_tiny_run_measures_both_programs_and_cleans_up(ftpd_binary, ftpc_binary, tmp_path):
    work, results = tmp_path / "work", tmp_path / "results"
    binaries = tmp_path / "bin"
    binaries.mkdir()
    for path in (ftpd_binary, ftpc_binary):
        (binaries / Path(path).name).symlink_to(Path(path).resolve())

    argv = [sys.executable, str(kRun), "--tiny", "--folder", "--rows", kRows, "--dir", str(work), "--results", str(results)]
    done = subprocess.run(argv, env=os.environ | {"FT_BENCH_BIN": str(binaries)}, capture_output=True, text=True, timeout=kLimit)

    assert done.returncode == 0, done.stderr
    rows = json.loads((results / "results.json").read_text())["rows"]
    assert {row["key"] for row in rows} == {"large-put", "large-get", "tree-put", "tree-get", "again", "small-put", "small-get", "resume", "idle", "exec"}
    for row in rows:
        values = {line["name"]: line["value"] for line in row["lines"]}
        ours = "ftpd exec cat" if row["key"] == "exec" else "ftpd"
        assert ours in values, f"{row['key']}: {row['skipped']}"
        assert row["key"] in done.stdout
        ElementTree.parse(results / f"{row['key']}.svg")
    assert list(work.iterdir()) == []


def test_an_unknown_row_is_refused_with_the_known_ones(tmp_path):
    done = subprocess.run([sys.executable, str(kRun), "--rows", "nonsense", "--results", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2
    assert "nonsense" in done.stderr and "large" in done.stderr
