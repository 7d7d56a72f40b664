"""Checksums of a checkpoint's files: what it is made of, and whether it is still so.

Orbax looks at no contents: one flipped bit in an array is restored without a word.
"""

import concurrent.futures
import hashlib
import json
from collections.abc import Collection, Iterator

from etils import epath

FILE = 'manifest.json'  # in the folder of the checkpoint, committed with it
DATA = 'data_iterator'  # what lies there of the iterator, which has a folder of its own
SCORES = 'metrics'  # what Orbax keeps of evaluated steps
_CHUNK = 1 << 20
_AT_ONCE = 8  # files read at a time: buckets answer slowly, and in parallel


def write(folder: epath.Path, iterator: epath.Path, step: int) -> None:
  """Writes the SHA-256 of every file of a checkpoint beside them.

  Args:
    folder: of the checkpoint, not yet committed.
    iterator: of the data iterators of its step, one folder a process.
    step: of the run.
  """
  found = {
    f'{part}/{name}': file
    for part, root in _parts(folder, iterator).items()
    for name, file in _files(root)
  }
  with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
    sums = dict(zip(found, pool.map(_sha256, found.values()), strict=True))
  text = json.dumps({'step': step, 'files': sums}, indent=1, sort_keys=True)
  (folder / FILE).write_text(text + '\n')


def exists(folder: epath.Path) -> bool:
  """Whether the checkpoint has one: those of earlier versions have none."""
  return (folder / FILE).exists()


def fault(
  folder: epath.Path, iterator: epath.Path, step: int, parts: Collection[str]
) -> str | None:
  """What is wrong with a checkpoint; None where nothing is, as far as can be seen.

  Args:
    folder: of the checkpoint.
    iterator: of the data iterators of its step.
    step: that the folder is named after.
    parts: what will be read, such as 'model', and must be there and as it was written;
      the scores, where there are any, beside it. Of a checkpoint without a manifest
      no more can be seen than whether they are there.

  Returns:
    A clause that names the file.
  """
  roots = _parts(folder, iterator)
  for part in parts:
    if part not in roots or not any(roots[part].iterdir()):
      return f'{part} is missing'
  if not exists(folder):
    return None
  try:
    manifest = json.loads((folder / FILE).read_text())
    of, sums = int(manifest['step']), dict(manifest['files'])
  except (ValueError, TypeError, KeyError):  # no JSON, no text, or another's
    return f'{FILE} cannot be read'
  if of != step:
    return f'its {FILE} is of step {of}'
  parts = {*parts, SCORES}
  wanted = {name: sums[name] for name in sums if name.split('/')[0] in parts}
  paths = [_path(roots, name) for name in wanted]
  with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
    now = pool.map(lambda path: path.exists() and _sha256(path), paths)
    for name, found in zip(wanted, now, strict=True):
      if found != wanted[name]:
        return f'{name} is ' + ('not what was saved' if found else 'missing')
  return None


def _parts(folder, iterator):
  """Name -> folder: the items that Orbax saved, and the data iterators."""
  roots = {p.name: p for p in folder.iterdir() if p.is_dir()} if folder.exists() else {}
  return roots | ({DATA: iterator} if iterator.is_dir() else {})


def _path(roots, name):
  part, _, rest = name.partition('/')
  return roots[part] / rest if part in roots else epath.Path(name)


def _files(root, prefix='') -> Iterator[tuple[str, epath.Path]]:
  """(name within the root, path) of every file; epath has no recursive glob."""
  for path in root.iterdir():
    if path.is_dir():
      yield from _files(path, f'{prefix}{path.name}/')
    else:
      yield f'{prefix}{path.name}', path


def _sha256(path):
  digest = hashlib.sha256()
  with path.open('rb') as stream:
    while chunk := stream.read(_CHUNK):
      digest.update(chunk)
  return digest.hexdigest()
