"""The OpenAPI schema and a page to read it with. Whoever may use the API may read both."""

from csp.constants import NONE, SELF
from csp.decorators import csp
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

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


class SchemaView(SpectacularJSONAPIView):
    pass


@method_decorator(csp(DOCS_POLICY), name="dispatch")
class DocsView(SpectacularSwaggerSplitView):
    pass
