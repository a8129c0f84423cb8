from django.urls import path

from sessions.views import stock

urlpatterns = [
    path("stock/", stock.stock, name="stock"),
    path("stock/receive/", stock.stock_receive, name="stock-receive"),
    path("stock/<public:public_id>/hold-back/", stock.stock_hold_back, name="stock-hold-back"),
]
