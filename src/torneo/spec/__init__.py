"""What a project says, and the records that pass between stages: frozen data, no behaviour."""
