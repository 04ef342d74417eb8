"""What is served: one ONNX graph and JSON, proven equal to the trained estimator."""
