"""Trained networks for other programs: StableHLO, TensorFlow SavedModel, ONNX."""
