"""The page that ``snapshot`` prints for people, 80 columns wide, and the line for a status bar."""

import textwrap
from collections.abc import Iterator

import numpy as np
from click import style

from gextui.exposure.board import Board
from gextui.exposure.filters import Filters, Sign, Weight
from gextui.exposure.levels import ExpectedMove, MoveMethod, Wall
from gextui.exposure.regime import State
from gextui.exposure.zero_gamma import Side
from gextui.ui import format as show

WIDTH = 80
STRIKES = 15
EXPIRIES = 8
_BAR = 15

_MARK = {State.POSITIVE: "γ+", State.NEGATIVE: "γ-", State.UNDETERMINED: "γ?"}
_COLOUR = {State.POSITIVE: "green", State.NEGATIVE: "red", State.UNDETERMINED: "yellow"}
_WEIGHED = {
    Weight.OPEN_INTEREST: "by open interest",
    Weight.VOLUME: "by the day's volume",
    Weight.ACTIVE: "by open interest new since yesterday",
}
_HELD = {
    Sign.DEALER_LONG_CALLS: "dealers long calls, short puts",
    Sign.DEALER_SHORT_BOTH: "dealers short both",
    Sign.CUSTOMER: "customers' side",
}
_METHOD = {MoveMethod.STRADDLE: "straddle", MoveMethod.ONE_SIGMA: "one sigma"}


def page(board: Board) -> str:
    """Everything worth a look, as lines with ANSI colour that mean the same without it."""
    parts = (_head(board), levels(board), _totals(board), _ladder(board), _expiries(board))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def line(board: Board) -> str:
    """The reading in one line; an exclamation mark says that there are warnings."""
    found = board.levels
    move = found.expected_move
    parts = [
        board.ticker.symbol,
        show.price(board.spot),
        "" if board.spot_change is None else show.percent(board.spot_change, 2),
        _MARK[board.regime.state],
        f"{show.compact(board.totals.net_gex)}/1%",
        f"ZG {show.level(found.zero_gamma.price)}",
        f"CW {show.strike(found.call_wall.price if found.call_wall else None)}",
        f"PW {show.strike(found.put_wall.price if found.put_wall else None)}",
        f"MP {show.strike(found.max_pain.price if found.max_pain else None)}",
        f"EM {_plus_minus(move)}",
        "SIMULATED" if board.chain.simulated else "",
        "!" if board.warnings else "",
    ]
    return " ".join(filter(None, parts)) + "\n"


def levels(board: Board) -> Iterator[str]:
    """The named levels, one a line: price, distance from spot in percent and daily sigmas, and what it rests on."""
    found = board.levels
    zero, pain, move = found.zero_gamma, found.max_pain, found.expected_move
    yield _heading("Levels", "price   from spot")
    yield _wall(board, "Call wall", found.call_wall, "of the calls")
    yield _wall(board, "Put wall", found.put_wall, "of the puts")
    yield _wall(board, "Most gamma", found.absolute_gamma, "of both sides")
    yield _level(board, "Zero gamma", zero.price, show.level(zero.price), _zero_note(board))
    for rule in found.other_rules:
        yield _level(board, f"  {rule.name}", rule.price, show.level(rule.price), "another tool's rule")
    yield _level(
        board,
        "Max pain",
        pain.price if pain else None,
        show.strike(pain.price if pain else None),
        f"at {show.day(pain.expiry)}" if pain else "",
    )
    yield _move("Expected move", move)
    if move is not found.one_sigma:
        yield _move("One sigma", found.one_sigma)


def _head(board: Board) -> Iterator[str]:
    chain, regime = board.chain, board.regime
    when = show.moment(board.as_of)
    change = "" if board.spot_change is None else f"  {show.percent(board.spot_change, 2)}"
    title = f"{board.ticker.symbol}  {show.price(board.spot)}{change}"
    label = "  SIMULATED" if chain.simulated else ""
    yield style(title, bold=True) + style(label, fg="yellow", bold=True) + f"{when:>{WIDTH - len(title + label)}}"
    delay = f" · {show.age(chain.delay)} late" if chain.delay else ""
    coverage = show.percent(board.coverage, 1, signed=False)
    yield f"{chain.source}{delay} · {board.used:,} of {chain.total:,} contracts · coverage {coverage}"
    yield f"{_expiries_in_words(board.filters)} · {_WEIGHED[board.filters.weight]} · {_HELD[board.filters.sign]}"
    for warning in board.warnings:
        yield from _wrapped("! ", warning, "yellow")
    yield ""
    share = "" if regime.net_of_gross is None else f"; net is {show.percent(regime.net_of_gross)} of gross"
    yield from _wrapped(f"{_MARK[regime.state]} {regime.state.upper()}  ", regime.reason + share, _COLOUR[regime.state])


def _wrapped(mark: str, text: str, colour: str) -> Iterator[str]:
    first, *rest = textwrap.wrap(text, WIDTH - len(mark)) or [""]
    yield style(mark, fg=colour, bold=True) + first
    yield from (" " * len(mark) + more for more in rest)


def _expiries_in_words(filters: Filters) -> str:
    named = {"all": "all expiries", "front": "front expiry", "0dte": "expiring today"}
    spec = filters.expiry
    words = named.get(spec) or (f"within {spec[:-1]} days" if spec.endswith("d") else f"expiring {spec}")
    if filters.max_dte is not None:
        words += f" within {filters.max_dte:g} days"
    if filters.strike_range is not None:
        words += f" · strikes within {filters.strike_range:g}%"
    return words


def _heading(title: str, columns: str = "") -> str:
    return style(f"{title:<20}{columns}", bold=True, underline=True)


