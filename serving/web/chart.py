"""Remaining life over time as an SVG drawing, made here: the page needs no script."""

import datetime as dt
import itertools
import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from features.core.clock import zone
from features.core.statements import HealthState, Prediction
from features.registry.words import life_unit_words
from serving.predictor.fleet import Told
from serving.web.words import amount, figure, state_word

__all__ = ["life_chart"]

_WIDTH, _HEIGHT = 1120.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 10.0, 24.0, 52.0
# Most points that are drawn; more than one a pixel only makes the page heavy.
_MOST_POINTS = 400


def life_chart(history: Sequence[Told], time_zone: str, title: str) -> Markup | None:
    """P50 as a line, P10 to P90 as a band, the state as a strip below, a dashed line at each new part.

    Args:
        history: Statements of one component, any order.
        time_zone: IANA zone of the site, for the dates on the axis.
        title: Said to screen readers.

    Returns:
        An `svg` element; None when there are fewer than two statements.
    """
    told = sorted(history, key=lambda one: one.statement.as_of)
    told = told[:: max(1, math.ceil(len(told) / _MOST_POINTS))]
    if len(told) < 2:
        return None
    frame = _Frame(told)
    parts = [_grid(frame, time_zone), _parts_replaced(frame), _curves(frame), _strip(frame)]
    body = "".join(parts)
    # Where no statement has a number there is but the strip of states to see.
    top = 0.0 if frame.predictions else _HEIGHT - _BOTTOM
    return Markup(  # noqa: S704 - every text in it is escaped or a number made here
        f'<svg class="chart" viewBox="0 {top:.0f} {_WIDTH:.0f} {_HEIGHT - top:.0f}" role="img" '
        f'aria-label="{escape(title)}. {escape(_summary(told))}">{body}</svg>'
    )


class _Frame:
    """Where time and remaining life lie on the drawing."""

    def __init__(self, told: Sequence[Told]) -> None:
        self.told = told
        self.start, self.end = told[0].statement.as_of, told[-1].statement.as_of
        self.seconds = max(1.0, (self.end - self.start).total_seconds())
        self.predictions = [one.statement for one in told if isinstance(one.statement, Prediction)]
        self.unit = self.predictions[-1].life_unit if self.predictions else "running_h"
        tops = [p.p50 if p.p90 is None else p.p90 for p in self.predictions]
        self.step = _nice_step(max(tops, default=1.0))
        self.top = self.step * math.ceil(max(*tops, 1e-9) / self.step) if tops else 1.0

    def x(self, moment: dt.datetime) -> float:
        share = (moment - self.start).total_seconds() / self.seconds
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _TOP + (1.0 - value / self.top) * (_HEIGHT - _TOP - _BOTTOM)


def _nice_step(top: float) -> float:
    """A step of 1, 2 or 5 times a power of ten that divides `top` into about four."""
    raw = max(top, 1e-9) / 4.0
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= raw * 0.999)


def _grid(frame: _Frame, time_zone: str) -> str:
    lines = []
    if frame.predictions:
        for index in range(round(frame.top / frame.step) + 1):
            y = frame.y(index * frame.step)
            lines.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            label = figure(index * frame.step)
            lines.append(f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
        lines.append(f'<text class="tick" x="{_LEFT}" y="12">{life_unit_words(frame.unit)} left</text>')
    site_zone, shown = zone(time_zone), frame.end - frame.start
    for index in range(6):
        moment = frame.start + shown * index / 5
        local = moment.astimezone(site_zone)
        text = f"{local.day} {local:%b}" if shown > dt.timedelta(days=5) else f"{local:%H:%M}"
        anchor = "start" if index == 0 else "end" if index == 5 else "middle"
        lines.append(
            f'<text class="tick" x="{frame.x(moment):.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{text}</text>'
        )
    return "".join(lines)


def _parts_replaced(frame: _Frame) -> str:
    marks, pairs = [], zip(frame.predictions, frame.predictions[1:], strict=False)
    for before, after in pairs:
        if after.life_number != before.life_number:
            x = frame.x(after.as_of)
            marks.append(
                f'<line class="renewal" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
                f'<text class="renewal-text" x="{x + 4:.1f}" y="{_TOP + 12}">new part</text>'
            )
    return "".join(marks)


def _curves(frame: _Frame) -> str:
    drawn = []
    for run in _runs(frame.told):
        if all(p.p10 is not None and p.p90 is not None for p in run):
            upper = [(frame.x(p.as_of), frame.y(p.p90 or 0.0)) for p in run]
            lower = [(frame.x(p.as_of), frame.y(p.p10 or 0.0)) for p in reversed(run)]
            drawn.append(f'<polygon class="band" points="{_points([*upper, *lower])}"/>')
        drawn.append(
            f'<polyline class="median" points="{_points([(frame.x(p.as_of), frame.y(p.p50)) for p in run])}"/>'
        )
        if len(run) == 1:
            drawn.append(
                f'<circle class="dot" cx="{frame.x(run[0].as_of):.1f}" cy="{frame.y(run[0].p50):.1f}" r="2"/>'
            )
    return "".join(drawn)


def _runs(told: Sequence[Told]) -> list[list[Prediction]]:
    """Stretches without a refusal, within one life and one kind of statement."""
    runs: list[list[Prediction]] = [[]]
    for one in told:
        statement = one.statement
        if not isinstance(statement, Prediction):
            runs.append([])
            continue
        if runs[-1] and _kind(runs[-1][-1]) != _kind(statement):
            runs.append([])
        runs[-1].append(statement)
    return [run for run in runs if run]


def _kind(prediction: Prediction) -> tuple[int, bool]:
    return prediction.life_number, prediction.p10 is not None


def _strip(frame: _Frame) -> str:
    y, width = _HEIGHT - _BOTTOM + 10, (_WIDTH - _LEFT - _RIGHT) / len(frame.told)
    drawn = [f'<text class="tick" x="{_LEFT - 8}" y="{y + 10}" text-anchor="end">State</text>']
    for state, group in itertools.groupby(frame.told, key=lambda one: one.statement.health_state):
        moments = [one.statement.as_of for one in group]
        start, end = frame.x(moments[0]), min(frame.x(moments[-1]) + width, _WIDTH - _RIGHT)
        # Height as well as colour: a healthy time is a thin line, everything else stands out.
        height = 4 if state in (HealthState.NORMAL, None) else 12
        word = state_word(state)
        drawn.append(
            f'<rect class="s-{word.style}" x="{start:.1f}" y="{y + (12 - height) / 2:.1f}" '
            f'width="{max(1.0, end - start):.1f}" height="{height}"><title>{word.word}</title></rect>'
        )
    return "".join(drawn)


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)


def _summary(told: Sequence[Told]) -> str:
    last = told[-1].statement
    if isinstance(last, Prediction):
        return f"Now P50 {amount(last.p50, last.life_unit)}, state {state_word(last.health_state).word}"
    return f"Now no number, state {state_word(last.health_state).word}"
