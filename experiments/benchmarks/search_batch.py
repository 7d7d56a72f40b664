"""How many windows in one call of the network: time to find the people of a picture.

  python experiments/benchmarks/search_batch.py photo.jpg [--batches=8,16,32]

The sizes take turns, so that other work on the machine meets all of them.
"""

import argparse
import time

import numpy as np
from PIL import Image

from wild3d.media import image_file
from wild3d.predict import search
from wild3d.predict.predictor import Predictor


def main():
  """Prints a line for each size."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('picture')
  parser.add_argument('--batches', default='8,16,32')
  parser.add_argument('--rounds', type=int, default=15)
  flags = parser.parse_args()
  image = Image.fromarray(image_file.read(flags.picture)).resize((640, 480))
  image, trained = np.asarray(image), Predictor.default().trained
  predictors = [Predictor(trained, int(batch)) for batch in flags.batches.split(',')]
  times = {predictor.batch: [] for predictor in predictors}
  for turn in range(flags.rounds + 2):  # two to compile
    for predictor in predictors:
      clocks = np.array([time.perf_counter(), time.process_time()])
      predictor.predict(image, search.make(predictor)(image))
      if turn >= 2:
        now = time.perf_counter(), time.process_time()
        times[predictor.batch].append(1000 * (now - clocks))
  for batch, taken in times.items():
    wall, processor = np.median(taken, axis=0)
    print(f'batch {batch}: median {wall:.0f} ms, processor time {processor:.0f} ms')


if __name__ == '__main__':
  main()
