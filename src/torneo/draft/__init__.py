"""From a data file to a first project.yaml: what the file is, what its columns are, and what to beware of."""
