"""Parameters with which tests calibrate simulated exposures of MIRI."""


def steps(config):
    """Parameters of steps: interference is removed and showers are found where there are any; none elsewhere."""
    if config.sca.instrument != "MIRI":
        return {}
    return {"emicorr": {"skip": not config.noise.interference}, "jump": {"find_showers": config.noise.showers > 0}}
