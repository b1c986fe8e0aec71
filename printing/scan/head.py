"""Where a program takes the print head: the furthest points in millimetres, and whether they can be known."""

import functools
import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from printing.scan.arcs import bulges
from printing.scan.lines import LINE_START, NUMBER

AXES = "xyz"
MM_PER_INCH = 25.4
# Scripts lift the nozzle a little before they home; that leads away from the bed, wherever it stood.
BLIND_LIFT_MM = 20.0
# No printer is as large; keeps sums finite, whatever number a file holds.
FAR_MM = 1e7
# A program that changes its mode more often than this is not worth the time to follow.
MOST_CHANGES = 2_000_000
# Curves by other rules, other planes, other zeros, and moves that end at a switch: not followed.
SHIFTING = frozenset({5, 6, 18, 19, 38, 52, 53, 54, 55, 56, 57, 58, 59, 68, 380})
# Wipe, probe, level, calibrate, park, return.
WANDERING = frozenset({12, 26, 27, 29, 30, 32, 33, 34, 35, 42, 61, 76, 80})

_MOVE = re.compile(LINE_START + rb"[Gg][ \t]*+0*([0-3](?![0-9])[^;\n]*+)")
_BY_AXIS = [re.compile(rb"[%c%c][ \t]*+(%b)" % (ord(axis), ord(axis.upper()), NUMBER)) for axis in AXES]
_WORDS = re.compile(rb"([XYZIJRxyzijr])[ \t]*+(%b)" % NUMBER)
_AXIS_OF = {b"X": 0, b"Y": 1, b"Z": 2, b"x": 0, b"y": 1, b"z": 2}
_BRACKETS = re.compile(rb"\([^)\n]*+\)")
_AXIS_LETTER = re.compile(rb"[XYZxyz]")


@dataclass(frozen=True, slots=True)
class Span:
    """The furthest of one axis in mm, each with the first line (from 1) that goes there."""

    least: float
    most: float
    least_line: int
    most_line: int


@dataclass(frozen=True, slots=True)
class Box:
    """How far the moves reach; an axis that no move names is None."""

    x: Span | None
    y: Span | None
    z: Span | None


class _Furthest:
    """The furthest of one axis in a part of the text, and where in it."""

    __slots__ = ("least", "least_place", "most", "most_place")

    def __init__(self, least: float = math.inf, most: float = -math.inf) -> None:
        self.least, self.most = least, most
        self.least_place = self.most_place = 0

    def take(self, value: float, place: int) -> None:
        if value < self.least:
            self.least, self.least_place = value, place
        if value > self.most:
            self.most, self.most_place = value, place

    def has(self, middle: float, radius: float) -> bool:
        return self.least <= middle - radius and middle + radius <= self.most


