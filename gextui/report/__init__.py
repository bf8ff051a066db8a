"""A board as text: JSON for programs, CSV for sheets, a page and a status line for people."""
