"""Poses to look at: a page that turns them with the mouse, and rerun recordings."""
