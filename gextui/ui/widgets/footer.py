"""The last lines: why to doubt what is shown, and the keys that lead on."""

from gextui.ui import format as fmt
from gextui.ui.actions import ACTIONS, DEFAULT_KEYS, MANY, Action, Keys
from gextui.ui.keys import shown_key
from gextui.ui.scene import Scene, Spans, notice
from gextui.ui.widgets.lines import Line, line
from gextui.ui.widgets.scene_line import Piece, SceneLine, both_ends, fit_pieces, joined

_AMONG_MANY = {"right": "Column", "sort": "Sort", "explain": "Open"}
"""What these keys do in the view of many tickers, by action."""


class KeyLine(SceneLine):
    """The bottom line: whole keys only, the least needed left out first; the shown view's key is marked."""

    def __init__(self, *, keys: Keys = DEFAULT_KEYS, ascii_only: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(ascii_only=ascii_only, id=id)
        self._keys = keys

    def compose_line(self, scene: Scene, width: int) -> Line:
        """``g GEX  o OI ...  ? Help``; for a few seconds the answer to a key instead."""
        if scene.message:
            return line([(" " + fmt.clip(scene.message, width - 2), "heading")], width)
        pieces: list[Piece] = []
        if len(scene.tickers) > 1:
            numbers = f"1-{min(len(scene.tickers), 9)}"
            pieces.append(Piece(6, ([(numbers, "heading"), (" Ticker", "label")],)))
        for action in ACTIONS:
            keys = self._keys[action.id]
            own = _AMONG_MANY.get(action.id, "") if scene.view == MANY else ""
            footer = own or action.footer
            if not footer or not keys:
                continue
            key = shown_key(keys[0])
            shown = action.id == f"view_{scene.view}"
            spans: Spans = [(f" {key} {footer} ", "chosen")] if shown else []
            rank = 0 if shown or own or self._leads_back(action, scene) else action.rank
            pieces.append(Piece(rank, (spans or [(key, "heading"), (f" {footer}", "label")],)))
        return both_ends(joined([spans for _, spans in fit_pieces(pieces, width - 2)]), [], width)

    def _leads_back(self, action: Action, scene: Scene) -> bool:
        """Whether the user must see this key to get out of history or a freeze."""
        if scene.replay:
            return action.id in ("step_back", "step_forward", "live")
        return scene.missed is not None and action.id == "freeze"


class NoticeLine(SceneLine):
    """One sentence above the keys; it takes no room while all is well."""

    DEFAULT_CSS = """
    NoticeLine { display: none; }
    NoticeLine.-said { display: block; }
    """

    def show_scene(self, scene: Scene) -> None:
        """Appear with something to say, else make room."""
        self.set_class(bool(notice(scene)), "-said")
        super().show_scene(scene)

    def compose_line(self, scene: Scene, width: int) -> Line:
        """The sentence, cut at a word with an ellipsis where it does not fit."""
        return line([(f" ! {fmt.clip(notice(scene), width - 4)}", "warning")], width)
