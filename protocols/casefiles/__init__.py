"""Clinical case files: a patient, a plan, a day in YAML, and what the rules must answer. Format: docs/case-files.md.

`reading` turns files into cases, `running` runs them against a catalogue, `wording` says what differed. Each kind of
case has a module of its own (`screening`, `mixture`, `course`, `aftercare`, `messages`). Pure.
"""
