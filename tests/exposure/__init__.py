"""Exposures: exact numbers, laws, an independent slow reference."""
