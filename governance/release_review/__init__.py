"""Release review (三审): agency, compliance, secrecy; each a signed decision on digests, by different people."""
