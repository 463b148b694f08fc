"""Code of users that a run calls: hooks, and a ``process`` of their own."""
