"""Access to restricted data: application, security review, decision, grant, use, report; every step an event."""
