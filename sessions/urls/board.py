from django.urls import path

from sessions.views import board

urlpatterns = [path("", board.board, name="board")]
