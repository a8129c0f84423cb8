"""The first account of an empty installation: a manager of all sites, who then invites everybody else."""
from __future__ import annotations

import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from clinic import audit
from clinic.choices import Role
from clinic.doer import SYSTEM
from clinic.models import Organisation, StaffRole, User


class Command(BaseCommand):
    help = "Make the first manager and, if there is none, the organisation. Refuses once somebody has an account."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", required=True, help="Name as staff read it")
        parser.add_argument("--clinic", default="", help="Name of the organisation, if there is none yet")
        parser.add_argument("--language", default="en", choices=["en", "tr"])
        parser.add_argument("--password-stdin", action="store_true", help="Read the password from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.exists():
            raise CommandError("Somebody has an account already. A manager invites further staff on the staff page.")
        if not Organisation.objects.exists() and not options["clinic"]:
            raise CommandError("Say the name of the clinic: --clinic \"Halden Clinic\".")
        user = User(email=options["email"].strip().lower(), name=options["name"].strip(), language=options["language"])
        password = input() if options["password_stdin"] else self.ask()
        try:
            validate_email(user.email)
            validate_password(password, user)
        except ValidationError as wrong:
            raise CommandError(" ".join(wrong.messages)) from wrong
        self.make(user, password, options["clinic"])
        self.stdout.write(self.style.SUCCESS(f"{user.name} can sign in with {user.email}."))

    def ask(self) -> str:
        password = getpass.getpass("Password: ")
        if password != getpass.getpass("The same again: "):
            raise CommandError("The two passwords differ. Nothing was made.")
        return password

    @transaction.atomic
    def make(self, user: User, password: str, clinic: str) -> None:
        if clinic:
            Organisation.objects.get_or_create(pk=1, defaults={"name": clinic})
        user.set_password(password)
        user.save()
        StaffRole.objects.create(user=user, role=Role.MANAGER)
        audit.record(by=SYSTEM, action="first-manager", sentence=f"made {user.name} the first manager", of=user)
