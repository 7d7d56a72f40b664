"""Behind `wild3d export`: writes one format, runs it, and compares."""

import json
import pathlib

import jax
import numpy as np

from wild3d import files
from wild3d.errors import UserError
from wild3d.export import formats, network

FORMATS = {
  'stablehlo': (formats.write_stablehlo, formats.run_stablehlo),
  'saved_model': (formats.write_saved_model, formats.run_saved_model),
  'onnx': (formats.write_onnx, formats.run_onnx),
  'weights': (formats.write_weights, formats.run_weights),
}
# Of the largest absolute value of an output; of presence, a probability, as it is: where
# nobody is, all of it is below 1e-4.
TOLERANCE = 1e-4
_BATCHES = (1, 3)


def export(
  checkpoint: str,
  out: str,
  kind: str | None = None,
  *,
  step: str = 'best',
  flip_test: bool = False,
) -> str:
  """Writes OUT, and OUT.json that says what goes in and comes out.

  Args:
    checkpoint: folder of a run.
    out: a new file, or for saved_model a new folder.
    kind: of `FORMATS`; None goes by the ending: .stablehlo, .onnx, .npz: weights,
      none: saved_model.
    step: 'best', 'latest' or a number.
    flip_test: whether the exported function looks at the mirror image too.

  Returns:
    What to tell the user.

  Raises:
    UserError: a mistake in the arguments; a package is missing; or the written network
      gives other numbers: then nothing is left behind.
  """
  path = files.absolute(out)
  kind = kind or _kind(path, out)
  write, run = FORMATS[kind]
  if kind == 'weights' and flip_test:
    raise UserError('--flip_test: weights are the same; give it to what reads them')
  if path.exists():
    raise UserError(f'--out={out} exists: name a new one')
  loaded = network.load(checkpoint, step, flip_test)
  with files.errors_named(f'--out={out}'), files.whole(path) as partial:
    partial = pathlib.Path(partial)
    write(loaded, partial)
    worst = max(_difference(loaded, run, partial, batch) for batch in _BATCHES)
    if not worst <= TOLERANCE:
      raise UserError(
        f'{kind}: outputs differ by {worst:.1e} of their scale from the original, more '
        f'than {TOLERANCE:g}: nothing was written'
      )
  about = {'format': kind, **loaded.about, 'largest_difference': worst}
  files.write(f'{path}.json', json.dumps(about, indent=1) + '\n')
  return (
    f'written: {path} ({kind}, any batch size) and {path}.json\nrun by its own runtime '
    f'on batches of {" and ".join(map(str, _BATCHES))}: outputs differ from the '
    f'original by at most {worst:.1e} of their scale'
  )


def _kind(path, out):
  kinds = {'.stablehlo': 'stablehlo', '.onnx': 'onnx', '.npz': 'weights'}
  kinds[''] = 'saved_model'
  if path.suffix not in kinds:
    raise UserError(
      f'--out={out}: name it .stablehlo, .onnx or .npz, a folder for a SavedModel, or give '
      '--format'
    )
  return kinds[path.suffix]


def _difference(loaded, run, path, batch):
  images = network.probe(loaded.input_size, batch)
  found, wanted = run(path, images), jax.device_get(loaded.forward(images))
  return max(
    float(np.abs(a - b).max() / (1 if name == 'presence' else np.abs(b).max()))
    for name, a, b in zip(loaded.outputs, found, wanted, strict=True)
  )
