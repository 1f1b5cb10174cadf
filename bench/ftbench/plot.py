"""Bar charts as SVG: a panel for each row, a bar for each contestant (its median), and a line from its slowest to its fastest run."""

from html import escape
from pathlib import Path

from ftbench.contest import Line, RowResult

WIDTH = 760
LABEL = 230
BAR = 16
GAP = 5
HEAD = 40
RIGHT = 150
OWN, PEER, LIMIT = "#1f77b4", "#9aa4ae", "#d9c27a"
STYLE = ("text{font:12px sans-serif;fill:#24292f}.t{font-weight:bold}.s{fill:#57606a}"
         "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.s{fill:#9198a1}}")


def save(rows: list[RowResult], folder: Path) -> list[Path]:
    drawn = [row for row in rows if row.lines]
    paths = []
    for name, chosen in [(row.key, [row]) for row in drawn] + [("all", drawn)]:
        path = folder / f"{name}.svg"
        path.write_text(picture(chosen))
        paths.append(path)
    return paths


def picture(rows: list[RowResult]) -> str:
    parts, top = [], 0
    for row in rows:
        parts.append(f'<g transform="translate(0,{top})">{_panel(row)}</g>')
        top += HEAD + len(row.lines) * (BAR + GAP) + 14
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}">'
            f"<style>{STYLE}</style>{''.join(parts)}</svg>\n")


def _panel(row: RowResult) -> str:
    better = "more is better" if row.unit == "GB/s" else "less is better"
    longest = max(line.highest for line in row.lines) or 1.0
    scale = (WIDTH - LABEL - RIGHT) / longest
    bars = [_bar(line, index, scale, row.unit) for index, line in enumerate(row.lines)]
    return (f'<text class="t" x="4" y="16">{escape(row.title)}</text>'
            f'<text class="s" x="4" y="32">{escape(row.unit)}, {better}</text>{"".join(bars)}')


def _bar(line: Line, index: int, scale: float, unit: str) -> str:
    y = HEAD + index * (BAR + GAP)
    middle = y + BAR / 2
    color = OWN if line.name.startswith("ftpd") else LIMIT if line.name.startswith(("limit", "openssl", "iperf3")) else PEER
    value = f"{line.value:.3g}" if line.value < 100 else f"{line.value:.0f}"
    end = LABEL + line.highest * scale
    return (f'<text x="{LABEL - 8}" y="{middle + 4}" text-anchor="end">{escape(line.name)}</text>'
            f'<rect x="{LABEL}" y="{y}" width="{max(1.0, line.value * scale):.1f}" height="{BAR}" fill="{color}"/>'
            f'<path d="M{LABEL + line.lowest * scale:.1f} {middle}H{end:.1f}" stroke="#24292f" stroke-opacity="0.6"/>'
            f'<text x="{end + 6:.1f}" y="{middle + 4}">{value} {escape(unit)}</text>')
