"""The watchdog: looks at what was served, opens and closes alerts, and acts, with brakes. On ports only."""
