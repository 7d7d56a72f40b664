"""wild3d quickstart: the method in miniature, with nothing to download."""

import time

from wild3d.cli.parser import Parser

_PROTOCOLS = 'pose3d,pck_torso,geometry'
_PEOPLE = 3  # shown under each row
_COST = 'about a quarter of an hour on two cores'


def main(arguments) -> None:
  """Makes the data, trains, scores, reports."""
  parser = Parser(
    prog='wild3d quickstart',
    description='Makes the synthetic people, trains the three stages of a small '
    'network, scores the wild test split after each, and writes report.html. '
    'About ten minutes on two cores; the same command again resumes.',
    epilog='Any field of configs/quickstart.py can be set: --config.batch_size=16.',
  )
  parser.add_argument(
    '--workdir',
    default='runs/quickstart',
    help='folder for data, checkpoints and the report (default: %(default)s)',
  )
  parser.add_argument(
    '--ablation',
    action='store_true',
    help='train three more networks, without the 2D labels, without the geometric loss, '
    'without both, and show them side by side: in as long again',
  )
  options, overrides = parser.parse_overrides(arguments)

  from wild3d import files, settings
  from wild3d.configs import ablation, quickstart

  workdir = files.absolute(options.workdir)

  def configured(config, fields=()):
    config.data_dir = str(workdir / 'tfds')
    return settings.override(config, [*overrides, *fields])

  full = configured(quickstart.get_config())
  runs = {ablation.FULL: (full, workdir)}
  if options.ablation:
    if full.schedule != quickstart.get_config().schedule:
      parser.error('--ablation compares all three stages: leave out --config.schedule')
    print(f'four networks, one after the other: {_COST}', flush=True)
    runs |= _others(full, workdir, configured)
  started = time.monotonic()

  from wild3d import evaluate, network, train
  from wild3d.training import mesh

  mesh.split_cores(full.batch_size, full.evaluation.batch_size)
  for config, folder in runs.values():
    train.train(config, folder)
  page = workdir / 'report.html'
  net = network.load(options.workdir, 'latest')
  evaluator = evaluate.Evaluator(net.config, net.mesh)
  claim = None
  if options.ablation:
    folders = {name: runs[name][1] for name in ablation.CLAIM}
    claim = _claim(folders, evaluator)
  evaluate.write_report(
    page, options.workdir, evaluator, net, intro=_INTRO, claim=claim
  )
  print(f'{(time.monotonic() - started) / 60:.1f} minutes; report: {page}')
  print(
    f'its people: wild3d data browse {config.datasets.people.name} '
    f'--data_dir={config.data_dir} --out=people.html'
  )


def _others(full, workdir, configured):
  """The other rows of the claim: name -> (configuration, folder), in order of training.

  A row that differs from an earlier one in the last stage alone begins where that one
  had got, at the checkpoint before it.
  """
  from wild3d.configs import ablation

  *before, last = full.schedule
  at = sum(full.stages[stage].steps for stage in before)
  steps = full.stages[last].steps
  full.checkpoint.keep = max(full.checkpoint.keep, 2 + steps // full.checkpoint.every)
  head = full.model.depth_head
  runs = {ablation.FULL: (full, workdir)}
  for name in ablation.CLAIM:
    if name in runs:
      continue
    changed = ablation.fields(name, head)
    seen = ablation.seen(name, head, before[-1])
    for other, (_, folder) in runs.items():
      if seen == ablation.seen(other, head, before[-1]):
        changed |= {'init_from': f'{folder}/checkpoints/{at}', 'schedule': (last,)}
        break
    config = configured(ablation.get_config(), ablation.arguments(changed))
    config.checkpoint.keep = full.checkpoint.keep
    runs[name] = config, workdir / 'ablation' / name
  return runs


def _claim(folders, evaluator):
  """Scores the networks of the four rows on the main set, and prints their table."""
  from wild3d import files, network, protocols, settings
  from wild3d.pages import claim
  from wild3d.protocols import result, score_table, scores_json

  scores, samples, main = {}, {}, evaluator.sets[0]
  for name, folder in folders.items():
    net = network.load(folder, 'latest')
    found = evaluator.predict(net, main)
    results = [
      result.score(protocol, found.predictions, found.truth)
      for protocol in protocols.named(_PROTOCOLS)
    ]
    out = files.absolute(folder) / 'scores.json'
    header = {'workdir': str(folder), 'step': net.step, 'set': main}
    scores_json.write(results, out, header | {'config': settings.as_json(net.config)})
    scores[name] = scores_json.read(out)
    samples[name] = evaluator.samples(net, main, _PEOPLE)
  shown = claim.of(scores, samples)
  for table in shown.tables:
    print(score_table.markdown(*table), end='\n\n')
  return shown


_INTRO = """Three stages on synthetic people: heatmaps alone, then depth on lab images,
then the geometric loss on wild images, which have 2D labels only. The tables score the
wild test split, whose 3D truth training never sees.

'mean depth' and 'zero depth' take the network's own 2D joints and a depth that does not
look at the picture: what the depth module adds is the distance to them."""
