"""The smile: implied volatility by strike, of one expiry with both legs' own, or of several together."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.explain import Explanation
from gextui.exposure.surface import explain_smile
from gextui.exposure.volatility import ExpirySmile, find_skew, smile_of
from gextui.market.chain import Booleans, Floats
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.widgets.lines import Line, line
from gextui.ui.widgets.plot_view import PlotView
from gextui.ui.widgets.scene_line import Fact, facts_line
from gextui.ui.widgets.tabs import Tab, expiry_of, tab_line, tabs_of
from gextui.ui.widgets.words import no_contracts

if TYPE_CHECKING:
    from gextui.ui.widgets.panes import Axis

_REACHES = (2.0, 3.0, 4.0, 6.0, 10.0)
"""How far the view goes to either side of the forward, in standard deviations until the expiry, by zoom."""
_HOME = 2
_SEVERAL = 6
"""So many expiries are drawn together at most, the nearest."""
_COLOURS = ("spot", "move", "zero", "pain", "call", "put")
_MARGIN_OF_LEGS = (0.6, 1.6)
"""A leg's own IV further from the clean smile than these multiples of its ends is off the axis."""
_SIGNS = (("c", "call's own", "call"), ("p", "put's own", "put"), ("o", "both's own", "heading"))
_SAME = 0.05
"""Vol points within which both legs' IVs are one point."""
_LEAST_WIDTH, _LEAST_HEIGHT = 24, 9
_LINES_ABOVE, _LINES_BELOW = 2, 1
_NAMES_FROM_HEIGHT = 12


class _Curve(NamedTuple):
    tab: Tab
    smile: ExpirySmile
    forward: float
    inside: Booleans
    """Strikes within reach; shape (K,)."""


