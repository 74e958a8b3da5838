"""The Python interface: what `import r1lite` offers to notebooks and scripts, and the run that every door begins."""

import warnings

# Importing transformers in a notebook without ipywidgets warns of tqdm's bars. r1lite draws its own.
warnings.filterwarnings("ignore", message="IProgress not found")
