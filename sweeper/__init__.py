"""From a grid to a finished, tracked and analysed sweep."""
