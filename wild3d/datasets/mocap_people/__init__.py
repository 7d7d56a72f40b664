"""Procedural people in poses of the user's own motion capture."""
