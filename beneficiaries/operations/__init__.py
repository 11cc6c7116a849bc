"""Every write to beneficiaries, consents, cases and enrolments."""
