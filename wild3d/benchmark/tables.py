"""What was measured, as aligned text."""

from collections.abc import Sequence


def text(found: dict) -> str:
  """The tables of what run.benchmark found."""
  lines = [
    f'{found["config"]}, {found["input_size"]} px, {found["dtype"]}; '
    f'{found["devices"]} x {found["device_kind"]}, jax {found["jax"]}'
  ]
  if 'peak' in found:
    peak = found['peak']
    lines.append(f'peak {_si(peak["flops"])}FLOP/s ({peak["source"]})')
  if 'train' in found:
    lines.append(f'{found["train"]["parameters"]:,} parameters')
  rows = [('train', found['train'])] if 'train' in found else []
  rows += [('infer', each) for each in found.get('infer', ())]
  if rows:
    lines += ['', *_speeds(rows, found['peak']['flops'])]
  if 'input' in found:
    lines += ['', *_input(found)]
  if 'start' in found:
    lines += ['', *_start(found['start'])]
  memory = ', '.join(f'{name} {mb:.0f} MB' for name, mb in found['memory_mb'].items())
  return '\n'.join([*lines, '', f'peak memory: {memory}'])


def align(rows: Sequence[Sequence[str]]) -> list[str]:
  """Rows of cells as lines: the first column to the left, the others to the right."""
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  return [
    '  '.join(
      cell.rjust(width) if i else cell.ljust(width)
      for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ).rstrip()
    for row in rows
  ]


def _speeds(rows, peak):
  head = 'batch', 'images/s', 'lowest', 'highest', 'GFLOP/image', 'FLOP/s', 'of peak'
  table = [('', *head, 'compile s', 'step MB')]
  for name, row in rows:
    rate = row['images_per_second'] * row['flops']
    memory = row.get('step_memory_mb')
    table.append(
      (
        name,
        str(row['batch']),
        *(f'{row[key]:.4g}' for key in ('images_per_second', 'lowest', 'highest')),
        f'{row["flops"] / 1e9:.3g}',
        _si(rate),
        f'{rate / peak:.1%}',
        f'{row["compile_seconds"]:.1f}',
        '' if memory is None else f'{memory:.0f}',
      )
    )
  return align(table)


def _input(found):
  source, step = found['input'], found['train']['images_per_second']
  cores, needed = source['cores'], source['cores_needed']
  yield (
    f'input: {source["per_core"]:.0f} images/s a core, '
    f'{source["images_per_second"]:.0f} on the {cores} cores here; the step takes '
    f'{step:.4g}'
  )
  yield (
    f'the bottleneck is the {source["bottleneck"]}: the input keeps up from {needed} '
    f'{"core" if needed == 1 else "cores"} on'
  )
  if found['device_kind'] == 'cpu':
    share = step / source['per_core'] / cores
    yield (
      f'on a CPU both share the cores: {1 / (1 / step + share / step):.4g} images/s '
      f'together, {share / (1 + share):.0%} of the time for the input'
    )


def _start(stages):
  names = list(next(iter(stages.values())))
  head = ('start, s', *names)
  return align(
    [
      head,
      *((name, *(f'{took[n]:.1f}' for n in names)) for name, took in stages.items()),
    ]
  )


def _si(number):
  for power, prefix in ((1e15, 'P'), (1e12, 'T'), (1e9, 'G'), (1e6, 'M')):
    if number >= power:
      return f'{number / power:.3g} {prefix}'
  return f'{number:.3g} '
