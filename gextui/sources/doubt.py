"""Whether a chain is believable after the one before it: one bad tick must not move the levels."""

from gextui.market.chain import OptionChain

LARGEST_STEP = 0.2
"""A spot that moves by a larger fraction from one chain to the next is doubted."""
CONVINCING = 3
"""So many doubtful chains in a row, if they agree with each other, are believed."""
_ONE_STEP = 3600.0
"""Seconds: between chains further apart any move is possible."""


class Doubts:
    """One ticker's chains in the order they come, and which of them are believed."""

    def __init__(self) -> None:
        self.believed: OptionChain | None = None
        """The newest that was."""
        self._doubted: list[OptionChain] = []

    def about(self, chain: OptionChain) -> str:
        """Why this chain is not believed, in a sentence; empty where it is."""
        reason = "" if self.believed is None else _oddity(self.believed, chain)
        if reason:
            if self._doubted and _oddity(self._doubted[-1], chain):
                self._doubted.clear()
            self._doubted.append(chain)
            if len(self._doubted) < CONVINCING:
                return reason
        self._doubted.clear()
        self.believed = chain
        return ""


def _oddity(before: OptionChain, chain: OptionChain) -> str:
    """What is odd about a chain that follows ``before``; empty for nothing, and from another source."""
    if chain.source != before.source:
        return ""
    seconds = chain.as_of_seconds - before.as_of_seconds
    if seconds < 0:
        return f"a chain of {chain.as_of:%H:%M:%S} UTC came after one of {before.as_of:%H:%M:%S}"
    move = chain.spot / before.spot - 1.0
    if abs(move) > LARGEST_STEP and seconds < _ONE_STEP:
        return f"spot jumped {move:+.0%} to {chain.spot:,.2f}; waiting for {CONVINCING} chains to agree"
    return ""
