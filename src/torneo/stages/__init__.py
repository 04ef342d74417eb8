"""The steps of a run, one function each; none knows another."""