class Head:
    """Follows the moves of a program; memory does not grow with it.

    `is_exact` takes each move by itself, as arcs are always taken: slow, and for comparison.
    """

    def __init__(self, *, is_exact: bool = False) -> None:
        self.is_known = True
        # Something moved the zero: no later number says where the head goes.
        self.is_lost = False
        self._is_exact = is_exact
        self._is_relative = False
        self._unit_mm = 1.0
        self._at: list[float | None] = [None, None, None]
        self._zero = [0.0, 0.0, 0.0]
        self._lift_mm = 0.0
        self._changes = 0
        self._spans: list[Span | None] = [None, None, None]

    @property
    def reach(self) -> Box | None:
        return Box(*self._spans) if any(self._spans) else None

    def obey(self, number: int, parameters: bytes) -> None:
        """Take a command (the number after its G) that changes what the moves after it mean."""
        self._changes += 1
        if self._changes > MOST_CHANGES or _is_unclear(parameters):
            self.lose()
        match number:
            case 20 | 21:
                self._unit_mm = MM_PER_INCH if number == 20 else 1.0
            case 90 | 91:
                self._is_relative = number == 91
            case 28:
                self._home(parameters)
            case 92:
                self._set_zero(parameters)
            case _ if number in SHIFTING:
                self.lose()
            case _:
                # The printer goes where only it knows.
                self._at, self._lift_mm = [None, None, None], 0.0

    def lose(self) -> None:
        """From here on nobody can tell from the file where the head is."""
        self.is_known = False
        self.is_lost = True

    def follow(self, text: bytes, start: int, end: int, lines_before: int) -> None:
        """Take every move in `text[start:end]`, where each line begins with the end of the line before."""
        if self.is_lost or end - start < 2:
            return
        moves = b"\n" + b"\n".join(_MOVE.findall(text, start, end))
        if _is_unclear(moves):
            self.lose()
        elif self._is_exact or b"\n2" in moves or b"\n3" in moves:
            self._follow_each(text, start, end, lines_before)
        else:
            self._follow_all(moves, text, start, end, lines_before)

    def _follow_all(self, moves: bytes, text: bytes, start: int, end: int, lines_before: int) -> None:
        # Straight moves: the axes have nothing to do with each other, so each is taken at once.
        for axis, numbers in enumerate(_BY_AXIS):
            steps = list(map(float, numbers.findall(moves)))
            if not steps:
                continue
            if max(steps) > FAR_MM or min(steps) < -FAR_MM:
                steps = [_bounded(step) for step in steps]
            stops = self._stops(axis, steps)
            if stops:
                self._at[axis] = stops[-1]
                self._widen(axis, stops, functools.partial(_line_of, axis, text, start, end, lines_before))

    def _stops(self, axis: int, steps: list[float]) -> Sequence[float]:
        unit_mm, zero = self._unit_mm, self._zero[axis]
        if not self._is_relative:
            return [step * unit_mm + zero for step in steps] if unit_mm != 1.0 or zero else steps
        at = self._at[axis]
        if at is None:
            self._move_blindly(axis, [step * unit_mm for step in steps])
            return ()
        return list(itertools.accumulate((step * unit_mm for step in steps), initial=at))[1:]

    def _move_blindly(self, axis: int, steps: list[float]) -> None:
        if AXES[axis] != "z":
            self.is_known = False
            return
        lifts = list(itertools.accumulate(steps, initial=self._lift_mm))
        self._lift_mm = lifts[-1]
        if min(lifts) < 0 or max(lifts) > BLIND_LIFT_MM:
            self.is_known = False

    def _widen(self, axis: int, stops: Sequence[float], line_of: Callable[[int], int]) -> None:
        found = _Furthest(min(stops), max(stops))
        span = self._spans[axis]
        if span is None or found.least < span.least:
            found.least_place = stops.index(found.least)
        if span is None or found.most > span.most:
            found.most_place = stops.index(found.most)
        self._widen_to(axis, found, line_of)

    def _widen_to(self, axis: int, found: "_Furthest", line_of: Callable[[int], int]) -> None:
        span = self._spans[axis]
        if found.least > found.most or (span and span.least <= found.least and found.most <= span.most):
            return
        self._spans[axis] = Span(
            least=min(found.least, span.least) if span else found.least,
            most=max(found.most, span.most) if span else found.most,
            least_line=span.least_line if span and span.least <= found.least else line_of(found.least_place),
            most_line=span.most_line if span and found.most <= span.most else line_of(found.most_place),
        )

    def _follow_each(self, text: bytes, start: int, end: int, lines_before: int) -> None:
        # Places in the text stand for lines until the end: counting lines at each step would take for ever.
        furthest = [_Furthest(), _Furthest(), _Furthest()]
        for move in _MOVE.finditer(text, start, end):
            place, was, centre = move.start(), (self._at[0], self._at[1]), {}
            for letter, number in _WORDS.findall(move[1]):
                axis, step = _AXIS_OF.get(letter, -1), float(number)
                if not -FAR_MM < step < FAR_MM:
                    step = _bounded(step)
                if axis < 0:
                    centre[letter.upper()] = step * self._unit_mm
                elif (stop := self._stop(axis, step)) is not None:
                    furthest[axis].take(stop, place)
            if move[1][:1] in b"23":
                self._bulge(was, centre, furthest, move)
        for axis, found in enumerate(furthest):
            self._widen_to(axis, found, lambda place: lines_before + text.count(b"\n", 0, place + 1))

    def _stop(self, axis: int, step: float) -> float | None:
        if not self._is_relative:
            stop = step * self._unit_mm + self._zero[axis]
        elif (at := self._at[axis]) is None:
            self._move_blindly(axis, [step * self._unit_mm])
            return None
        else:
            stop = at + step * self._unit_mm
        self._at[axis] = stop
        return stop

    def _bulge(
        self,
        was: tuple[float | None, float | None],
        centre: dict[bytes, float],
        furthest: Sequence["_Furthest"],
        move: re.Match[bytes],
    ) -> None:
        (x, y), to_x, to_y = was, self._at[0], self._at[1]
        if x is None or y is None or to_x is None or to_y is None or not (b"I" in centre or b"J" in centre):
            # An arc by its radius alone, or from nowhere.
            self.is_known = False
            return
        right, behind = centre.get(b"I", 0.0), centre.get(b"J", 0.0)
        middle, radius = (x + right, y + behind), math.hypot(right, behind)
        if furthest[0].has(middle[0], radius) and furthest[1].has(middle[1], radius):
            return
        for point in bulges((x, y), (to_x, to_y), middle, is_clockwise=move[1][:1] == b"2"):
            furthest[0].take(point[0], move.start())
            furthest[1].take(point[1], move.start())

    def _home(self, parameters: bytes) -> None:
        named = {letter.decode().lower() for letter in _AXIS_LETTER.findall(parameters)} or set(AXES)
        for axis, name in enumerate(AXES):
            if name in named:
                # Where its switch is, only the printer knows.
                self._at[axis], self._zero[axis] = None, 0.0
        if "z" in named:
            self._lift_mm = 0.0

    def _set_zero(self, parameters: bytes) -> None:
        values = [numbers.findall(parameters) for numbers in _BY_AXIS]
        # G92.1 gives back the machine's zero; firmwares disagree about letters without a number, and about none.
        is_clear = len(_AXIS_LETTER.findall(parameters)) == sum(map(len, values))
        if parameters.startswith(b".") or not is_clear or not (any(values) or b"E" in parameters.upper()):
            self.lose()
        for axis, found in enumerate(values):
            at = self._at[axis]
            if found and at is None:
                self.lose()
            elif found and at is not None:
                self._zero[axis] = at - _bounded(float(found[-1])) * self._unit_mm


def _is_unclear(parameters: bytes) -> bool:
    # A second command in the line is obeyed by some firmwares only; expressions are worked out by them. Numbers in
    # a comment in brackets do count elsewhere: not every firmware skips it.
    if b"(" in parameters:
        parameters = _BRACKETS.sub(b"", parameters)
    return b"G" in parameters or b"g" in parameters or b"{" in parameters or b"[" in parameters


def _bounded(number: float) -> float:
    return min(max(number, -FAR_MM), FAR_MM)


def _line_of(axis: int, text: bytes, start: int, end: int, lines_before: int, index: int) -> int:
    """The line of the number `index` of an axis, counted in moves only."""
    seen = 0
    for move in _MOVE.finditer(text, start, end):
        seen += len(_BY_AXIS[axis].findall(move[1]))
        if seen > index:
            return lines_before + text.count(b"\n", 0, move.start() + 1)
    return 0
