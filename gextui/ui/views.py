"""The views by their ids; each is imported when it is first shown."""

from gextui.ui.actions import ACTIONS, MANY
from gextui.ui.measure import Measure
from gextui.ui.widgets.view import BoardView

VIEWS = tuple(action.id.removeprefix("view_") for action in ACTIONS if action.id.startswith("view_"))

ONCE_MORE = {"changes": "history"}
"""What a view's key shows while that view is there already."""


def make_view(view: str, *, ascii_only: bool) -> BoardView:
    """A new widget of that view.

    Raises:
        KeyError: there is no such view.
    """
    if view in ("gex", "open_interest", "volume"):
        from gextui.ui.widgets.ladder import Ladder

        return Ladder(measure=Measure(view), ascii_only=ascii_only)
    if view == "profile":
        from gextui.ui.widgets.profile import Profile

        return Profile(ascii_only=ascii_only)
    if view == "heatmap":
        from gextui.ui.widgets.heatmap import HeatMap

        return HeatMap(ascii_only=ascii_only)
    if view == "chain":
        from gextui.ui.widgets.chain import Chain

        return Chain(ascii_only=ascii_only)
    if view == "changes":
        from gextui.ui.widgets.changes import Changes

        return Changes(ascii_only=ascii_only)
    if view == "history":
        from gextui.ui.widgets.history import History

        return History(ascii_only=ascii_only)
    if view == MANY:
        from gextui.ui.widgets.many import Many

        return Many(ascii_only=ascii_only)
    if view == "expiries":
        from gextui.ui.widgets.expiries import Expiries

        return Expiries(ascii_only=ascii_only)
    if view == "volatility":
        from gextui.ui.widgets.volatility import Volatility

        return Volatility(ascii_only=ascii_only)
    raise KeyError(view)
