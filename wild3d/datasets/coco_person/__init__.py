"""COCO keypoints, and the way in for your own data: see docs/your-own-data.md."""
