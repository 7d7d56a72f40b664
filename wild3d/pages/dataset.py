"""A page of samples of a built dataset, to look at: `wild3d data browse`."""

import base64
import io
import os
import pathlib
from html import escape

import numpy as np
from PIL import Image

from wild3d import files
from wild3d.data import records
from wild3d.datasets.verify import measures
from wild3d.draw import pixels, svg
from wild3d.errors import UserError
from wild3d.pages import page as page_frame
from wild3d.skeleton import JOINTS

_CONVENTION = (
  'Pixels are continuous, (0, 0) the corner of the top left pixel, x right, y down; '
  '3D is in mm in camera axes, x right, y down, z away from the camera, drawn minus '
  "the pelvis. Left and right are the person's own."
)


def write(
  name: str,
  data_dir: str | os.PathLike,
  out: str | os.PathLike,
  *,
  split: str = '',
  count: int = 24,
  seed: int = 0,
) -> None:
  """Writes one HTML file that needs nothing else; whole or not at all.

  Args:
    name: dataset or dataset/configuration.
    data_dir: folder of built datasets.
    out: the HTML file; its folder is made if need be.
    split: to draw samples from; '' for some of each.
    count: samples, fewer where the dataset has fewer.
    seed: chooses them.

  Raises:
    UserError: no such dataset or split; `out` is a folder or cannot be written; count
      or seed is out of range.
  """
  out = pathlib.Path(out).expanduser()
  if out.is_dir():
    raise UserError(f'--out={out} is a folder: give the name of the HTML file to write')
  if not 1 <= count <= 2000 or seed < 0:
    raise UserError(
      f'--count must be 1 to 2000 and --seed at least 0, got {count} and {seed}'
    )
  builder = records.find(name, pathlib.Path(data_dir).expanduser())
  sizes = {s: info.num_examples for s, info in builder.info.splits.items()}
  splits = {split: records.count(builder, split)} if split else sizes
  chosen = _choose(splits, count, seed)
  cards = [
    _card(of, record)
    for of, places in chosen.items()
    for record in _at(builder, of, places)
  ]
  files.write(out, _page(builder.info, sizes, cards, seed))


def _choose(sizes, count, seed):
  """Split -> sorted places, as even over the splits as their sizes allow."""
  rng = np.random.default_rng(seed)
  shares = dict.fromkeys(sizes, 0)
  for _ in range(min(count, sum(sizes.values()))):
    open_ones = [split for split in sizes if shares[split] < sizes[split]]
    shares[min(open_ones, key=shares.get)] += 1
  return {
    split: sorted(rng.choice(sizes[split], size=share, replace=False).tolist())
    for split, share in shares.items()
    if share
  }


def _at(builder, split, places):
  """The records at these places; only their shards are read, and up to them."""
  wanted = '+'.join(f'{split}[{place}:{place + 1}]' for place in places)
  return records.in_order(builder, wanted).as_numpy_iterator()


def _card(split, record):
  name = record['id'].decode('utf-8', 'replace')
  tags = [split, record['subject'].decode(), record['action'].decode()]
  if record['sequence']:
    tags.append(f'frame {record["frame"]}')
  tags += ['3D' if record['has3d'] else '2D only']
  chips = ''.join(f'<span>{escape(tag)}</span>' for tag in tags if tag)
  solid = ''
  if record['has3d']:
    front, side = svg.views(record['joints3d'])
    solid = (
      f'<div class="views"><figure>{front}<figcaption>front'
      f'</figcaption></figure><figure>{side}<figcaption>side, camera on the left'
      '</figcaption></figure></div>'
    )
  return (
    f'<article>{_picture(record, name)}{solid}<h3>{escape(name)}</h3>'
    f'<p class="chips">{chips}</p><p class="note">{_box(record)}</p></article>'
  )


