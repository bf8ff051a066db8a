"""Scene: everything the frame around a view says at one moment, and the words it says it in. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from gextui.desk import Health, View
from gextui.exposure.board import Board
from gextui.exposure.regime import State
from gextui.market.chain import Halt
from gextui.market.text import clean_text
from gextui.market.ticker import Ticker
from gextui.sources.source import SourceState, SourceStatus
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.market_words import MarketWords, halt_word, market_words, quotes_words

Spans = list[tuple[str, str]]
"""Texts with the names of their styles, see `gextui.ui.widgets.lines.Span`."""

REGIME_MARKS = {
    State.POSITIVE: ("γ+", "call"),
    State.NEGATIVE: ("γ-", "put"),
    State.UNDETERMINED: ("γ?", "warning"),
}

_STATES = {
    SourceState.CONNECTING: ("○", "connecting", "label"),
    SourceState.LIVE: ("●", "live", "call"),
    SourceState.DELAYED: ("●", "delayed", "move"),
    SourceState.DEGRADED: ("●", "degraded", "warning"),
    SourceState.BACKOFF: ("○", "reconnecting", "warning"),
    SourceState.CLOSED: ("○", "market closed", "label"),
    SourceState.DISABLED: ("○", "off", "label"),
    SourceState.REPLAY: ("○", "recorded", "label"),
}
_TROUBLED = (SourceState.BACKOFF, SourceState.DEGRADED, SourceState.DISABLED)
RECORDING_WELL = ("", "recording", "not recorded")


@dataclass(frozen=True, slots=True)
class Standing:
    """How one ticker stands, for what shows them all."""

    ticker: Ticker
    health: Health
    view: View | None = None
    """Its last; None before there is any."""
    on: bool = True
    """Whether it is read at all."""

    @property
    def board(self) -> Board | None:
        """What is shown of it."""
        return None if self.view is None else self.view.board

    @property
    def delay(self) -> float:
        """Seconds by which that lags the market."""
        return 0.0 if self.view is None else self.view.board.chain.delay

    @property
    def stale(self) -> bool:
        """Whether its values must be dimmed."""
        return self.health.stale and not self.replay

    @property
    def replay(self) -> bool:
        """Whether a past instant is shown."""
        return self.view is not None and self.view.replay

    @property
    def troubled(self) -> bool:
        """Whether its source fails, or is not there."""
        return self.health.status.state in _TROUBLED


@dataclass(frozen=True, slots=True)
class Scene:
    """What is shown, and how far it can be trusted."""

    tickers: tuple[Ticker, ...]
    ticker: Ticker
    board: Board | None
    health: Health
    view: str
    """The view's id, as in its action."""
    unit: Unit
    today: str
    """The calendar day (UTC, ISO), to tell a reading of another day."""
    clock: float | None = None
    """The time to the minute, epoch seconds, by which a live view is told it; None where the reading has its own."""
    replay: bool = False
    since: datetime | None = None
    """While it is stale, when the newest data came."""
    missed: int | None = None
    """While frozen, how many readings were not shown."""
    message: str = ""
    """What the last key did, in plain words."""
    remark: str = ""
    """What is to be known of where tickers are read from."""
    many: tuple[Standing, ...] = ()
    """Every ticker, while the view shows them all."""
    on_axis: Board | None = None
    """The board with its prices on the axis chosen; None where that is its own."""

    @property
    def drawn(self) -> Board | None:
        """What is drawn where either axis is."""
        return self.board if self.on_axis is None else self.on_axis

    @property
    def implied(self) -> bool:
        """Whether nobody quoted it: the book of a shut ETF, repriced at its coin's price."""
        return self.board is not None and self.board.chain.implied_from is not None

    @property
    def halt(self) -> Halt | None:
        """Whether the underlying does not trade though its market is open."""
        return None if self.board is None else self.board.chain.halt

    @property
    def stale(self) -> bool:
        """Whether the values must be dimmed."""
        return self.health.stale and not self.replay

    @property
    def market(self) -> MarketWords:
        """What the ticker's market does."""
        at = self.clock
        if at is None and self.board is not None:
            at = self.board.chain.as_of_seconds // 60 * 60
        return MarketWords() if at is None else market_words(self.ticker.session, at)

    @property
    def simulated(self) -> bool:
        """Whether any of it is made up."""
        return self.board is not None and self.board.chain.simulated


