"""The demo clinic: invented people and four weeks around today, always the same. `manage.py seed_demo` makes it."""
