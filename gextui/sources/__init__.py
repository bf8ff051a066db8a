"""The outside world: each module turns one venue or file format into option chains."""
