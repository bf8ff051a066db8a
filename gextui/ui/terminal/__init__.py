"""The terminal itself: the delta display, the clipboard, what the terminal can do."""