def _wall(board: Board, name: str, wall: Wall | None, whole: str) -> str:
    if wall is None:
        return _level(board, name, None, show.DASH, "")
    note = f"{show.compact(wall.gex)}, {show.percent(wall.share, 0, signed=False)} {whole}"
    return _level(board, name, wall.price, show.strike(wall.price), note)


def _level(board: Board, name: str, price: float | None, text: str, note: str) -> str:
    distance = None if price is None else board.levels.distance(price)
    return f"{name:<21}{text:>12}{show.distance(distance):>9}{show.sigmas(distance):>8}   {note}".rstrip()


def _zero_note(board: Board) -> str:
    zero = board.levels.zero_gamma
    if zero.side is not None:
        return f"none within 25%: {'long' if zero.side is Side.LONG else 'short'} gamma"
    if zero.band is None:
        return ""
    note = f"{show.level(zero.band[0])} to {show.level(zero.band[1])}"
    return note + (f", {len(zero.roots)} roots" if len(zero.roots) > 1 else "")


def _plus_minus(move: ExpectedMove | None) -> str:
    return show.DASH if move is None else f"±{show.level(move.move)}"


def _move(name: str, move: ExpectedMove | None) -> str:
    note = "" if move is None else f"{show.level(move.low)} to {show.level(move.high)}, {show.day(move.expiry)}"
    kind = "" if move is None or name.lower() == _METHOD[move.method] else f", {_METHOD[move.method]}"
    return f"{name:<21}{_plus_minus(move):>12}{note + kind:>{len(note + kind) + 3}}".rstrip()


def _totals(board: Board) -> Iterator[str]:
    totals = board.totals
    yield _heading("Totals")
    calls, puts = show.compact(totals.call_gex), show.compact(totals.put_gex)
    yield f"Net GEX     {show.compact(totals.net_gex):>10}  USD per 1% move (calls {calls}, puts {puts})"
    yield f"Net DEX     {show.compact(totals.net_dex):>10}  USD"
    yield f"Net vanna   {show.compact(totals.net_vanna):>10}  USD of delta per vol point"
    yield f"Net charm   {show.compact(totals.net_charm):>10}  USD of delta per day"
    for name, call, put, put_call in (
        ("Contracts", totals.call_open_interest, totals.put_open_interest, totals.put_call_open_interest),
        ("Volume", totals.call_volume, totals.put_volume, totals.put_call_volume),
    ):
        yield f"{name:<12}{show.ratio(put_call):>10}  put/call ({show.count(call)} calls, {show.count(put)} puts)"


def _ladder(board: Board) -> Iterator[str]:
    """The heaviest strikes on a price axis, puts to the left and calls to the right, spot between them."""
    rows = board.by_strike
    weight = np.maximum(np.abs(rows.call_gex), np.abs(rows.put_gex))
    heaviest = np.sort(np.argsort(-weight, kind="stable")[:STRIKES])[::-1]
    heaviest = heaviest[weight[heaviest] > 0]
    yield _heading("GEX by strike", f"the {len(heaviest)} that weigh most, USD per 1% move")
    if not len(heaviest):
        yield show.DASH
        return
    full = float(weight.max())
    decimals = show.strike_decimals(rows.strike[heaviest].tolist())
    names = _names(board)
    spot = f"{show.price(board.spot):>11} {'─' * (2 * _BAR + 1)} {'':>10}  SPOT"
    below = False
    for at in heaviest.tolist():
        price = float(rows.strike[at])
        if price < board.spot and not below:
            below = True
            yield style(spot, fg="yellow")
        put = _bar(float(rows.put_gex[at]), full, -1.0)
        call = _bar(float(rows.call_gex[at]), full, 1.0)
        bars = style(f"{put:>{_BAR}}", fg="red") + "│" + style(f"{call:<{_BAR}}", fg="green")
        amount = show.compact(float(rows.net_gex[at]))
        yield f"{show.strike(price, decimals):>11} {bars} {amount:>10}  {names.get(price, '')}".rstrip()
    if not below:
        yield style(spot, fg="yellow")


def _bar(gex: float, full: float, usual: float) -> str:
    """Its length by size; shaded where its sign is not the one that its side stands for."""
    cells = max(round(abs(gex) / full * _BAR), 1) if gex else 0
    return ("█" if gex * usual > 0 else "▒") * cells


def _names(board: Board) -> dict[float, str]:
    found = board.levels
    named: dict[float, list[str]] = {}
    for name, level in (("CALL WALL", found.call_wall), ("PUT WALL", found.put_wall), ("MAX PAIN", found.max_pain)):
        if level is not None:
            named.setdefault(level.price, []).append(name)
    return {price: ", ".join(names) for price, names in named.items()}


def _expiries(board: Board) -> Iterator[str]:
    rows = board.by_expiry
    shown = min(len(rows.expiry), EXPIRIES)
    title = f"{'Expiries':<10}{'':<12}{'forward':>12}{'IV':>8}{'net GEX':>11}{'contracts':>12}{'put/call':>10}"
    yield style(title, bold=True, underline=True)
    for at in range(shown):
        calls, puts = float(rows.call_open_interest[at]), float(rows.put_open_interest[at])
        gex = float(rows.net_gex[at]) if board.used else None
        yield (
            f"{show.day(float(rows.expiry[at])):<10}{show.left(rows.roots[at], 12)}"
            f"{show.level(float(rows.forward[at])):>12}{show.volatility(float(rows.atm_iv[at])):>8}"
            f"{show.compact(gex):>11}{show.count(calls + puts):>12}"
            f"{show.ratio(puts / calls if calls else None):>10}"
        )
    if len(rows.expiry) > shown:
        yield f"and {len(rows.expiry) - shown} more"
    elif not shown:
        yield show.DASH
