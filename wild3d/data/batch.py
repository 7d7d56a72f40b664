"""THE contract: one coordinate convention, and the keys of records and batches.

Axis letters, the same in every file:
  B batch, S stacks, H W height and width, J joints (16, `skeleton.JOINTS`),
  G bone groups, K bones of a group, T frames of one person, C colour channels.

Coordinates
  Image pixels   continuous: (0, 0) is the top left corner of the top left pixel,
                 whose centre is (0.5, 0.5); x right, y down. (1-based files such
                 as MPII's subtract 0.5; 0-based ones such as COCO's add 0.5.)
  Crop frame     1 unit = half the side of the square crop; origin at its centre;
                 x right, y down, z away from the camera, 0 at the root. The crop
                 spans [-1, 1] in x and y whatever its size in pixels.
  Millimetres    camera axes: x right, y down, z away from the camera.
  Sight axes     camera axes turned the shortest way, so that z points through the
                 crop's centre: as the camera would see who stood before it. With
                 config.perspective_correction networks learn 3D in them; what they
                 say is turned back where the camera is known.
  Root           the pelvis (joint 6).

Record: what a dataset builder writes, one person, one image (RECORD_KEYS).
Batch: what the pipeline yields and the training step takes (BATCH_KEYS).
"""

import numpy as np

# key -> (shape, dtype, meaning). Images are stored as square JPEG crops that
# leave a margin round the person for the augmentation.
RECORD_KEYS = {
  'id': ((), str, 'unique within the dataset; names the sample in messages'),
  'image': ((None, None, 3), np.uint8, 'RGB, JPEG-encoded square crop'),
  'joints2d': ((16, 2), np.float32, 'px of the stored image; 0 where unknown'),
  'labelled': ((16,), bool, 'a 2D position is given'),
  'occluded': ((16,), bool, 'known to be hidden; False where nothing is said'),
  'joints3d': ((16, 3), np.float32, 'mm, camera axes; 0 without 3D truth'),
  'has3d': ((), bool, 'joints3d, and joints2d of all joints, are true'),
  'center': ((2,), np.float32, 'px of the stored image: centre of the person box'),
  'side': ((), np.float32, 'px of the stored image: side of the square person box'),
  'head_size': ((), np.float32, 'px of the stored image: PCKh unit; 0 unknown'),
  'to_original': ((2, 3), np.float32, 'affine: stored px to px of the original'),
  'original_size': ((2,), np.int32, 'width, height of the original image, px'),
  'camera': ((4,), np.float32, 'fx, fy, cx, cy in px of the original; 0 unknown'),
  'distortion': ((5,), np.float32, 'k1, k2, k3, p1, p2, see datasets/camera.py'),
  'sequence': ((), str, 'one person filmed without a cut; empty for a still'),
  'frame': ((), np.int32, 'index within the sequence; 0 for a still'),
  'subject': ((), str, 'who; empty if unknown'),
  'action': ((), str, 'what they do; empty if unknown'),
}

# key -> (shape without the batch axis, dtype, meaning).
BATCH_KEYS = {
  'image': (('H', 'W', 3), np.uint8, 'RGB crop at the network input size'),
  'joints2d': ((16, 2), np.float32, 'crop frame'),
  # Occluded joints count. In evaluation also those outside the crop.
  'visible': ((16,), bool, 'labelled and inside the crop'),
  'joints3d': (
    (16, 3),
    np.float32,
    'mm, camera (or sight) axes, minus the root; else 0',
  ),
  'has3d': ((), bool, 'joints3d may be used; False for every 2D source'),
  'present': (
    (),
    bool,
    'a person is centred: False for negatives, which have no labels',
  ),
  'head_size': ((), np.float32, 'crop frame; 0 unknown'),
  'to_original': ((2, 3), np.float32, 'affine: crop frame to px of the original'),
  'clip_frame': ((), np.int32, 'position within a clip of T rows; -1 for a still'),
  'weight': ((), np.float32, '1 for an example, 0 for padding'),
  'source': ((), np.int32, "index into the pipeline's list of source names"),
}

# Beside them where config.lift_poses is above 0; its length is not that of the batch.
POSES = 'poses'  # [P, 16, 3] float32: mm, minus the root, of people without pictures

# Kept on the host: never sent to the device.
HOST_KEYS = {
  'id': ((), bytes, 'sample id'),
  'counter': ((), np.int64, "the example's number in the stream, from 0"),
  # (0, 0, 1) where the camera is not known; its lens is left out of account.
  'sight': ((3,), np.float32, "unit vector, camera axes, through the crop's centre"),
}