class Smile(PlotView):
    """Volatility over strikes; j and k move along them."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.board: Board | None = None
        self.tab: Tab | None = None
        """The chosen expiry; None before the first board."""
        self.several = False
        """Whether the nearest expiries are drawn together."""
        self.cursor: float | None = None
        """The strike that was chosen."""
        self._tabs: list[Tab] = []
        self._zoom = 0

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Show this board; the same one is not drawn again."""
        del unit
        if self.board is None or self.board.ticker != board.ticker:
            self.tab, self.cursor = None, None
        if board is not self.board:
            self._tabs = list({(tab.expiry, tab.venue): tab for tab in reversed(tabs_of(board))}.values())[::-1]
        self.board = board
        self.redraw(stale=stale)

    @property
    def heading(self) -> str:
        """What is drawn."""
        return f"IV smile{'s' if self.several else ''}, ±{_REACHES[_HOME - self._zoom]:g}σ"

    def turn(self, steps: int) -> None:
        """Show a later expiry (positive) or an earlier one; before the first are several together."""
        if self._tabs:
            at = max(-1, min((-1 if self.several else self._at) + steps, len(self._tabs) - 1))
            self.several = at < 0
            self.tab = self.tab if at < 0 else self._tabs[at]
            self.redraw()

    def move(self, rows: int) -> None:
        """Move the cursor along the strikes: down is lower."""
        strikes = self._strikes()
        if not len(strikes) or self.board is None:
            return
        start = self.board.spot if self.cursor is None else self.cursor
        at = int(np.abs(strikes - start).argmin())
        if self.cursor is not None:
            at = max(0, min(at - rows, len(strikes) - 1))
        self.cursor = float(strikes[at])
        self.redraw()

    def page(self, direction: int) -> None:
        """Move the cursor by a tenth of the strikes."""
        self.move(direction * max(len(self._strikes()) // 10, 1))

    def zoom(self, step: int) -> None:
        """Look closer at the forward (1) or further (-1)."""
        self._zoom = max(_HOME - len(_REACHES) + 1, min(self._zoom + step, _HOME))
        self.redraw()

    @property
    def zoom_level(self) -> int:
        """Steps away from the view's own choice."""
        return self._zoom

    def recentre(self) -> None:
        """No cursor, and the view's own choice of reach."""
        self.cursor, self._zoom = None, 0
        self.redraw()

    def selected_strike(self) -> float | None:
        """The strike under the cursor."""
        return self.cursor

    def go_to(self, strike: float) -> bool:
        """Put the cursor on the listed strike nearest this price."""
        strikes = self._strikes()
        if not len(strikes):
            return False
        self.cursor = float(strikes[int(np.abs(strikes - strike).argmin())])
        self.redraw()
        return True

    def explanation(self) -> Explanation | None:
        """The clean IV of the strike under the cursor, else of the one nearest spot."""
        if self.board is None or self.tab is None:
            return None
        strike = self.board.spot if self.cursor is None else self.cursor
        return explain_smile(self.board, expiry_of(self.board.chain, self.tab), strike)

    @property
    def _at(self) -> int:
        """The chosen tab's place, at first that of an expiry with a day to live; an expired one gives way."""
        if self.tab in self._tabs:
            return self._tabs.index(self.tab)
        least = 0.0 if self.board is None else self.time_of(self.board) + 86400.0
        wanted = least if self.tab is None else self.tab.expiry
        later = (at for at, tab in enumerate(self._tabs) if tab.expiry >= wanted)
        return next(later, len(self._tabs) - 1)

    def _strikes(self) -> Floats:
        """Those of the chosen expiry."""
        if self.board is None or self.tab is None:
            return np.empty(0)
        return self._smile(self.board, self.tab).strike

    def _smile(self, board: Board, tab: Tab) -> ExpirySmile:
        return smile_of(board.chain, board.smile, expiry_of(board.chain, tab))

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """The expiries to choose from, what is known of the chosen one, the canvas, and what its signs mean."""
        board = self.board
        if board is None:
            return []
        if not self._tabs:
            self.plot.display = False
            return self.centred(no_contracts(board), width, height)
        self.tab = self._tabs[self._at]
        chosen = None if self.several else self._at
        above = [tab_line(self._tabs, chosen, self.time_of(board), board.ticker.session, width, first="several")]
        above.append(self._facts(board, self.tab, width))
        curves = self._curves(board)
        nothing = self._nothing_to_draw(curves, width, height)
        self.plot.display = nothing is None
        if nothing is not None:
            return [*above, *self.centred(nothing, width, height - len(above))][:height]
        if self.must_draw(board, self.tab, self.several, self.cursor, self._zoom):
            self._draw(board, curves, width, height - _LINES_ABOVE - _LINES_BELOW)
        blank = [line([], width)] * (height - _LINES_ABOVE - _LINES_BELOW)
        return [*above, *blank, self._readout(board, self.tab, width)]

    def _curves(self, board: Board) -> list[_Curve]:
        """What is drawn; of several the nearest."""
        tabs = self._tabs[:_SEVERAL] if self.several else [self._tabs[self._at]]
        reach = _REACHES[_HOME - self._zoom]
        curves = []
        for tab in tabs:
            expiry = expiry_of(board.chain, tab)
            smile = self._smile(board, tab)
            forward = float(board.smile.forward[expiry])
            deviation = float(board.smile.atm_iv[expiry]) * float(board.smile.years[expiry]) ** 0.5
            inside = (np.abs(np.log(smile.strike / forward)) <= reach * deviation) & np.isfinite(smile.clean_iv)
            curves.append(_Curve(tab, smile, forward, inside))
        return curves

    def _nothing_to_draw(self, curves: list[_Curve], width: int, height: int) -> str | None:
        if width < _LEAST_WIDTH or height < _LEAST_HEIGHT:
            return "no room for a chart"
        if not any(np.count_nonzero(curve.inside) > 1 for curve in curves):
            known = any(np.isfinite(curve.smile.clean_iv).any() for curve in curves)
            return "fewer than two strikes within reach" if known else "no implied volatility is known"
        return None

    def _facts(self, board: Board, tab: Tab, width: int) -> Line:
        """What is known of the chosen expiry; of several, how many are drawn."""
        if self.several:
            shown = min(len(self._tabs), _SEVERAL)
            words = f" the clean smiles of the nearest {shown} of {len(self._tabs)} expiries"
            return line([(fmt.clip(words, width), "label")], width)
        expiry = expiry_of(board.chain, tab)
        skew = find_skew(board.chain, board.smile, [expiry])
        facts = [
            Fact("ATM ", fmt.volatility(float(skew.atm_iv[0]))),
            Fact("RR25 ", fmt.vol_points(float(skew.risk_reversal[0]))),
            Fact("BF25 ", fmt.vol_points(float(skew.butterfly[0]))),
            Fact("", fmt.countdown(tab.expiry, self.time_of(board))),
            Fact("F ", fmt.level(float(board.smile.forward[expiry]))),
        ]
        return facts_line(facts, width)

    def _readout(self, board: Board, tab: Tab, width: int) -> Line:
        """The strike under the cursor; without one, what the signs mean."""
        if self.cursor is None:
            legs = [Fact(f"{sign} ", words, style) for sign, words, style in _SIGNS]
            curve = Fact("* " if self.ascii_only else "▀ ", "clean IV")
            return facts_line([curve, *([] if self.several else legs)], width)
        smile = self._smile(board, tab)
        at = int(np.abs(smile.strike - self.cursor).argmin())
        clean = ("" if smile.own[at] else "~") + fmt.volatility(float(smile.clean_iv[at]))
        facts = [
            Fact("", fmt.strike(float(smile.strike[at])), "spot"),
            Fact("clean ", clean),
            Fact("call ", fmt.volatility(float(smile.call_iv[at])), "call"),
            Fact("put ", fmt.volatility(float(smile.put_iv[at])), "put"),
        ]
        return facts_line(facts, width)

    def _draw(self, board: Board, curves: list[_Curve], width: int, rows: int) -> None:
        from gextui.ui.widgets.panes import AXIS_ROWS, Axis
        from gextui.ui.widgets.plot import PRICE_CELLS, Side, round_ticks

        strikes = np.concatenate([curve.smile.strike[curve.inside] for curve in curves])
        low, high = float(strikes.min()), float(strikes.max())
        values = [100.0 * curve.smile.clean_iv[curve.inside] for curve in curves]
        if not self.several:
            values += [100.0 * iv for iv in _legs_near(curves[0])]
        axis = Axis.fit(values, rows - AXIS_ROWS)
        plot = self.plot
        plot.styles.margin = (_LINES_ABOVE, 0, _LINES_BELOW, 0)
        plot.styles.height = rows
        labels = {tick: f"{tick:g}%" for tick in axis.ticks}
        prices = round_ticks(low, high, max(2, width // PRICE_CELLS))
        plot.begin(Side(low, high, {price: fmt.strike(price) for price in prices}), Side(axis.low, axis.high, labels))
        cell = (high - low) / max(width - max(map(len, labels.values())) - 2, 1)
        self._mark_prices(board, curves, (low, high), axis, cell, rows)
        colours = [self.colour(name) for name in (_COLOURS if self.several else ("value",))]
        for curve, colour in zip(curves, colours, strict=False):
            plot.curve(*_points(curve), colour)
        if not self.several:
            self._mark_legs(curves[0], axis)
        elif rows >= _NAMES_FROM_HEIGHT:
            self._name_curves(curves, axis)

    def _name_curves(self, curves: list[_Curve], axis: "Axis") -> None:
        """Each by its day at its right end, in a row of its own."""
        from gextui.ui.widgets.panes import apart

        ends = [(curve, _points(curve), name) for curve, name in zip(curves, _COLOURS, strict=False)]
        named = sorted((each for each in ends if each[1][0]), key=lambda each: -each[1][1][-1])
        rows = apart([axis.row(y[-1]) for _, (_, y), _ in named], axis.rows)
        for (curve, (x, _), name), row in zip(named, rows, strict=True):
            self.plot.write(fmt.short_day(curve.tab.expiry), x[-1], axis.value(row), self.colour(name), leftward=True)

    def _mark_legs(self, curve: _Curve, axis: "Axis") -> None:
        """Each leg's own IV; where they are the same, both in one sign."""
        calls, puts = 100.0 * curve.smile.call_iv, 100.0 * curve.smile.put_iv
        same = np.abs(calls - puts) < _SAME
        for (sign, _, style), iv, wanted in zip(_SIGNS, (calls, puts, calls), (~same, ~same, same), strict=True):
            seen = wanted & curve.inside & (iv >= axis.low) & (iv <= axis.high)
            self.plot.marks(curve.smile.strike[seen].tolist(), iv[seen].tolist(), self.colour(style), sign)

    def _mark_prices(
        self,
        board: Board,
        curves: list[_Curve],
        bounds: tuple[float, float],
        axis: "Axis",
        cell: float,
        rows: int,
    ) -> None:
        """Upright lines at the cursor, the forward and spot, named at the top where there is room."""
        marks = [("SPOT", board.spot, "spot", True)]
        if not self.several:
            marks.insert(0, ("F", curves[0].forward, "move", False))
        if self.cursor is not None:
            self.plot.plt.vline(self.cursor, color=self.colour("pain"))
        for name, price, style, leftward in marks:
            if not bounds[0] <= price <= bounds[1]:
                continue
            self.plot.plt.vline(price, color=self.colour(style))
            if rows >= _NAMES_FROM_HEIGHT:
                self.plot.write(
                    name, price + (-cell if leftward else cell), axis.high, self.colour(style), leftward=leftward
                )


def _points(curve: _Curve) -> tuple[list[float], list[float]]:
    """The clean smile within reach, in percent."""
    return curve.smile.strike[curve.inside].tolist(), (100.0 * curve.smile.clean_iv[curve.inside]).tolist()


def _legs_near(curve: _Curve) -> list[Floats]:
    """The legs' own IVs within reach that are not so far from the clean smile that they would flatten it."""
    clean = curve.smile.clean_iv[curve.inside]
    low, high = float(clean.min()) * _MARGIN_OF_LEGS[0], float(clean.max()) * _MARGIN_OF_LEGS[1]
    legs = (curve.smile.call_iv[curve.inside], curve.smile.put_iv[curve.inside])
    return [iv[(iv >= low) & (iv <= high)] for iv in legs]
