"""The platform's configuration as data, its one loader, and the settings of the environment."""
