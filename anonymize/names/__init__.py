"""Names of persons, places and organisations: rules and dictionaries, and optionally a model."""
