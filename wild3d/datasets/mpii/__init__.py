"""MPII Human Pose: the official .mat, the JSON of HRNet, the h5 of Newell et al."""
