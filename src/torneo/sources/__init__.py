"""Where data comes from, one kind per file: `s3://…` is `sources/s3.py`; paths are `files`, databases `sql`.

A source is a module (or an object that an entry point of the group `torneo.sources` names) with two functions:

- `fingerprint(input, folders) -> str`: a digest of the content, never of a file's date;
- `extract(input, folders, target) -> Extract`: writes all columns as they came, plus `__line__`, to a Parquet file.
"""

from torneo.sources._corrected import read_corrected
from torneo.sources._read import fingerprint, read
from torneo.sources._records import Extract, Reading

__all__ = ["Extract", "Reading", "fingerprint", "read", "read_corrected"]
