"""The OpenAPI schema and a page to read it with. Whoever may use the API may read both."""

from typing import Any

from csp.constants import NONE, SELF
from csp.decorators import csp
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request

# Swagger UI writes style attributes; its script and our start of it come from this host like everything else.
DOCS_POLICY = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF, "'unsafe-inline'"],
    "img-src": [SELF, "data:"],
    "connect-src": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
    "form-action": [NONE],
}


_schemas: dict[str | None, dict[str, Any]] = {}  # by language: it takes most of a second to make one


class KeptSchemaGenerator(SchemaGenerator):
    """Makes the schema once in each language. It is the same for everybody (`SERVE_PUBLIC`) while the program runs."""

    def get_schema(self, request: Request | None = None, public: bool = False) -> dict[str, Any]:
        language = get_language()
        if language not in _schemas:
            _schemas[language] = super().get_schema(request, public)  # type: ignore[no-untyped-call]
        return _schemas[language]


class SchemaView(SpectacularJSONAPIView):
    generator_class = KeptSchemaGenerator


@method_decorator(csp(DOCS_POLICY), name="dispatch")
class DocsView(SpectacularSwaggerSplitView):
    pass
