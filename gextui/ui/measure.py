"""What bars at a strike measure."""

from enum import StrEnum


class Measure(StrEnum):
    """What a ladder's bars measure at a strike."""

    GEX = "gex"
    OPEN_INTEREST = "open_interest"
    VOLUME = "volume"
