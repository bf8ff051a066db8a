"""The least that a Textual app can be, to be run on a pty as the yardstick of the dashboard."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class Hello(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        """The line."""
        yield Static("hello, world")


if __name__ == "__main__":
    Hello().run(mouse=False)
