"""Procedural people: body, pose prior, camera, renderer; pure JAX functions."""
