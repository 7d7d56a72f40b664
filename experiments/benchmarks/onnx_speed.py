"""A network's forward pass beside the same network in ONNX Runtime, taking turns.

  python experiments/benchmarks/onnx_speed.py
  python experiments/benchmarks/onnx_speed.py --checkpoint=runs/photos --batches=1,8,32

Exports the network, runs both on random crops with --threads threads each, and prints the
medians of wall clock and processor time for each batch. ONNX Runtime's threads do not spin,
so that waiting is not counted as work; --spin lets them, which is its default. Results:
README.md here.
"""

import argparse
import os
import pathlib
import tempfile
import time

import numpy as np


def main():
  """Prints a Markdown row for each batch."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  add = parser.add_argument
  add('--checkpoint', default='', help='(default: the network that comes with wild3d)')
  add('--batches', default='1,8')
  add('--threads', type=int, default=os.cpu_count())
  add('--rounds', type=int, default=9)
  add('--spin', action='store_true')
  options = parser.parse_args()
  os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])

  import onnxruntime

  from wild3d import __main__ as wild3d
  from wild3d import network

  net = network.load(options.checkpoint, 'latest')
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, 'net.onnx')
    chosen = [f'--checkpoint={options.checkpoint}'] if options.checkpoint else []
    if wild3d.main(['export', *chosen, '--step=latest', f'--out={path}']):
      raise SystemExit('the export failed')
    fields = onnxruntime.SessionOptions()
    fields.intra_op_num_threads = options.threads
    spin = str(int(options.spin))
    fields.add_session_config_entry('session.intra_op.allow_spinning', spin)
    session = onnxruntime.InferenceSession(path, fields)
  name = session.get_inputs()[0].name
  print('| batch | | here, ms | ONNX Runtime, ms | ratio |\n|---|---|---|---|---|')
  for batch in map(int, options.batches.split(',')):
    shape = batch, net.input_size, net.input_size, 3
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    works = (
      lambda images=images: [np.asarray(x) for x in net.outputs(images)],
      lambda images=images: session.run(None, {name: images}),
    )
    rounds = np.array([[_time(w) for w in works] for _ in range(2 + options.rounds)])[
      2:
    ]
    for what, (here, there) in zip(
      ('wall', 'processor'), np.median(rounds, axis=0).T * 1e3, strict=True
    ):
      print(f'| {batch} | {what} | {here:.1f} | {there:.1f} | {there / here:.2f} |')


def _time(work):
  """Seconds of the wall, and of the processor."""
  start, cpu = time.perf_counter(), time.process_time()
  work()
  return time.perf_counter() - start, time.process_time() - cpu


if __name__ == '__main__':
  main()
