"""The portal: server-rendered pages in Chinese and English that work without JavaScript."""

from api.portal.routes import add_portal, error_page

__all__ = ["add_portal", "error_page"]
