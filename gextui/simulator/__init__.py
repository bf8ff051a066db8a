"""A made-up market, always labelled SIMULATED."""
