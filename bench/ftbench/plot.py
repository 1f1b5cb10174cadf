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
SUMMARY_LABEL = 110
SUMMARY_RIGHT = 230
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
    if any(_ours(row) for row in drawn):
        paths.append(folder / "summary.svg")
        paths[-1].write_text(summary(drawn))
    return paths


def _ours(row: RowResult) -> Line | None:
    """Our first line, where it is compared with a reference that is not our own."""
    return next((line for line in row.lines if line.name.startswith("ftpd") and line.ratio and line.name != row.reference), None)


def summary(rows: list[RowResult]) -> str:
    """A bar for each row: how many times as fast as its reference."""
    chosen = [(row, line) for row in rows if (line := _ours(row))]
    longest = max(line.ratio for _, line in chosen)
    scale = (WIDTH - SUMMARY_LABEL - SUMMARY_RIGHT) / longest
    parts = ['<text class="t" x="4" y="16">ftpd and ftpc: times as fast as the reference of the row (line: as fast)</text>']
    for index, (row, line) in enumerate(chosen):
        y = HEAD - 14 + index * (BAR + GAP)
        text = y + BAR / 2 + 4
        end = SUMMARY_LABEL + line.ratio * scale
        parts.append(
            f'<text x="{SUMMARY_LABEL - 8}" y="{text}" text-anchor="end">{escape(row.key)}</text>'
            f'<rect x="{SUMMARY_LABEL}" y="{y}" width="{max(1.0, line.ratio * scale):.1f}" height="{BAR}" fill="{OWN}"/>'
            f'<text x="{end + 6:.1f}" y="{text}">{line.ratio:.2g} x {escape(row.reference)}</text>')
    height = HEAD - 14 + len(chosen) * (BAR + GAP) + 8
    one = SUMMARY_LABEL + scale
    parts.append(f'<path d="M{one:.1f} {HEAD - 16}V{height - 6}" stroke="{PEER}" stroke-dasharray="3 3"/>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
            f"<style>{STYLE}</style>{''.join(parts)}</svg>\n")


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
