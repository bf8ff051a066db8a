"""The Textual app. Knows Board and Desk; never a venue, never SQL."""
