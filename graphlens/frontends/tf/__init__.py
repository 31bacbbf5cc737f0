"""Capture from TensorFlow: graphs, functions, sessions, and its files."""
