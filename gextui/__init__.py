"""gextui: the terminal dashboard for options gamma exposure."""

__version__ = "0.1.0"
