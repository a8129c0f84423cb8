"""Objects made from plain rows are the objects Django makes."""

from __future__ import annotations

from typing import Any

import pytest

from clinic.models import Room
from clinic.quick_rows import columns, made
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_the_same_object_with_the_rest_fetched_when_asked_for(django_assert_num_queries: Any) -> None:
    room = make.make_room(make.make_site())
    names = columns(Room, without={"name"})
    row = Room.objects.values_list(*names).get(pk=room.pk)
    again = made(Room, names, iter(row))
    with django_assert_num_queries(0):
        assert again == room
        assert (again.public_id, again.site_id) == (room.public_id, room.site_id)
        assert again.get_deferred_fields() == {"name"}
    with django_assert_num_queries(1):
        assert again.name == room.name
    again.save(update_fields=["name"])
    assert Room.objects.get() == room


def test_one_row_of_a_join_makes_one_object_after_the_other() -> None:
    room = make.make_room(make.make_site())
    values = iter([room.pk, "first", room.pk + 1, "second"])
    first, second = (made(Room, ["id", "name"], values) for _ in range(2))
    assert (first.name, second.pk, second.name) == ("first", room.pk + 1, "second")
