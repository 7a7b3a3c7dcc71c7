"""Measures as forms to collect answers with: XLSForm, REDCap, FHIR, Excel; and as plain JSON.

Every function gives bytes, text or a mapping; nothing here writes a file. Item wording is part of a
form only where the measure's licence includes it; elsewhere the short label stands in its place.

as_json.py    A measure as JSON
asking.py     What all forms say alike
excel.py      An Excel workbook to type answers into, which evalkit reads as it is
fhir.py       A FHIR Questionnaire in R5 or R4B, and answers read back from a QuestionnaireResponse
redcap.py     A REDCap data dictionary: one row a field, in REDCap's 18 columns
workbooks.py  Workbooks whose text stays text
xlsform.py    An XLSForm for Kobo and ODK: the sheets survey, choices and settings
"""
