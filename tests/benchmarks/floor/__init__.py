"""The floor: the smallest Django application that does the measured work, on the same driver, server and machine.

It signs in as usual (sessions in the database, CSRF, messages), asks one query for a day and renders a row for each
appointment; its search asks one trigram query. Whatever our pages do beyond that shows as a ratio to these figures.
`tables.sql` fills its own database with 100,000 patients and 1,000,800 appointments; `app.py` serves it.
"""
