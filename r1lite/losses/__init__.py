"""What is minimised. Pure: tensors in, tensors out; no model, no config, no I/O. Open to all."""
