"""How much is moved and how often, for each of the three ways to run the benchmark."""

from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class Scale:
    name: str
    rounds: int  # counted rounds; one warm-up round comes before them
    large_bytes: int  # the large file
    tree_folders: int
    tree_files: int  # files in each folder, 4 KiB each
    empty_folders: int
    cold_starts: int  # runs of a small transfer in one round; the round's value is their median
    line_files: int  # 4 KiB files sent over the long line
    line_bytes: int  # the large file sent over the long line
    line_rounds: int
    crowds: tuple[int, ...]  # numbers of clients at once
    crowd_bytes: int  # moved by each of them
    idle: int  # idle connections
    limit_seconds: int  # for each of the raw limits that run for a time
    slow_peers: bool  # whether peers take part that need more than ten times as long as the others
    left_out: tuple[str, ...] = ()  # rows that run only when they are asked for by name


FULL = Scale("full", 5, GIB, 100, 100, 100_000, 20, 1000, 256 * MIB, 5, (1, 8, 64, 256), 16 * MIB, 10_000, 3, True)
QUICK = Scale("quick", 3, 128 * MIB, 10, 100, 1_000, 3, 100, 32 * MIB, 1, (1, 64), 2 * MIB, 1_000, 1, False)
TINY = Scale("tiny", 1, MIB, 2, 5, 20, 1, 5, MIB, 1, (1, 2), 64 * 1024, 10, 1, False,
             ("limits", "wan-tree", "wan-small", "wan-large"))
