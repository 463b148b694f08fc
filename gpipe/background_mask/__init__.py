"""Find the pixels that show background: shared by clean_flicker_noise and picture_frame."""
