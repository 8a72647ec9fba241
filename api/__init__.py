"""FastAPI: CKAN Action API, data API, access API and the portal."""
