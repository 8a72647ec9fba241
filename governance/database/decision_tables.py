"""Tables of accounts, reviews, applications, grants, the audit log and the transparency log."""
