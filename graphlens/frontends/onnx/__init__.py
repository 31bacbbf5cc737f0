"""Capture from ONNX files, of every opset."""
