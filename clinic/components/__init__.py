"""The components of the design system, registered for templates in `clinic/templatetags/ui.py`."""