def _picture(record, name):
  try:
    with Image.open(io.BytesIO(record['image'])) as picture:
      size = picture.size
  except OSError:
    return '<p class="broken">The picture cannot be decoded.</p>'
  box = (*record['center'].tolist(), float(record['side']))
  drawn = svg.overlay(
    record['joints2d'], record['labelled'], record['occluded'], size, box
  )
  data = base64.b64encode(record['image']).decode()
  return (
    f'<div class="crop" style="aspect-ratio:{size[0]}/{size[1]}">'
    f'<img src="data:image/jpeg;base64,{data}" alt="{escape(name)}">{drawn}</div>'
  )


def _box(record):
  """Where the person is in the original picture."""
  x, y = measures.to_original(record['center'], record['to_original'])
  pitch = float(np.sqrt(abs(np.linalg.det(record['to_original'][:, :2]))))
  width, height = record['original_size']
  return (
    f'box {pitch * record["side"]:.0f} px at ({x:.0f}, {y:.0f}) of '
    f'{width} × {height} px · {int(record["labelled"].sum())}/{len(JOINTS)} joints'
  )


def _page(info, sizes, cards, seed):
  left_out = dict((info.metadata or {}).get('left_out', {}))
  rows = [(split, f'{number:,}') for split, number in sizes.items()]
  tables = _table('Records', rows)
  if left_out:
    reasons = [(reason, f'{number:,}') for reason, number in sorted(left_out.items())]
    tables += _table('Left out by the builder', reasons)
  names = ''.join(f'<li>{name.replace("_", " ")}</li>' for name in JOINTS)
  swatches = ''.join(
    f'<span><i class="{side}"></i>{text}</span>'
    for side, text in (
      ('left', "the person's left"),
      ('right', "the person's right"),
      ('trunk', 'trunk and head'),
      ('hollow', 'occluded joint'),
      ('dashed', 'person box'),
    )
  )
  total = sum(sizes.values())
  style = _STYLE.format(**{side: f'rgb{rgb}' for side, rgb in pixels.COLOURS.items()})
  body = _BODY.format(
    title=escape(info.full_name),
    lead=f'{len(cards):,} of {total:,} records, drawn at random (seed {seed}).',
    convention=escape(_CONVENTION),
    tables=tables,
    figure=svg.legend(),
    names=names,
    swatches=swatches,
    cards='\n'.join(cards),
  )
  return page_frame.page(info.full_name, style, body)


def _table(title, rows):
  body = ''.join(
    f'<tr><th scope="row">{escape(key)}</th><td>{escape(value)}</td></tr>'
    for key, value in rows
  )
  return f'<div><h2>{title}</h2><table>{body}</table></div>'


_BODY = """<header><h1>{title}</h1><p>{lead}</p><p class="note">{convention}</p></header>
<section class="facts">{tables}
<div class="joints"><h2>Joints</h2><div>{figure}<ol start="0">{names}</ol></div></div>
</section>
<p class="legend">{swatches}
<label><input type="checkbox" id="plain"> pictures without drawing</label></p>
<section class="cards">
{cards}
</section>
"""

