"""The files of a run directory (formats: see README), one module each: its type, how it is written, how it is read.

What others publish is read in `moerae.imports`. Nobody else opens HDF5.
"""
