"""Pictures of count-rate products, for a first look."""

from gpipe.quicklook.rate_picture import pulls, save_rate_picture

__all__ = ["pulls", "save_rate_picture"]
