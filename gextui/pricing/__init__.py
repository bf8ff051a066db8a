"""The shared Greeks engine. Pure numpy, no I/O, knows no venue."""

import numpy as np

# glibc hands freed memory back to the system above a bound that follows the largest block freed so far; a chain's
# temporaries, faulted in anew at every call, then cost three times their arithmetic. A block freed here sets the bound.
np.empty(4 << 20, dtype=np.uint8)
