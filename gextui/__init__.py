"""gextui: the terminal dashboard for options gamma exposure."""

import os

__version__ = "0.1.0"

# Before numpy is loaded: its thread pool costs start-up time and, on a busy machine, several times the work itself.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
