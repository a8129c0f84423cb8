"""Django's way through the migrations, without drawing models anew that have not changed.

For each constraint, index and trigger of a migration Django makes the model and all its neighbours again, some sixty classes,
though none of their fields is another. Five hundred such steps were two thirds of a first start. Here they change the model
where it stands; whatever touches a field goes Django's way.
"""
from __future__ import annotations

from typing import Any

from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState

Key = tuple[str, str]
BESIDE_THE_FIELDS = ("constraints", "indexes", "triggers")


class LeanState(ProjectState):
    def __init__(self, models: Any = None, real_apps: Any = None) -> None:
        super().__init__(models, real_apps)
        self._drawn: dict[Key, tuple[Any, ...]] = {}

    def clone(self) -> LeanState:
        made = super().clone()
        lean = LeanState(made.models, made.real_apps)
        lean.__dict__ |= made.__dict__  # classes that are drawn, and that some are not
        return lean

    def reload_model(self, app_label: str, model_name: str, delay: bool = False) -> None:
        if "apps" not in self.__dict__:
            return
        key = app_label, model_name
        if self._drawn.get(key) != self._body(key):
            super().reload_model(app_label, model_name, delay)
            return
        meta = self.apps.get_model(app_label, model_name)._meta
        for name in BESIDE_THE_FIELDS:
            setattr(meta, name, list(self.models[key].options.get(name, [])))

    def _reload(self, related_models: set[Key]) -> None:
        super()._reload(related_models)  # type: ignore[misc]
        self._drawn |= {key: self._body(key) for key in related_models if key in self.models}

    def _body(self, key: Key) -> tuple[Any, ...]:
        """What a class is drawn from, but for what stands beside the fields. A changed field is another object."""
        state = self.models[key]
        options = {name: value for name, value in state.options.items() if name not in BESIDE_THE_FIELDS}
        return {name: id(field) for name, field in state.fields.items()}, state.bases, state.managers, options


class LeanExecutor(MigrationExecutor):
    def _create_project_state(self, with_applied_migrations: bool = False) -> ProjectState:
        made = super()._create_project_state(with_applied_migrations)  # type: ignore[misc]
        return LeanState(made.models, made.real_apps)
