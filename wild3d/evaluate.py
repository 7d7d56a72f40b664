"""A network on named sets: predicted once, then scored by the protocols, in float64.

The one path for training and command, with and without --protocol.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from etils import epath
from jaxtyping import Float

from wild3d import files, geometry, network, protocols, settings, skeleton
from wild3d.data.batch import BATCH_KEYS
from wild3d.errors import UserError
from wild3d.network import Network
from wild3d.protocols import baselines, overview, read_truth, result, scores_json
from wild3d.protocols.samples import Predictions, Truth
from wild3d.training import check_config, mesh, sources


class Predicted(NamedTuple):
  """What a network says of a set's N samples, beside the truth, in stored order.

  Attributes:
    truth: the labels.
    joints_crop: [N, J, 3], see network.decode.
    joints_mm: [N, J, 3], camera axes, see network.millimetres.
    to_original: [N, 2, 3], affine from the crop frame to the original's px.
    sight: [N, 3], of a network with perspective_correction the direction that its z
      has in camera axes; else (0, 0, 1).
  """

  truth: Truth
  joints_crop: Float[np.ndarray, 'N J 3']
  joints_mm: Float[np.ndarray, 'N J 3']
  to_original: Float[np.ndarray, 'N 2 3']
  sight: Float[np.ndarray, 'N 3']

  @property
  def predictions(self) -> Predictions:
    """As protocols want them: px of the originals, and mm."""
    pixels = network.original_pixels(self.joints_crop, self.to_original)
    return Predictions(skeleton.JOINTS, pixels, self.joints_mm)


class Evaluator:
  """Scores networks on config.evaluation.sets."""

  def __init__(self, config, devices, only: str = ''):
    """Checks the fields, and prepares the datasets that the sets need.

    Args:
      config: see configs/base.py.
      devices: the mesh that shares the batches.
      only: the one set to prepare; '' for all.

    Raises:
      UserError: a field is wrong, or a dataset cannot be prepared.
    """
    check_config.check(config, 'evaluation')
    fields = config.evaluation
    mesh.check_batch_size(devices, fields.batch_size, 'config.evaluation.batch_size')
    self._config = config
    self._devices = devices
    self._sets = {
      name: sources.for_evaluation(config, one.dataset, one.split, one.limit)
      for name, one in fields.sets.items()
      if only in ('', name)
    }
    self._whole = jax.jit(lambda x: x, out_shardings=mesh.replicated(devices))
    self._millimetres = jax.jit(
      jax.vmap(
        functools.partial(network.millimetres, skeleton_mm=float(fields.skeleton_mm))
      )
    )
    self._turned_back = jax.jit(jax.vmap(geometry.to_camera_axes))
    self._truths = {}

  @property
  def sets(self) -> list[str]:
    """Names of the sets, the main one first."""
    main = self._config.evaluation.main
    return sorted(self._sets, key=lambda name: name != main)

  def source(self, name: str) -> str:
    """NAME:SPLIT of a set, as `wild3d score --truth` takes it."""
    fields = self._config.evaluation.sets[name]
    split = fields.split
    if fields.limit and split.isidentifier():  # the first ones, without the rest
      split = f'{split}[:{self._sets[name].num_examples}]'
    return f'{self._config.datasets[fields.dataset].name}:{split}'

  def predict(
    self, net: Network, name: str, between: Callable[[], None] = lambda: None
  ) -> Predicted:
    """The network's predictions of a set, of all processes, and the truth.

    Args:
      net: the network.
      name: of the set.
      between: called before every batch; may raise to end it.

    Raises:
      UserError: samples are missing, or in another order than the truth's.
    """
    truth, batches = self._truth(name), self._sets[name]
    joints, seen = [], 0
    for batch in batches:
      between()
      ids = [id_.decode() for id_ in batch['id'][batch['weight'] > 0].tolist()]
      first = seen + jax.process_index() * len(batch['id'])
      if ids != truth.ids[first : first + len(ids)].tolist():
        raise UserError(f'{name}: the samples are in another order: build it again')
      put = mesh.put(
        {key: batch[key] for key in ('image', 'to_original', 'sight', 'weight')},
        self._devices,
      )
      found = net.predict(put.pop('image'))
      whole = jax.tree.map(np.asarray, self._whole(put))
      real = whole['weight'] > 0
      seen += int(real.sum())
      joints_mm, sight = found['joints_mm'], whole['sight']
      if net.perspective_correction:
        joints_mm = self._in_camera_axes(joints_mm, sight)
      else:
        sight = np.broadcast_to(np.array([0, 0, 1], np.float32), sight.shape)
      kept = (found['joints_crop'], joints_mm, whole['to_original'], sight)
      joints.append([array[real] for array in kept])
    if not seen == len(truth) == batches.num_examples:
      raise UserError(
        f'{name}: {seen} of {batches.num_examples} examples were read: build the '
        'dataset again'
      )
    return Predicted(
      truth, *(np.concatenate(parts) for parts in zip(*joints, strict=True))
    )

  def overview(self, found: Predicted) -> dict:
    """'examples', and row (the network, its baselines) -> entry -> value."""
    rows = {overview.NETWORK: found.predictions}
    guesses = self._means and baselines.applied(found.joints_crop, self._means)
    for row, crop in (guesses or {}).items():
      rows[row] = self.instead(found, crop)
    return {'examples': len(found.truth)} | {
      row: overview.figures(predictions, found.truth)
      for row, predictions in rows.items()
    }

  def instead(
    self, found: Predicted, joints_crop: Float[np.ndarray, 'N J 3']
  ) -> Predictions:
    """What `found.predictions` would be with other joints in the crops."""
    pixels = network.original_pixels(joints_crop, found.to_original)
    sized = self._millimetres(joints_crop.astype(np.float32))
    sized = self._in_camera_axes(sized, found.sight)
    return Predictions(skeleton.JOINTS, pixels, sized)

  def scores(self, net: Network, between: Callable[[], None] = lambda: None) -> dict:
    """Set -> overview of it; see overview.table.

    Args:
      net: the network.
      between: see `predict`.

    Raises:
      UserError: see `predict`.
    """
    return {
      name: self.overview(self.predict(net, name, between)) for name in self._sets
    }

  def samples(self, net: Network, name: str, count: int) -> list[dict]:
    """The first `count` examples of a set with their predictions, for pictures.

    Returns:
      Dicts: id; image, uint8; predicted2d, true2d [J, 2], px of it; visible [J], which
      are labelled; predicted3d, true3d [J, 3], mm, true3d None where it is not known.
    """
    samples, size = [], self._config.input_size

    def pixels(xy):
      return np.asarray(geometry.crop_to_pixels(jax.numpy.asarray(xy), size))

    for batch in self._sets[name]:
      rows = {key: batch[key] for key in BATCH_KEYS}
      found = net.predict(mesh.put(rows, self._devices)['image'])
      first = jax.process_index() * len(batch['id'])
      for i in np.flatnonzero(batch['weight'])[: count - len(samples)]:
        samples.append(
          {
            'id': batch['id'][i].decode(),
            'image': batch['image'][i],
            'predicted2d': pixels(found['joints_crop'][first + i, :, :2]),
            'true2d': pixels(batch['joints2d'][i]),
            'visible': batch['visible'][i],
            'predicted3d': found['joints_mm'][first + i],
            'true3d': batch['joints3d'][i] if batch['has3d'][i] else None,
          }
        )
      if len(samples) == count:
        break
    return samples

  def _in_camera_axes(self, joints_mm, sight):
    turned = self._turned_back(joints_mm.astype(np.float32), sight.astype(np.float32))
    return np.asarray(turned, np.float64)

  @functools.cached_property
  def _means(self):
    config = self._config
    if not (config.evaluation.baselines and config.sources):
      return None
    limit = config.evaluation.baseline_examples
    return baselines.means(
      (batch, source.role == '3d')
      for source in config.sources.values()
      for batch in sources.for_evaluation(config, source.dataset, source.split, limit)
    )

  def _truth(self, name):
    if name not in self._truths:
      truth = read_truth.read(
        self.source(name), str(files.absolute(self._config.data_dir))
      )
      limit = self._config.evaluation.sets[name].limit
      self._truths[name] = truth.first(limit) if limit else truth
    return self._truths[name]


# ---- The command.


def main(
  folder,
  wanted: str,
  protocol: str,
  set_name: str,
  out: str | None,
  page: str | None,
  overrides: list[str],
) -> None:
  """Restores, scores and prints; writes JSON and the HTML report if asked.

  Args:
    folder: of the run.
    wanted: 'best', 'latest' or a step.
    protocol: names with commas, to score one set by; '' for the overview of all sets.
    set_name: of config.evaluation.sets; '' for config.evaluation.main.
    out: JSON file, see protocols/scores_json.py.
    page: HTML file.
    overrides: --config.a.b=c arguments.

  Raises:
    UserError: an unknown protocol or set; see the readers and result.score.
  """
  chosen = protocols.named(protocol) if protocol else []
  net = network.load(folder, wanted, overrides)
  config, folder = net.config, folder or network.SHIPPED
  if not config.evaluation.sets:
    raise UserError('config.evaluation.sets is empty: nothing to score')
  if set_name and set_name not in config.evaluation.sets:
    raise UserError(
      f'config.evaluation.sets has no {set_name!r}: choose from '
      f'{", ".join(sorted(config.evaluation.sets))}'
    )
  only = set_name or (config.evaluation.main if protocol else '')
  evaluator = Evaluator(config, net.mesh, only)
  found = {name: evaluator.predict(net, name) for name in evaluator.sets}
  scored, views = {}, {}
  for name, one in found.items():
    usable = chosen or [
      p for p in overview.PROTOCOLS.values() if overview.usable(p, one.truth)
    ]
    wanted_results = chosen or out  # the intervals take a while
    scored[name] = [
      result.score(p, one.predictions, one.truth)
      for p in (usable if wanted_results else ())
    ]
    views[name] = {} if chosen else evaluator.overview(one)
  first = evaluator.sets[0]
  if chosen:
    number = len(found[first].truth)
    print(f'{folder}, step {net.step}: {number} samples of {evaluator.source(first)}')
    print(result.table(scored[first]))
  else:
    print(f'{folder}, step {net.step}')
    print(overview.table(views))
  header = {
    'workdir': str(folder),
    'step': net.step,
    'set': first,
    'truth': evaluator.source(first),
    'flip_test': config.evaluation.flip_test,
    'skeleton_mm': config.evaluation.skeleton_mm,
    'config': settings.as_json(config),
  }
  if out:
    others = {name: (scored[name], views[name]) for name in evaluator.sets[1:]}
    scores_json.write(scored[first], out, header, overview=views[first], others=others)
    print(f'written: {out}')
  if page and chosen:
    _write_scores(page, scored[first], found[first], evaluator.source(first), header)
  elif page:
    intro = f'Pictures: predictions of the checkpoint of step {net.step}.'
    write_report(page, folder, evaluator, net, intro)
  if page:
    print(f'written: {page}')


def _write_scores(page, results, found, source, header):
  from wild3d.pages import scores
  from wild3d.protocols.formats import dataset

  data_dir = str(files.absolute(header['config']['data_dir']))
  pictures = dataset.pictures(source, data_dir)
  scores.write(results, found.predictions, found.truth, page, pictures, header=header)


def write_report(
  page, folder, evaluator, net: Network, intro: str, count=12, claim=None
) -> None:
  """Writes the HTML report of a run, with pictures of its main set; see report.write."""
  from wild3d.pages import run_summary

  shown = evaluator.sets[0]
  run_summary.write(
    page,
    folder=epath.Path(folder),
    config=net.config,
    samples=evaluator.samples(net, shown, count),
    set_name=shown,
    intro=intro,
    command=f'wild3d evaluate --workdir={folder} --report={page}',
    claim=claim,
  )
