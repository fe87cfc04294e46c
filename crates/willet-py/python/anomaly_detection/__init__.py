"""The import paths of the streaming guide; everything lies in :mod:`willet`."""
