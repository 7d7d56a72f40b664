"""Predictor: pictures in, named 3D poses out."""

import os
from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from wild3d import __version__, network
from wild3d.errors import UserError
from wild3d.media import image_file
from wild3d.models.pose3d import Outputs
from wild3d.network import Network
from wild3d.poses import angles
from wild3d.poses.pose import Box, Camera, Header, Picture, Pose
from wild3d.predict import boxes as box_lib
from wild3d.predict import camera_space, crop, detect
from wild3d.predict.poses import Poses
from wild3d.training import mesh

# Crops in one call of the network; fewer are faster on a processor: docs/predict.md.
BATCH, CPU_BATCH = 32, 8

PictureLike = str | os.PathLike | Image.Image | np.ndarray


class Predictor:
  """A trained network, ready for pictures of any size.

  Attributes:
    trained: the network.
    input_size: px, side of what the network sees.
    skeleton_mm: sum of the 14 bones that every pose is scaled to.
    fingerprint: 12 hexadecimal digits of a hash of the parameters.
    step: of the checkpoint.
    refine: sub-pixel rule in use.
    batch: crops in one call of the network, at most.
    tells_presence: whether it says if a person is centred in a crop.
  """

  def __init__(self, trained: Network, batch: int | None = None, name: str = ''):
    """Of a network; see `from_checkpoint`.

    Args:
      trained: the network.
      batch: crops in one call of it, at most; None: what suits the device.
      name: what files say that it was read from.

    Raises:
      UserError: `batch` is below 1.
    """
    if batch is None:
      batch = CPU_BATCH if jax.default_backend() == 'cpu' else BATCH
    if batch < 1:
      raise UserError(f'batch is {batch}: give 1 or more')
    self.batch, self.name = batch, name
    self.trained, self._glance = trained, trained.with_flip_test(False)
    self._detectors = {}
    self.input_size = trained.input_size
    self.skeleton_mm = trained.skeleton_mm
    self.step = trained.step
    self.refine, self.flip_test = trained.refine, trained.flip_test
    self.fingerprint = trained.fingerprint
    self.tells_presence = trained.model.presence

  @classmethod
  def from_checkpoint(
    cls,
    path: str | os.PathLike = '',
    wanted: str = 'best',
    *,
    refine: str | None = None,
    flip_test: bool | None = None,
    skeleton_mm: float | None = None,
    batch: int | None = None,
  ) -> 'Predictor':
    """Restores the network of a run.

    Args:
      path: folder of a run or of `wild3d convert`, or a file of weights; '': see
        `default`.
      wanted: 'best', 'latest' or a step.
      refine: sub-pixel rule of heatmaps.decode; None takes the configuration's.
      flip_test: whether poses are the mean over the picture and its mirror image; None
        takes the configuration's.
      skeleton_mm: sum of the 14 bones of every pose; None: the configuration's.
      batch: crops in one call of the network, at most; None: what suits the device.

    Raises:
      UserError: there is no such run or step, or `batch` is below 1.
    """
    changed = []
    if flip_test is not None:
      changed.append(f'--config.evaluation.flip_test={flip_test}')
    if refine is not None:
      changed.append(f'--config.evaluation.refine={refine}')
    if skeleton_mm is not None:
      changed.append(f'--config.evaluation.skeleton_mm={float(skeleton_mm)}')
    name = str(path) or network.SHIPPED
    return cls(network.load(path, wanted, changed), batch, name)

  @classmethod
  def default(cls, **how) -> 'Predictor':
    """The network that comes with wild3d, see docs/model-card.md; `how` as above."""
    return cls.from_checkpoint(**how)

  def network(
    self, images: UInt8[np.ndarray, 'B H W 3'] | UInt8[jax.Array, 'B H W 3']
  ) -> Outputs:
    """Heatmaps of every stack, depths in crop units, and presence, of crops.

    Args:
      images: RGB, input_size x input_size. Compiled once for each B.

    Raises:
      UserError: they are of another form or size, or there are none.
    """
    _check_crops(images, self.input_size)
    return self.trained.outputs(images)

  def predict(
    self,
    picture: PictureLike | Sequence[PictureLike],
    boxes: Sequence | None = None,
    camera: Camera | None = None,
    detector: str = 'auto',
  ) -> Poses | list[Poses]:
    """Poses of the people in a picture, or in each of a list of pictures.

    Args:
      picture: a path, a picture of Pillow, or uint8 RGB [H, W, 3], of any size; or a
        list of such, which share calls of the network.
      boxes: one for each person, a Box or left, top, width, height in px; of a list of
        pictures, such boxes for each. None: the people that `detector` finds.
      camera: of the pictures; None: of `camera_space.ASSUMED_FOV`, the centre in the
        middle.
      detector: see detect.chosen and detect.make.

    Returns:
      Poses: a sequence of Pose with `save`, `draw` and `joints`; a list of them for a
      list.

    Raises:
      UserError: a picture cannot be read or is of another form; a box has no extent or
        lies outside of the picture; the detector is unknown or not installed.
    """
    many = isinstance(picture, list | tuple)
    named = [image_file.of(one) for one in (picture if many else [picture])]
    images = [image for _, image in named]
    for image in images:
      _check_picture(image)
    known = 'given'
    if boxes is None:
      known = detect.chosen(detector)
      boxes = [self._people(image, known) for image in images]
    elif not many:
      boxes = [boxes]
    cameras = [camera or camera_space.camera_of(*i.shape[1::-1]) for i in images]
    said = 'given' if camera else camera_space.told()
    header = self.header(detector=known, camera=said)
    found = [
      Poses(
        header,
        Picture(name, *image.shape[1::-1], tuple(poses), camera=view),
        np.asarray(image),
      )
      for (name, image), view, poses in zip(
        named, cameras, self.predict_many(images, boxes, cameras), strict=True
      )
    ]
    return found if many else found[0]

  def _people(self, image, detector):
    """Boxes that a detector finds; None of 'whole', who is looked at twice."""
    if detector == 'whole':
      return None
    if detector not in self._detectors:
      self._detectors[detector] = detect.make(detector, self)
    return self._detectors[detector](image)

  def header(
    self,
    *,
    detector: str,
    camera: str,
    height: float | None = None,
    smooth: bool = False,
    fps: float | None = None,
  ) -> Header:
    """What a file says of poses by this network; see Header. `height` is in metres."""
    return Header(
      checkpoint=f'{self.name}, step {self.step}',
      fingerprint=self.fingerprint,
      scale='skeleton' if height is None else 'height',
      skeleton_mm=self.skeleton_mm,
      height_mm=None if height is None else 1000.0 * height,
      detector=detector,
      refine=self.refine,
      flip_test=self.flip_test,
      smooth=smooth,
      fps=fps,
      version=__version__,
      trained_on=', '.join(self.trained.trained_on),
      camera=camera,
    )

  def predict_many(
    self,
    images: Sequence[UInt8[np.ndarray, '_ _ 3']],
    boxes: Sequence[Sequence[box_lib.BoxLike] | None],
    cameras: Sequence[Camera | None] | None = None,
  ) -> list[list[Pose]]:
    """Poses of the people in several pictures, whose crops share batches.

    Args:
      images: RGB, of any sizes.
      boxes: of the people in each picture. None takes the whole picture for one
        person's box, and then the box of the joints found there.
      cameras: of each picture; None: of none, and there is no `joints_camera`.

    Raises:
      UserError: see `predict`.
    """
    cameras = cameras or [None] * len(images)
    crops, places = [], []
    if not len(images) == len(boxes) == len(cameras):
      raise UserError(
        f'{len(images)} images, boxes of {len(boxes)} and {len(cameras)} cameras: give '
        'as many of each'
      )
    for image in images:
      _check_picture(image)
    alone = [image for image, here in zip(images, boxes, strict=True) if here is None]
    first = iter(self._first_look(alone) if alone else ())
    boxes = [[next(first)] if here is None else here for here in boxes]
    for image, here, camera in zip(images, boxes, cameras, strict=True):
      for rank, box in enumerate(map(box_lib.as_box, here)):
        affine = crop.to_original(box.xywh)
        crop.check_inside(box.xywh, *image.shape[1::-1])
        crops.append(crop.cut(image, affine, self.input_size))
        places.append((box, affine, rank, camera))
    found = self.of_crops(crops) if crops else {}
    turned = self.trained.perspective_correction
    poses = iter(
      _pose(*place, {key: value[i] for key, value in found.items()}, turned)
      for i, place in enumerate(places)
    )
    return [[next(poses) for _ in here] for here in boxes]

  def _first_look(self, images):
    """A box for each picture: of the joints that are found in the whole of it."""
    sizes = [image.shape[1::-1] for image in images]
    whole = [Box((0.0, 0.0, float(w), float(h)), source='whole') for w, h in sizes]
    found = self.predict_many(images, [[box] for box in whole])
    return [
      box_lib.around(pose.joints2d, *size, None, 'whole') or box
      for (pose,), size, box in zip(found, sizes, whole, strict=True)
    ]

  def decoded(self, outputs: Outputs) -> dict[str, np.ndarray]:
    """What `Network.predict` gives, from outputs of `network`."""
    return self.trained.decoded(outputs)

  def of_crops(
    self, crops: list[UInt8[np.ndarray, 'S S 3']], glance: bool = False
  ) -> dict[str, np.ndarray]:
    """Decoded outputs of crops at input size, in batches of few sizes.

    Args:
      crops: RGB, at least one.
      glance: never look at the mirror image: half the time, for those who look for
        people in many windows.

    Returns:
      See `Network.predict`.

    Raises:
      UserError: there are none.
    """
    if not len(crops):
      raise UserError('crops: none are given; give at least one')
    parts, trained = [], self._glance if glance else self.trained
    for start in range(0, len(crops), self.batch):
      images = np.stack(crops[start : start + self.batch])
      # Few shapes, as each is compiled for seconds: a power of two, or, of crops for
      # which a whole batch has been compiled already, a whole one. Devices share it.
      room = min(1 << (len(images) - 1).bit_length(), self.batch)
      room = self.batch if start else room
      devices = trained.mesh
      room = -(-room // devices.size) * devices.size
      padded = np.zeros((room, *images.shape[1:]), np.uint8)
      padded[: len(images)] = images
      found = trained.predict(mesh.put({'image': padded}, devices)['image'])
      parts.append({key: value[: len(images)] for key, value in found.items()})
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _check_picture(image):
  shape, dtype = np.shape(image), getattr(image, 'dtype', type(image).__name__)
  if len(shape) != 3 or shape[2] != 3 or dtype != np.uint8 or 0 in shape:
    raise UserError(
      f'image: expected uint8 RGB [H, W, 3], got {dtype} {list(shape)}; a path or a '
      'picture of Pillow is taken as well'
    )


def _check_crops(images, size):
  shape, dtype = np.shape(images), getattr(images, 'dtype', type(images).__name__)
  if shape[1:] != (size, size, 3) or dtype != np.uint8 or shape[0] == 0:
    raise UserError(
      f'images: expected uint8 RGB [B, {size}, {size}, 3] of at least one crop, got '
      f'{dtype} {list(shape)}'
    )


def _pose(box, affine, rank, camera, found, turned):
  joints2d = network.original_pixels(found['joints_crop'], affine)
  in_space = None
  if camera is not None:
    if turned:
      joints_mm = camera_space.turned_back(found['joints_mm'], affine[:, 2], camera)
      found = found | {'joints_mm': joints_mm}
    weights = found['scores'] + 1e-3
    in_space = camera_space.before_camera(found['joints_mm'], joints2d, camera, weights)
  return Pose(
    joints2d=joints2d,
    scores=found['scores'],
    joints_crop=found['joints_crop'],
    joints_mm=found['joints_mm'],
    to_original=affine,
    box=box,
    joints_camera=in_space,
    person=rank,
    presence=float(found['presence']) if 'presence' in found else None,
    angles=angles.of(found['joints_mm']),
  )
