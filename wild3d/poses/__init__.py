"""Predicted poses: what they hold, and the files they are kept in."""
