"""Groups of exposures that are worked on together, and the storage of their pixels."""