_STYLE = """
:root {{ --left: {left}; --right: {right}; --trunk: {trunk}; }}
h1 {{ font-size: 1.8rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }}
h2 {{ font-size: .8rem; margin: 0 0 .5rem; color: var(--soft); font-weight: 600;
 text-transform: uppercase; letter-spacing: .05em; }}
h3 {{ font: 600 .82rem/1.35 ui-monospace, 'SF Mono', Menlo, monospace;
 margin: .7rem .8rem .35rem; overflow-wrap: anywhere; }}
header p {{ max-width: 56rem; margin: .2rem 0; }}
.note {{ color: var(--soft); font-size: .82rem; }}
.facts {{ display: flex; flex-wrap: wrap; gap: 2rem 3.5rem; margin: 1.6rem 0 1.2rem;
 padding: 1.1rem 1.3rem; background: var(--card); border-radius: 12px; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums;
 font-size: .9rem; }}
th, td {{ padding: .2rem 0; border-bottom: 1px solid var(--line); }}
th {{ text-align: left; font-weight: normal; padding-right: 2rem;
 overflow-wrap: anywhere; }}
td {{ text-align: right; }}
.joints > div {{ display: flex; gap: 1.5rem; align-items: center; }}
.legend-figure {{ height: 11rem; }}
.legend-figure text {{ fill: #fff; font-weight: 600; }}
ol {{ columns: 2; column-gap: 2rem; margin: 0; padding-left: 1.6rem; font-size: .82rem; }}
.legend {{ font-size: .88rem; }}
.legend span {{ display: inline-block; margin-right: 1.3rem; }}
.legend i {{ display: inline-block; width: 1.4em; height: .5em; border-radius: .25em;
 margin-right: .45em; vertical-align: .1em; }}
.legend .left {{ background: var(--left); }}
.legend .right {{ background: var(--right); }}
.legend .trunk {{ background: var(--trunk); }}
.legend .hollow {{ width: .75em; height: .75em; border: 2px solid var(--soft);
 border-radius: 50%; vertical-align: -.05em; }}
.legend .dashed {{ width: .85em; height: .85em; border: 1.5px dashed var(--soft);
 border-radius: 0; vertical-align: -.1em; }}
.legend label {{ float: right; color: var(--soft); cursor: pointer; }}
.cards {{ display: grid; gap: 1rem; align-items: start;
 grid-template-columns: repeat(auto-fill, minmax(min(100%, 290px), 1fr)); }}
article {{ background: var(--card); border-radius: 12px; overflow: hidden;
 padding-bottom: .8rem; }}
.crop {{ position: relative; overflow: hidden; background: #000; }}
.crop img, .crop svg {{ position: absolute; inset: 0; width: 100%; height: 100%; }}
main:has(#plain:checked) .overlay {{ visibility: hidden; }}
.views {{ display: grid; grid-template-columns: 1fr 1fr; background: #fff; }}
figure {{ margin: 0; }}
figure + figure {{ border-left: 1px solid #e6e8eb; }}
.views svg {{ display: block; width: 100%; height: auto; }}
.views text {{ fill: #8b94a1; }}
figcaption {{ color: #5c6675; font-size: .72rem; text-align: center;
 padding: .15rem 0 .3rem; }}
.floor {{ fill: #f0f1f3; }}
.scale {{ stroke: #8b94a1; }}
line {{ stroke-linecap: round; }}
line.edge {{ stroke: #fff; stroke-opacity: .85; }}
line.left {{ stroke: var(--left); }} line.right {{ stroke: var(--right); }}
line.trunk {{ stroke: var(--trunk); }}
circle {{ stroke: #fff; }}
circle.left {{ fill: var(--left); }} circle.right {{ fill: var(--right); }}
circle.trunk {{ fill: var(--trunk); }}
circle.hollow {{ fill: #fff; }}
circle.left.hollow {{ stroke: var(--left); }}
circle.right.hollow {{ stroke: var(--right); }}
circle.trunk.hollow {{ stroke: var(--trunk); }}
.legend-figure circle {{ stroke: none; }}
.box {{ fill: none; stroke: #fff; stroke-opacity: .8; stroke-width: 1.2;
 stroke-dasharray: 5 4; vector-effect: non-scaling-stroke; }}
.chips {{ margin: 0 .8rem .35rem; display: flex; flex-wrap: wrap; gap: .3rem; }}
.chips span {{ border: 1px solid var(--line); border-radius: 1em; padding: 0 .6em;
 font-size: .74rem; background: var(--paper); }}
article .note {{ margin: 0 .8rem; font-size: .76rem; }}
.broken {{ aspect-ratio: 1; display: grid; place-items: center; margin: 0;
 color: var(--soft); }}
"""
