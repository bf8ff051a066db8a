"""Footer and notice: the keys that lead on, and the one sentence that matters now."""

from gextui.ui.actions import ACTIONS, DEFAULT_KEYS, Keys
from gextui.ui.keys import shown_key
from gextui.ui.scene import Scene, Spans, notice
from gextui.ui.widgets.lines import Line, line
from gextui.ui.widgets.scene_line import Piece, SceneLine, both_ends, fit_pieces, joined


class KeyLine(SceneLine):
    """The bottom line: whole keys only, the least needed left out first; the shown view's key is marked."""

    def __init__(self, *, keys: Keys = DEFAULT_KEYS, ascii_only: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(ascii_only=ascii_only, id=id)
        self._keys = keys

    def compose_line(self, scene: Scene, width: int) -> Line:
        """``g GEX  o OI ...  ? Help``."""
        pieces: list[Piece] = []
        if len(scene.tickers) > 1:
            numbers = f"1-{min(len(scene.tickers), 9)}"
            pieces.append(Piece(6, ([(numbers, "heading"), (" Ticker", "label")],)))
        for action in ACTIONS:
            keys = self._keys[action.id]
            if not action.footer or not keys:
                continue
            key = shown_key(keys[0])
            shown = action.id == f"view_{scene.view}"
            spans: Spans = [(f" {key} {action.footer} ", "chosen")] if shown else []
            pieces.append(Piece(action.rank, (spans or [(key, "heading"), (f" {action.footer}", "label")],)))
        return both_ends(joined([spans for _, spans in fit_pieces(pieces, width - 2)]), [], width)


class NoticeLine(SceneLine):
    """One sentence above the keys; it takes no room while all is well."""

    DEFAULT_CSS = """
    NoticeLine { display: none; }
    NoticeLine.-said { display: block; }
    """

    def show_scene(self, scene: Scene) -> None:
        """Appear with something to say, else make room."""
        self.set_class(bool(notice(scene)[0]), "-said")
        super().show_scene(scene)

    def compose_line(self, scene: Scene, width: int) -> Line:
        """The sentence, cut at a word with an ellipsis where it does not fit."""
        words, style = notice(scene)
        mark = "! " if style == "warning" else ""
        return line([(" ", ""), (mark + _cut(words, width - 2 - len(mark)), style)], width)


def _cut(words: str, room: int) -> str:
    if len(words) <= room:
        return words
    return words[: max(room - 1, 0)].rpartition(" ")[0] + "…"
