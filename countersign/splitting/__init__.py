"""Which rows train and which are held out: seeded hold-outs, folds and resamples as a file that names the data by digest.

Standard library alone; npz files need numpy and Parquet files pyarrow, both in the extra `countersign[data]`. The same file,
method and seed give the same rows on every machine: see `countersign.splitting.drawing`.
"""

from countersign.splitting.making import split
from countersign.splitting.plan import CannotSplit, Part, Split, load_split

__all__ = ["CannotSplit", "Part", "Split", "load_split", "split"]
