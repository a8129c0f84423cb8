"""A clinic of any size with five years behind it, always the same for the same day. `manage.py seed_load` makes it."""
