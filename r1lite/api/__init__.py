"""The Python interface, for notebooks and scripts; pipeline.py runs the stages, also for the command line."""

import warnings

# In a notebook without ipywidgets, importing transformers warns about tqdm's progress bars. r1lite has its own.
warnings.filterwarnings("ignore", message="IProgress not found")
