"""The shared Greeks engine. Pure numpy, no I/O, knows no venue."""
