"""Experiment configurations, importable as `wild3d.configs`."""
