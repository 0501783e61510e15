"""Charts as inline SVG, drawn by hand: colours come from the page's variables, so they follow light and dark.

Both axes run from 0 to 1. No fonts, scripts or files from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from bot.measure import Bin, Point, wilson

WIDTH, HEIGHT = 460, 380
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 16, 56
TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def coverage(name: str, points: Sequence[Point], now: tuple[float, float] | None) -> str:
    """Coverage against false answers, as the threshold falls; `now` is where the decisions taken stand."""
    if not points:
        return _nothing("覆盖率与误答率", "题集中没有同时含应回答和未收录的题，画不出曲线。")
    line = [(0.0, 0.0), *((point.coverage, point.false_answers) for point in points)]
    drawn = [f'<path class="line" d="M{" L".join(f"{_x(x):.1f} {_y(y):.1f}" for x, y in line)}"/>']
    told = "仅按置信度取舍时，应答率与误答率随门槛变化的曲线。"
    if now is not None:
        x, y = now
        tip = f"目前的判断：应回答的题作答 {x:.1%}，未收录的题误答 {y:.1%}"
        drawn.append(_dot(x, y, 6, tip, "now"))
        told += tip + "。"
    return _frame(f"{name}：覆盖率与误答率", told, "应回答的题中作答的比例", "未收录的题中误答的比例", drawn)


def calibration(name: str, bins: Sequence[Bin]) -> str:
    """Confidence against the share of right firsts, a dot per bin with its 95 % interval."""
    if not bins:
        return _nothing("校准", "题集中没有应回答或未收录的题。")
    drawn = [f'<path class="ideal" d="M{_x(0):.1f} {_y(0):.1f} L{_x(1):.1f} {_y(1):.1f}"/>']
    most = max(found.questions for found in bins)
    for found in bins:
        least, greatest = wilson(found.right, found.questions)
        x, share = _x(found.confidence), found.right / found.questions
        drawn.append(f'<path class="range" d="M{x:.1f} {_y(least):.1f} V{_y(greatest):.1f}"/>')
        tip = f"置信度平均 {found.confidence:.2f}：{found.questions} 题中首选正确 {found.right} 题（{share:.1%}）"
        drawn.append(_dot(found.confidence, share, 3 + 6 * (found.questions / most) ** 0.5, tip, "bin"))
    told = "点在虚线上，表示置信度与实际正确率一致；点越大题越多，竖线为 95% 区间。"
    return _frame(f"{name}：校准", told, "置信度", "首选正确的比例", drawn)


def _frame(title: str, told: str, across: str, upward: str, drawn: Iterable[str]) -> str:
    parts = [
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" aria-label="{escape(title)}。{escape(told)}">',
        *map(_tick, TICKS),
        f'<path class="axis" d="M{_x(0)} {_y(1)} V{_y(0)} H{_x(1)}"/>',
        *drawn,
        f'<text class="label" x="{_x(0.5)}" y="{HEIGHT - 14}" text-anchor="middle">{escape(across)}</text>',
        f'<text class="label" x="16" y="{_y(0.5)}" text-anchor="middle" transform="rotate(-90 16 {_y(0.5)})">'
        f"{escape(upward)}</text>",
        "</svg>",
    ]
    caption = f"<figcaption><b>{escape(title)}</b><br>{escape(told)}</figcaption>"
    return f"<figure>{''.join(parts)}{caption}</figure>"


def _nothing(title: str, told: str) -> str:
    return f"<figure><figcaption><b>{escape(title)}</b><br>{escape(told)}</figcaption></figure>"


def _tick(at: float) -> str:
    x, y = _x(at), _y(at)
    return (
        f'<path class="grid" d="M{x:.1f} {_y(0)} V{_y(1)} M{_x(0)} {y:.1f} H{_x(1)}"/>'
        f'<text x="{x:.1f}" y="{_y(0) + 18}" text-anchor="middle">{at:.0%}</text>'
        f'<text x="{_x(0) - 8}" y="{y + 4:.1f}" text-anchor="end">{at:.0%}</text>'
    )


def _dot(x: float, y: float, radius: float, tip: str, kind: str) -> str:
    place = f'cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="{radius:.1f}"'
    return f'<circle class="{kind}" {place}><title>{escape(tip)}</title></circle>'


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
