"""From a chain to what dealers must trade. Pure."""
