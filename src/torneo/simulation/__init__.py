"""Traffic that never was: changes of rows, of known size, and when each row comes. Knows no store and no server."""