def state_words(status: SourceStatus, delay: float = 0.0) -> tuple[str, str, str]:
    """A source's state as sign, words and style: ``live``, ``delayed 15 min``."""
    sign, words, style = _STATES[status.state]
    if status.state is SourceState.DELAYED and delay:
        words = f"delayed {fmt.age(delay)}"
    return sign, words, style


def no_data_words(since: datetime, age: float | None) -> str:
    """``no data since 12:04:10 UTC (42 s)``."""
    return f"no data since {fmt.clock(since)} ({fmt.age(age)})"


def state_spans(scene: Scene, *, words: bool = True, since: bool = False) -> Spans:
    """The source's state: ``● live``, ``● delayed 15 min``, ``● stale 40 s``; without words its sign alone.

    With ``since`` a stale one also says from when on there was no data. A replay hides no trouble of the source.
    """
    status, health = scene.health.status, scene.health
    sign, word, style = state_words(status, 0.0 if scene.board is None else scene.board.chain.delay)
    if health.stale:
        sign, style = "●", "warning"
        begun = scene.since if since else None
        word = f"stale {fmt.age(health.age)}" if begun is None else no_data_words(begun, health.age)
    urgent = health.stale or status.state in _TROUBLED
    return [(sign, style)] if not (words or urgent) else [(f"{sign} {word}", style)]


def badge_spans(scene: Scene) -> Spans:
    """What must not be overlooked: HALTED, IMPLIED, SIMULATED, REPLAY, FROZEN with the readings missed."""
    spans: Spans = []
    if scene.halt is not None:
        spans += [(f" {halt_word(scene.halt)} ", "warning reversed"), (" ", "")]
    if scene.implied:
        spans += [(" IMPLIED ", "warning reversed"), (" ", "")]
    if scene.simulated:
        spans += [(" SIMULATED ", "warning reversed"), (" ", "")]
    if scene.replay:
        spans += [(" REPLAY ", "pain reversed"), (" ", "")]
    if scene.missed is not None:
        missed = f" +{min(scene.missed, 9999)}" if scene.missed else ""
        spans += [(f" FROZEN{missed} ", "pain reversed"), (" ", "")]
    return spans


def time_spans(scene: Scene, *, short: bool = False) -> Spans:
    """The reading's instant: the time of day, with the date where that is not today's.

    While the market is closed, of when the quotes are: their source may be heard of all night.
    """
    if scene.board is None:
        return []
    chain = scene.board.chain
    if scene.health.status.state is SourceState.CLOSED and not (scene.replay or scene.implied):
        now = chain.as_of if scene.clock is None else datetime.fromtimestamp(scene.clock, UTC)
        words = quotes_words(chain, now)
        return [(words.removeprefix("as of ").replace("New York", "NY") if short else words, "value")]
    at = scene.board.as_of.astimezone(UTC)
    if at.date().isoformat() != scene.today:
        moment = fmt.moment(at)
        return [(moment[: -len(" UTC")] if short else moment, "value")]
    return [(f"{at:%H:%M}" if short else fmt.clock(at), "value")]


def notice(scene: Scene) -> str:
    """The gravest sentence on why to doubt what is shown, and how many more there are; empty when all is well."""
    sentences = list(_notices(scene))
    if not sentences:
        return ""
    more = len(sentences) - 1
    return clean_text(sentences[0]) + (f"  (and {more} more: !)" if more else "")


def _notices(scene: Scene) -> Iterator[str]:
    """Why to doubt it, the gravest first."""
    status = scene.health.status
    if scene.health.recording not in RECORDING_WELL:
        yield scene.health.recording
    if status.detail and (scene.stale or status.state in _TROUBLED):
        yield f"{status.name}: {status.detail}"
    if scene.remark:
        yield scene.remark
    if status.substitution:
        yield status.substitution
    if scene.board is not None:
        yield from scene.board.warnings


def today(now: datetime) -> str:
    """The calendar day, UTC, ISO."""
    return now.astimezone(UTC).date().isoformat()
