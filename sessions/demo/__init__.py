"""The demo clinic: invented people and four weeks around today, always the same. `manage.py seed_demo` makes it."""

PASSWORD = "demo-clinic-2026"  # noqa: S105 - printed by bin/up; the demo refuses to exist beside real data
