"""Painters: one skeleton, in pixels and in SVG, and charts."""
