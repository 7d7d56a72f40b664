"""From a photograph or a video to named 3D poses."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
  from wild3d.predict.predictor import Predictor

__all__ = ['Predictor']


def __getattr__(name: str):
  """`Predictor`, at its first use: `wild3d predict --help` does not wait for JAX."""
  if name == 'Predictor':
    from wild3d.predict.predictor import Predictor

    return Predictor
  raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
