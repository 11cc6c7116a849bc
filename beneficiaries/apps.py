from django.apps import AppConfig


class BeneficiariesConfig(AppConfig):
    name = "beneficiaries"
    verbose_name = "People and cases"

    def ready(self) -> None:
        from beneficiaries.exports.cases import CASES
        from beneficiaries.exports.kinds import kinds
        from beneficiaries.numbers import index_numbers  # models must be loaded first
        from core import rewrapping

        rewrapping.more.append(index_numbers)
        kinds["cases"] = CASES
