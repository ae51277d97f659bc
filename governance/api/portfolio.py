"""The portfolio: counts over all models that somebody sees."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from governance.portfolio import portfolio_of
from governance.serializers import portfolio as shapes


class PortfolioDetail(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.PortfolioOutput, operation_id="portfolio")
    def get(self, request: Request) -> Response:
        """How many of the models that you may see are of which risk, in which state, and where something is overdue."""
        return Response(shapes.portfolio(portfolio_of(request.user)))
