"""Two kinds of plot, written as SVG: bars (stacked) and lines.

Self-contained files that are readable on white and in dark mode.
"""

import html
import math

COLOURS = ("#2563eb", "#f59e0b", "#16a34a", "#db2777")
GREY = "#8a8f98"
WIDTH = 720
STYLE = ("<style>text{font:13px system-ui,sans-serif;fill:#222}"
         ".small{font-size:12px}.title{font-size:15px;font-weight:600}"
         "@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>")


def bars(title, unit, groups, series):
    """Horizontal bars: `groups` is [(label, [value, ...])], one value for each
    name in `series`, stacked."""
    left, top, row = 190, 62, 34
    room = WIDTH - left - 90
    most = max(sum(values) for _, values in groups)
    parts = [_text(16, 24, title, "title"), _legend(left, 46, series)]
    for i, (label, values) in enumerate(groups):
        x, y = left, top + i * row
        parts.append(_text(left - 10, y + 16, label, anchor="end"))
        for colour, value in zip(COLOURS, values):
            width = room * value / most
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" '
                         f'height="22" fill="{colour}"/>')
            x += width
        parts.append(_text(x + 8, y + 16, f"{_short(sum(values))} {unit}"))
    return _svg(top + len(groups) * row + 12, parts)


def lines(title, x_label, y_label, series):
    """`series` is [(name, [(x, y), ...])]; both axes start at 0."""
    left, top, width, height = 76, 62, WIDTH - 110, 240
    xs = [x for _, points in series for x, _ in points]
    ys = [y for _, points in series for _, y in points]
    x_top, y_top = max(xs), _round_up(max(ys))
    bottom = top + height

    def at(x, y):
        return left + width * x / x_top, bottom - height * y / y_top

    parts = [_text(16, 24, title, "title"),
             _legend(left, 46, [f"{name}, {y_label}" for name, _ in series])]
    for i in range(5):
        y = y_top * i / 4
        _, py = at(0, y)
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{py:.1f}" '
                     f'y2="{py:.1f}" stroke="{GREY}" stroke-opacity=".35"/>')
        parts.append(_text(left - 8, py + 4, _short(y), "small", "end"))
    for x in sorted(set(xs)) if len(set(xs)) <= 6 else \
            [x_top * i / 4 for i in range(5)]:
        parts.append(_text(at(x, 0)[0], bottom + 18, _short(x), "small", "middle"))
    parts.append(_text(left + width / 2, bottom + 38, x_label, "small", "middle"))
    for colour, (_, points) in zip(COLOURS, series):
        path = " ".join("%.1f,%.1f" % at(x, y) for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" '
                     f'stroke="{colour}" stroke-width="2"/>')
        if len(points) <= 12:
            parts += ['<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>'
                      % (*at(x, y), colour) for x, y in points]
    return _svg(bottom + 52, parts)


def _svg(height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
            f'height="{height}" viewBox="0 0 {WIDTH} {height}">\n'
            + "\n".join([STYLE] + parts) + "\n</svg>\n")


def _text(x, y, text, kind="", anchor="start"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" '
            f'text-anchor="{anchor}">{html.escape(text)}</text>')


def _legend(x, y, names):
    parts = []
    for colour, name in zip(COLOURS, names):
        parts.append(f'<rect x="{x}" y="{y - 10}" width="11" height="11" '
                     f'fill="{colour}"/>')
        parts.append(_text(x + 16, y, name, "small"))
        x += 40 + 7 * len(name)
    return "".join(parts)


def _round_up(value):
    """To four steps of a length that people count in."""
    unit = 10 ** math.floor(math.log10(value / 4))
    return 4 * unit * next(f for f in (1, 2, 2.5, 5, 10) if 4 * unit * f >= value)


def _short(value):
    for limit, suffix in ((1e6, " M"), (1e4, " k")):
        if value >= limit:
            return f"{value / (1e6 if suffix == ' M' else 1e3):.3g}{suffix}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
