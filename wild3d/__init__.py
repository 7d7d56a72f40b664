"""wild3d: 3D human pose from single in-the-wild photographs, in JAX."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
  from wild3d.poses.pose import Camera
  from wild3d.predict.poses import Poses
  from wild3d.predict.predictor import Predictor

__version__ = '0.2.0'
__all__ = ['Camera', 'Poses', 'Predictor']


def __getattr__(name: str):
  """What is used from Python, at its first use: `import wild3d` waits for no JAX."""
  if name == 'Predictor':
    from wild3d.predict.predictor import Predictor

    return Predictor
  if name == 'Poses':
    from wild3d.predict.poses import Poses

    return Poses
  if name == 'Camera':
    from wild3d.poses.pose import Camera

    return Camera
  raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
