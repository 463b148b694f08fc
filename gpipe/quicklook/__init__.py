"""Pictures of products, for a first look: pure functions, a model in, a figure out."""

from gpipe.quicklook.dq_picture import dq_picture
from gpipe.quicklook.look import look
from gpipe.quicklook.ramp_picture import ramp_picture
from gpipe.quicklook.rate_picture import pulls, rate_picture, save_rate_picture, unflagged

__all__ = ["dq_picture", "look", "pulls", "ramp_picture", "rate_picture", "save_rate_picture", "unflagged"]
