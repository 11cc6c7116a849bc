"""The baseline: the same queries by hand in psycopg2 on a kept connection, without policies or framework.

Our pages are measured against it. It reads the rows that our page shows, as the owner, and writes them as
bare HTML tables.
"""

import os
from html import escape
from urllib.parse import parse_qs

import psycopg2

_connections: list = []

LIST = """
    SELECT a.reference, a.status, a.risk, a.changed_on, d.name_en, o.name_en,
           b.first_name, b.middle_name, b.second_name, b.name_ne
      FROM beneficiaries_caseaccess a
      JOIN beneficiaries_case c ON c.id = a.case_id
      JOIN beneficiaries_beneficiary b ON b.id = c.beneficiary_id
      JOIN accounts_organisation o ON o.id = a.lead_organisation_id
      LEFT JOIN geography_district d ON d.id = a.district_id
     WHERE a.organisation_id = %(organisation)s AND a.level IN ('lead', 'working')
       AND (a.expires_at IS NULL OR a.expires_at > now()) {chosen}
     ORDER BY a.changed_on DESC, a.case_id LIMIT 51 OFFSET %(start)s
"""
COUNT = """
    SELECT count(*) FROM (
        SELECT 1 FROM beneficiaries_caseaccess a
         WHERE a.organisation_id = %(organisation)s AND a.level IN ('lead', 'working')
           AND (a.expires_at IS NULL OR a.expires_at > now()) {chosen} LIMIT 1001) found
"""
CASE = """
    SELECT c.id, c.reference, c.status, c.opened_on, o.name_en, b.first_name, b.middle_name, b.second_name,
           b.name_ne, b.sex, b.birth_on, b.birth_as_typed, b.citizenship,
           b.home_place, b.phone, b.safe_contact, d.name_en, l.name_en
      FROM beneficiaries_case c
      JOIN beneficiaries_beneficiary b ON b.id = c.beneficiary_id
      JOIN accounts_organisation o ON o.id = c.lead_organisation_id
      LEFT JOIN geography_district d ON d.id = b.home_district_id
      LEFT JOIN geography_locallevel l ON l.id = b.home_local_level_id
     WHERE c.reference = %(reference)s
"""
# The rows linked to a case, one query for each table that the page shows.
PARTS = (
    """SELECT f.risk, f.groups, f.primary_group, f.country_of_stay, f.narrative, f.needs, u.first_name,
              u.last_name, d.name_en FROM beneficiaries_casefile f JOIN accounts_user u ON u.id = f.caseworker_id
         LEFT JOIN geography_district d ON d.id = f.current_district_id WHERE f.case_id = %(case)s""",
    """SELECT c.purpose, c.is_given, c.given_by, c.asked_on, c.withdrawn_on, c.recorded_at, o.name_en,
              u.first_name, u.last_name FROM beneficiaries_consent c
         LEFT JOIN accounts_organisation o ON o.id = c.organisation_id
         JOIN accounts_user u ON u.id = c.recorded_by_id
        WHERE c.case_id = %(case)s ORDER BY c.recorded_at, c.id""",
    """SELECT r.level, r.former, r.source, r.assessed_on, r.reason, r.at, u.first_name, u.last_name
         FROM beneficiaries_riskassessment r JOIN accounts_user u ON u.id = r.by_id
        WHERE r.case_id = %(case)s ORDER BY r.at DESC, r.id""",
    """SELECT i.kind, i.state, i.number, i.issued_on, i.expires_on, i.kept_by, d.name_en, u.first_name, u.last_name
         FROM beneficiaries_case c JOIN beneficiaries_identitydocument i ON i.beneficiary_id = c.beneficiary_id
         JOIN accounts_user u ON u.id = i.recorded_by_id LEFT JOIN geography_district d ON d.id = i.issued_district_id
        WHERE c.id = %(case)s ORDER BY i.recorded_at, i.id""",
    """SELECT i.kind, other.reference FROM beneficiaries_case c
         JOIN beneficiaries_beneficiary b ON b.id = c.beneficiary_id
         JOIN beneficiaries_identitydocument i ON i.beneficiary_id = b.id
         JOIN beneficiaries_identitydocument same
           ON same.number_index = i.number_index AND same.beneficiary_id <> i.beneficiary_id
         JOIN beneficiaries_beneficiary owner
           ON owner.id = same.beneficiary_id AND owner.organisation_id = b.organisation_id
         JOIN beneficiaries_case other ON other.beneficiary_id = owner.id
        WHERE c.id = %(case)s ORDER BY other.changed_on DESC, other.id""",
    """SELECT n.kind, n.confidentiality, n.text, n.at, u.first_name, u.last_name FROM beneficiaries_casenote n
         JOIN accounts_user u ON u.id = n.by_id WHERE n.case_id = %(case)s ORDER BY n.at DESC, n.id""",
    """SELECT d.kind, d.title, d.state, d.size, d.confidentiality, d.at, u.first_name, u.last_name
         FROM beneficiaries_document d JOIN accounts_user u ON u.id = d.by_id
        WHERE d.case_id = %(case)s ORDER BY d.at DESC, d.id""",
    """SELECT e.opened_at, e.reason, u.first_name, u.last_name FROM beneficiaries_emergencyopening e
         JOIN accounts_user u ON u.id = e.user_id WHERE e.case_id = %(case)s ORDER BY e.opened_at DESC""",
    """SELECT t.state, t.reason, t.offered_at, t.answered_at, t.answer, s.name_en, r.name_en, o.first_name,
              o.last_name, a.first_name, a.last_name FROM beneficiaries_casetransfer t
         JOIN accounts_organisation s ON s.id = t.sender_id JOIN accounts_organisation r ON r.id = t.receiver_id
         JOIN accounts_user o ON o.id = t.offered_by_id LEFT JOIN accounts_user a ON a.id = t.answered_by_id
        WHERE t.case_id = %(case)s ORDER BY t.offered_at DESC, t.id""",
    """SELECT a.note, a.at, f.first_name, f.last_name, c.first_name, c.last_name, u.first_name, u.last_name
         FROM beneficiaries_assignment a JOIN accounts_user f ON f.id = a.former_id
         JOIN accounts_user c ON c.id = a.caseworker_id JOIN accounts_user u ON u.id = a.by_id
        WHERE a.case_id = %(case)s ORDER BY a.at DESC, a.id""",
    """SELECT p.name_en, e.enrolled_on, e.entered_on, e.is_override FROM beneficiaries_enrolment e
         JOIN projects_project p ON p.id = e.project_id WHERE e.case_id = %(case)s
        ORDER BY e.enrolled_on, e.id""",
    """SELECT p.name_en, a.decision, a.outcome, a.reason, a.at, u.first_name, u.last_name
         FROM beneficiaries_assessment a JOIN projects_project p ON p.id = a.project_id
         JOIN accounts_user u ON u.id = a.by_id WHERE a.case_id = %(case)s ORDER BY a.at DESC, a.id""",
    """SELECT p.livelihood, p.goal, p.steps, p.at, u.first_name, u.last_name FROM reintegration_plan p
         JOIN accounts_user u ON u.id = p.by_id WHERE p.case_id = %(case)s ORDER BY p.agreed_on DESC, p.id""",
    """SELECT g.amount_npr, g.state, g.requested_at, g.endorsed_at, g.approved_at, g.refused_at, g.refusal
         FROM reintegration_grant g WHERE g.case_id = %(case)s ORDER BY g.requested_at DESC, g.id""",
    """SELECT i.number, i.amount_npr, i.paid_at FROM reintegration_instalment i WHERE i.case_id = %(case)s
        ORDER BY i.paid_at, i.id""",
    """SELECT f.label_en, f.kind, f.due_on, f.done_on, f.outcome, f.wellbeing, f.note
         FROM reintegration_followup f WHERE f.case_id = %(case)s ORDER BY f.due_on, f.id""",
)


