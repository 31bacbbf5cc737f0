"""Capture from Keras models, on either of its backends."""
