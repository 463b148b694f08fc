"""Files and models: reading exposures, writing products."""
