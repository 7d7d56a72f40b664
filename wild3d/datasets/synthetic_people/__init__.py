"""Procedural people, drawn rather than downloaded."""
