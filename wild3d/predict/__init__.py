"""From a photograph or a video to named 3D poses."""
