"""The files of a prediction: which are written, and what is said of them."""

import collections
import os
import pathlib

from wild3d.poses import formats, joint_set, poses_json
from wild3d.poses.pose import PoseFile
from wild3d.predict import output_folder


def write(
  poses: PoseFile, options, folder: pathlib.Path, new: pathlib.Path
) -> list[pathlib.Path]:
  """Writes all that was asked for; the drawings and the page are there already.

  Args:
    poses: of all inputs.
    options: run.Options.
    folder: the folder of the prediction.
    new: where to write what will come to it, see output_folder.replaced.

  Returns:
    Every file of the prediction, where it will be in the end.

  Raises:
    UserError: a file cannot be written.
  """
  for kind in dict.fromkeys(options.formats):
    if kind in formats.MOTIONS:
      written = formats.write(poses, kind, new / kind, options.joints)
      if kind == 'bvh':
        _tell_filled(written, folder, new)
    elif kind != 'json':
      formats.write(poses, kind, new / f'poses.{kind}', options.joints)
  if options.rerun:
    from wild3d.viewer import rerun_file

    rerun_file.write(poses, options.rerun)
  others = [path for path in (options.html, options.rerun) if path]
  inside = output_folder.sizes(new, new.rglob('*'))
  listed = inside | output_folder.sizes(folder, others)
  shown = joint_set.converted(poses, options.joints)
  poses_json.write(shown, new / 'poses.json', listed)
  return [
    *(folder / name for name in ('poses.json', *inside)),
    *map(pathlib.Path, others),
  ]


def _tell_filled(written, folder, new):
  for path, filled in written.items():
    if filled:
      place = folder / path.relative_to(new)
      print(f'{place}: {filled} frames without the person are filled in')


def tell(written: list[pathlib.Path], folder: os.PathLike) -> None:
  """Prints where the files are: a folder of many is one line.

  Args:
    written: see `write`.
    folder: whose own files have a line each.
  """
  together = collections.defaultdict(list)
  for path in written:
    together[path if path.parent == folder else path.parent].append(path)
  for parent, paths in together.items():
    many = f' ({len(paths)} files)' if len(paths) > 1 else ''
    print(f'written: {parent if many else paths[0]}{many}')