def _cursor():
    if not _connections:
        _connections.append(psycopg2.connect(os.environ["MIGRATION_DATABASE_URL"]))
        _connections[0].autocommit = True
    return _connections[0].cursor()


def _table(rows) -> str:
    lines = ("".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows)
    return f"<table><tr>{'</tr><tr>'.join(lines)}</tr></table>"


def _rows(cursor, statement: str, values: dict) -> list[tuple]:
    cursor.execute(statement, values)
    return cursor.fetchall()


def listed(cursor, asked: dict[str, str]) -> str:
    """Return one page of the list and the count, up to a thousand."""
    chosen = "".join(f" AND a.{name} = %({name})s" for name in ("status", "district_id") if name in asked)
    values = {**asked, "start": int(asked.get("start", 0))}
    rows = _rows(cursor, LIST.format(chosen=chosen), values)
    return _table(rows[:50]) + counted(cursor, asked)


def counted(cursor, asked: dict[str, str]) -> str:
    """Return the count, up to a thousand."""
    chosen = "".join(f" AND a.{name} = %({name})s" for name in ("status", "district_id") if name in asked)
    return f"<p>{_rows(cursor, COUNT.format(chosen=chosen), asked)[0][0]}</p>"


def opened(cursor, asked: dict[str, str]) -> str:
    """Return one case with all linked rows."""
    found = _rows(cursor, CASE, asked)
    return _table(found) + "".join(_table(_rows(cursor, part, {"case": found[0][0]})) for part in PARTS)


PAGES = {"/list": listed, "/count": counted, "/case": opened}


def application(environ, start_response):
    """Answer one of PAGES."""
    asked = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
    with _cursor() as cursor:
        body = "<!doctype html><title>baseline</title>" + PAGES[environ["PATH_INFO"]](cursor, asked)
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [body.encode()]
