"""A run's report: its scores by stage, its curves, and pictures of its predictions."""

from etils import epath

from wild3d import losses
from wild3d.pages import report
from wild3d.protocols import baselines, overview
from wild3d.training import metric_writer


def write(
  path,
  *,
  folder: epath.Path,
  config,
  samples: list[dict],
  set_name: str,
  intro: str,
  command: str,
  claim: report.Claim | None = None,
) -> None:
  """Writes the HTML report of a run.

  Args:
    path: the HTML file.
    folder: the run's, holding metrics.jsonl.
    config: its configuration.
    samples: of Evaluator.samples.
    set_name: the evaluation set that the tables show.
    intro: text below the title.
    command: by which the report can be made again.
    claim: shown first.
  """
  lines = metric_writer.read(folder)
  report.write(
    path,
    title=f'wild3d: {folder.name}',
    intro=intro,
    stages=stage_tables(lines, config, set_name),
    curves=curves(lines),
    samples=samples,
    settings={'command': command, 'scored on': set_name, 'config': str(config)},
    metrics={name: entry[2:] for name, entry in overview.ENTRIES.items()},
    claim=claim,
  )


def stage_tables(lines: list[dict], config, set_name: str) -> list[dict]:
  """The last scores of each stage: dicts with name, step and rows."""
  prefix = f'eval/{set_name}/'
  tables = {}
  for line in lines:
    rows = {}
    for row in (overview.NETWORK, *baselines.NAMES):
      named = {m: line.get(f'{prefix}{row}/{m}') for m in overview.ENTRIES}
      rows[row] = {m: value for m, value in named.items() if value is not None}
    rows = {row: values for row, values in rows.items() if values}
    if rows:
      name = config.schedule[int(line['eval/stage'])]
      tables[name] = {'name': name, 'step': line['step'], 'rows': rows}
  return list(tables.values())


def curves(lines: list[dict]) -> dict[str, list[tuple[int, float]]]:
  """Name of a loss -> [(step, value), ...], without losses that are always 0."""
  result = {}
  for name in ('loss', *losses.TERMS):
    points = [
      (line['step'], line[f'train/{name}']) for line in lines if f'train/{name}' in line
    ]
    if any(value for _, value in points):
      result[name] = points
  return result
