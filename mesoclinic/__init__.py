"""The roof: settings, root urls, the task app, and what starts it all. Nobody imports it."""
