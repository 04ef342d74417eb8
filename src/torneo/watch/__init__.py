"""The statistics of watching: sketches, drift, windows, performance. Pure functions; nothing here reads or writes."""
