"""A checkpoint of a run, scored by protocols: `wild3d evaluate --protocol=...`."""

import numpy as np

from wild3d import evaluate, files, network, protocols, settings
from wild3d.errors import UserError
from wild3d.pages import scores
from wild3d.protocols import of_model, read_truth, result
from wild3d.protocols.formats import dataset


def main(
  folder,
  wanted: str,
  names: list[str],
  set_name: str,
  out: str | None,
  html: str | None,
  overrides: list[str],
) -> None:
  """Restores, predicts once, scores by every protocol and prints the tables.

  Args:
    folder: of the run.
    wanted: 'best', 'latest' or a step.
    names: protocols.
    set_name: of config.evaluation.sets; '' for config.evaluation.main.
    out: JSON file to write, or None.
    html: HTML file to write, or None.
    overrides: --config.a.b=c arguments.

  Raises:
    UserError: an unknown protocol or set; see the readers and result.score.
  """
  chosen = [protocols.get(name) for name in names]
  if len({protocol.name for protocol in chosen}) < len(names):
    raise UserError(
      f'--protocol={",".join(names)}: names a protocol twice; give it once'
    )
  config, at, model, variables, devices = network.restore(folder, wanted, overrides)
  set_name = set_name or config.evaluation.main
  if set_name not in config.evaluation.sets:
    raise UserError(
      f'config.evaluation.sets has no {set_name!r}: choose from '
      f'{", ".join(sorted(config.evaluation.sets))}'
    )
  fields = config.evaluation.sets[set_name]
  with config.unlocked():
    config.evaluation.sets = {set_name: fields.to_dict()}
    config.evaluation.main = set_name
  evaluator = evaluate.Evaluator(config, model, devices)
  found = evaluator.predictions(variables, set_name)
  source = f'{config.datasets[fields.dataset].name}:{fields.split}'
  data_dir = str(files.absolute(config.data_dir))
  truth = read_truth.read(source, data_dir)
  ids = np.array([id.decode() for id in found['id'].tolist()], str)
  if len(ids) < len(truth) and fields.limit:
    truth = truth.first(len(ids))
  if not np.array_equal(ids, truth.ids):
    raise UserError(
      f'{source}: {len(ids)} predictions for {len(truth)} samples, or in another order'
    )
  predictions = of_model.to_units(
    found['joints2d'],
    found['depth'],
    found['to_original'],
    config.evaluation.skeleton_mm,
  )
  print(f'{folder}, step {at}: {len(ids)} samples of {source}')
  results = [result.score(protocol, predictions, truth) for protocol in chosen]
  print(result.table(results))
  header = {
    'workdir': str(folder),
    'step': at,
    'truth': source,
    'flip_test': config.evaluation.flip_test,
    'skeleton_mm': config.evaluation.skeleton_mm,
    'config': settings.as_json(config),
  }
  if out:
    result.write_json(results, out, header)
    print(f'written: {out}')
  if html:
    pictures = dataset.pictures(source, data_dir)
    scores.write(results, predictions, truth, html, pictures, header=header)
    print(f'written: {html}')
