"""Measures as forms to collect answers with: XLSForm, REDCap, FHIR, Excel; and as plain JSON.

Every function gives bytes, text or a mapping; nothing here writes a file. Item wording is part of a
form only where the measure's licence includes it; elsewhere the short label stands in its place.
"""
