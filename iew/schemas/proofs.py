"""What is typed from the sheet of a proof, and what the sheet says."""

from marshmallow import fields

from iew.schemas.base import Input, Line, View


class ProofQuery(Input):
    """Case number and check code."""

    number = Line(longest=40, load_default="")
    code = Line(longest=60, load_default="")


class SchoolOfProofView(View):
    """One of the two schools."""

    name = fields.String()
    name_en = fields.String(allow_none=True)
    country = fields.String()
    county = fields.String(allow_none=True)
    region = fields.String(allow_none=True)
    level = fields.String()


class ToldView(View):
    """What one school reported; a number of people that could point at persons is null."""

    school = fields.Nested(SchoolOfProofView)
    held_on = fields.Date()
    students = fields.Integer(allow_none=True)
    teachers = fields.Integer(allow_none=True)
    told_at = fields.AwareDateTime()


class ProofView(View):
    """An exchange that took place, without persons and texts; `check_url` is the page that anybody checks it on."""

    number = fields.String(attribute="proof.number")
    code = fields.String(attribute="proof.code")
    schools = fields.List(fields.Nested(SchoolOfProofView), attribute="proof.schools")
    exchange_types = fields.List(fields.String(), attribute="proof.exchange_types")
    told = fields.List(fields.Nested(ToldView), attribute="proof.told")
    completed_at = fields.AwareDateTime(attribute="proof.completed_at")
    check_url = fields.String()
