"""What the figures share: palette, style, families of trials, laws and the view."""
