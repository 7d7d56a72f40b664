"""MPII Human Pose and data in its JSON form."""
