"""wild3d: 3D human pose from single in-the-wild photographs, in JAX."""

__version__ = '0.1.0'
