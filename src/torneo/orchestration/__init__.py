"""Who runs the plan."""
