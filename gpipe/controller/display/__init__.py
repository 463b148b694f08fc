"""Steps and pipelines as people see them: signatures, help, and one line or a table for an instance."""
